package registry

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// ParseKind reads the command line's word for a kind of party.
func ParseKind(s string) (charge.PartyKind, error) {
	for _, k := range []charge.PartyKind{charge.Operator, charge.Maker} {
		if s == k.String() {
			return k, nil
		}
	}
	return 0, charge.Errorf(charge.ValueRange, "kind %q must be operator or maker", s)
}

// ParseRole reads the command line's word for a role.
func ParseRole(s string) (charge.Role, error) {
	for r := charge.RoleDriver; r <= charge.RoleRegulator; r++ {
		if s == r.String() {
			return r, nil
		}
	}
	return 0, charge.Errorf(charge.ValueRange, "role %q must be driver, operator, maker or regulator", s)
}

// WriteParties prints a line each: slug, kind, since when, state, names.
func WriteParties(w io.Writer, ps []charge.Party) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, p := range ps {
		state := "active"
		if p.Removed {
			state = "removed"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", p.Slug, p.Kind, p.Added, state, strings.TrimSpace(p.Name+"  "+p.NameEn))
	}
	return tw.Flush()
}

// WriteTokens prints a line each: id, role, party or -, since when. No secret.
func WriteTokens(w io.Writer, ts []charge.Token) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, t := range ts {
		party := t.Party
		if party == "" {
			party = "-"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", t.ID, t.Role, party, t.Added)
	}
	return tw.Flush()
}
