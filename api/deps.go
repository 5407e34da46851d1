package api

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/influx"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/tail"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Deps is all that this room knows of the others.
type Deps struct {
	Live     *live.State
	Auth     Directory
	History  History    // nil answers 503 history-unavailable
	Sessions Sessions   // nil likewise
	Quality  Quality    // nil answers 503 not-ready
	Alarms   Alarms     // nil answers 503 not-ready
	Tail     Tail       // nil answers 503 not-ready
	Moments  Moments    // nil answers questions with at 503 history-unavailable
	City     *city.City // what /config tells of; nil tells of none
	Instance string     // names the log that revisions are of; the same on every replica

	Others    func() int           // connections that other parts of the process have open; nil: none
	Ready     func() []PartState   // nil: nothing to wait for
	Metrics   *prometheus.Registry // what /metrics shows; nil makes one
	Dashboard http.Handler         // pages at the root; nil for none
	Internal  http.Handler         // /internal/, for replicas; nil for none. Its End() is called, perhaps twice, when answers are to end

	now func() time.Time // nil is time.Now; tests set it
}

// Directory says who a token is; *auth.Directory is one.
type Directory interface {
	// Identify returns who presents the token, or an error of code token-unknown.
	Identify(ctx context.Context, token string) (auth.Identity, error)
	// Access returns all parties, removed ones too, and all tokens: new slices
	// after every change.
	Access() ([]charge.Party, []charge.Token)
}

// Table is a history answer.
type Table = influx.Table

// History says how it was; *influx.Reader is one. Its errors carry
// range-too-large or history-unavailable.
type History interface {
	PileHistory(ctx context.Context, gid string, from, to charge.Millis, every time.Duration) (Table, error)
	VehicleHistory(ctx context.Context, vin string, from, to charge.Millis, every time.Duration) (Table, error)
	TotalsHistory(ctx context.Context, scope record.Scope, id string, from, to charge.Millis,
		every time.Duration) (Table, error)
	QualityHistory(ctx context.Context, slug string, from, to charge.Millis, every time.Duration) (Table, error)
}

// Quality is what became of each party's reports; *account.Book is one.
type Quality interface {
	Sum(party charge.Num, now charge.Millis, buckets int) account.Sum
}

// Tail is what became of the parties' newest messages; *tail.Book is one.
type Tail interface {
	// Messages returns what is kept of a party's messages after the record of
	// that number, oldest first.
	Messages(ctx context.Context, party charge.Num, after uint64) ([]tail.Message, error)
	// Met returns the rules that a party met, with their times and examples.
	Met(ctx context.Context, party charge.Num) ([]tail.Met, error)
}

// Sessions finds finished charging sessions; *registry.Registry does.
type Sessions interface {
	Sessions(ctx context.Context, party charge.Num, pileID string, from, to charge.Millis) ([]charge.Session, error)
}

// Revision is what live's Tick closed.
type Revision = live.Revision

// identity is who asks.
type identity struct {
	role  charge.Role
	party charge.Num // of operators and makers
	slug  string
	token string // its id
}

func (d *Deps) identify(ctx context.Context, token string) (identity, error) {
	who, err := d.Auth.Identify(ctx, token)
	if err != nil {
		return identity{}, err
	}
	return identity{role: who.Role, party: who.Party, slug: who.Slug, token: who.TokenID}, nil
}

// accessVersion changes with every change of parties or tokens.
type accessVersion struct {
	parties, tokens int
	party           *charge.Party
	token           *charge.Token
}

func (d *Deps) accessVersion() accessVersion {
	parties, tokens := d.Auth.Access()
	v := accessVersion{parties: len(parties), tokens: len(tokens)}
	if v.parties > 0 {
		v.party = &parties[0]
	}
	if v.tokens > 0 {
		v.token = &tokens[0]
	}
	return v
}

// party returns the party of that slug and kind, also a removed one.
func (d *Deps) party(slug string, kind charge.PartyKind) (charge.Party, bool) {
	parties, _ := d.Auth.Access()
	for _, p := range parties {
		if p.Slug == slug && p.Kind == kind {
			return p, true
		}
	}
	return charge.Party{}, false
}

func (who identity) viewer() live.Viewer { return live.Viewer{Role: who.role, Party: who.party} }
