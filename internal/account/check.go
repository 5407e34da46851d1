package account

import (
	"fmt"
	"maps"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Names of the checks, as /metrics shows them.
const (
	CheckSum          = "sum"          // received = taken + duplicate + history + rejected
	CheckRegistry     = "registry"     // the registry's account = ours at the same record
	CheckInflux       = "influx"       // points due = points that InfluxDB took or refused
	CheckAcknowledged = "acknowledged" // acknowledgements ≤ messages on record
)

// Checks are all of them.
var Checks = []string{CheckSum, CheckRegistry, CheckInflux, CheckAcknowledged}

// Difference is two figures of ours that must agree and do not: a fault in the
// platform itself, never a party's.
type Difference struct {
	Check  string
	Party  charge.Num // 0 for the whole platform
	Figure string     // what was counted, and where
	Want   uint64     // what it must be, or for acknowledged be at most
	Have   uint64
}

// String names both figures.
func (d Difference) String() string {
	of := ""
	if d.Party != 0 {
		of = fmt.Sprintf(" of party %d", d.Party)
	}
	return fmt.Sprintf("%s: %s%s is %d, want %d", d.Check, d.Figure, of, d.Have, d.Want)
}

// Differences checks that in each party's totals, in each of its buckets and in
// what no row has yet every report has one outcome.
func (b *Book) Differences() (found []Difference) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, num := range slices.Sorted(maps.Keys(b.parties)) {
		p := b.parties[num]
		check := func(where string, c *record.Counts) {
			if d, ok := addsUp(num, where, &c.Account); !ok {
				found = append(found, d)
			}
		}
		check("since it was added", &p.total)
		check("since the last row", &p.pending)
		for i := range p.ring {
			check("in five minutes", &p.ring[i].counts)
		}
	}
	return found
}

func addsUp(num charge.Num, where string, a *charge.Account) (Difference, bool) {
	sum := a.Taken + a.Duplicate + a.History + a.Rejected
	return Difference{CheckSum, num, "received " + where, sum, a.Received}, sum == a.Received
}

// Compare checks that two accounts of the same record agree in every figure:
// want is what one book has, have the other's. Parties without counts may be in
// one of them only.
func Compare(check string, want, have []Total) (found []Difference) {
	index := func(all []Total) map[charge.Num]*Total {
		m := make(map[charge.Num]*Total, len(all))
		for i := range all {
			m[all[i].Party] = &all[i]
		}
		return m
	}
	a, b := index(want), index(have)
	nums := map[charge.Num]bool{}
	for num := range a {
		nums[num] = true
	}
	for num := range b {
		nums[num] = true
	}
	for _, num := range slices.Sorted(maps.Keys(nums)) {
		x, y := a[num], b[num]
		if x == nil {
			x = &Total{}
		}
		if y == nil {
			y = &Total{}
		}
		found = append(found, x.compare(check, num, y)...)
	}
	return found
}

func (t *Total) compare(check string, num charge.Num, o *Total) (found []Difference) {
	differ := func(figure string, want, have uint64) {
		if want != have {
			found = append(found, Difference{check, num, figure, want, have})
		}
	}
	x, y := &t.Counts, &o.Counts
	differ("received", x.Received, y.Received)
	differ("taken", x.Taken, y.Taken)
	differ("duplicate", x.Duplicate, y.Duplicate)
	differ("history", x.History, y.History)
	differ("rejected", x.Rejected, y.Rejected)
	differ("kept", x.Kept, y.Kept)
	differ("flagged", x.Flagged, y.Flagged)
	differ("values set to null", x.Nulls, y.Nulls)
	differ("missing", x.Missing, y.Missing)
	differ("time on line", x.OnlineMS, y.OnlineMS)
	for i := range x.Delays {
		differ(fmt.Sprint("delay class ", i), x.Delays[i], y.Delays[i])
	}
	rules := map[ruleKey][2]uint64{}
	for _, r := range t.Rules {
		rules[ruleKey{r.Rule, r.Action}] = [2]uint64{r.Count, 0}
	}
	for _, r := range o.Rules {
		k := ruleKey{r.Rule, r.Action}
		rules[k] = [2]uint64{rules[k][0], r.Count}
	}
	for _, k := range slices.SortedFunc(maps.Keys(rules), compareRules) {
		differ(fmt.Sprintf("rule %s %s", k.rule, k.action), rules[k][0], rules[k][1])
	}
	return found
}

// Points are what a writer of history counted since its start, all at one moment.
type Points struct {
	Due      uint64 // by the records that it has finished with
	Accepted uint64 // lines that InfluxDB took
	Refused  uint64 // lines that InfluxDB refused for good
	Lost     uint64 // reports that could not be said, of parties that nobody knows
}

// Differences checks that every point that was due was taken, refused or lost.
func (p Points) Differences() []Difference {
	if have := p.Accepted + p.Refused + p.Lost; have != p.Due {
		return []Difference{{CheckInflux, 0, "points since the start", p.Due, have}}
	}
	return nil
}

// Acknowledged checks that no more was acknowledged than was on record. Both
// count messages since the start; acknowledged must have been read first.
func Acknowledged(acknowledged, onRecord uint64) []Difference {
	if acknowledged > onRecord {
		return []Difference{{CheckAcknowledged, 0, "acknowledgements since the start", onRecord, acknowledged}}
	}
	return nil
}
