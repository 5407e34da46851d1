package live

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// party is one operator or maker and what is counted of it.
type party struct {
	num  charge.Num
	info atomic.Pointer[charge.Party]
	sum  sum
	gone bool // the writer's: its end stands in the log
}

// slug returns its name on the wire, "" as long as the party is not known.
func (p *party) slug() string { return p.info.Load().Slug }

// hidden reports whether answers leave the party's objects out.
func (p *party) hidden() bool {
	info := p.info.Load()
	return info.Removed || info.Slug == ""
}

// partyTable is never changed once it is stored.
type partyTable struct {
	byNum  []*party
	bySlug map[string]*party
	hidden []bool // by number, as party.hidden says
}

// setParties shows readers t.
func (s *State) setParties(t *partyTable) {
	t.hidden = make([]bool, len(t.byNum))
	for n, p := range t.byNum {
		t.hidden[n] = p == nil || p.hidden()
	}
	s.parties.Store(t)
}

func (t *partyTable) at(n charge.Num) *party {
	if int(n) < len(t.byNum) {
		return t.byNum[n]
	}
	return nil
}

// shown returns the parties of one kind that answers name, in the order of their numbers.
func (t *partyTable) shown(kind charge.PartyKind) []*party {
	var out []*party
	for _, p := range t.byNum {
		if p != nil && p.info.Load().Kind == kind && !p.hidden() {
			out = append(out, p)
		}
	}
	return out
}

const maxParties = 1 << 16

// SetParties replaces the list of parties. Objects of removed ones, and of
// those that the list does not name, are left out of answers. Writer's side.
func (s *State) SetParties(all []charge.Party) {
	old := s.parties.Load()
	next := &partyTable{byNum: slices.Clone(old.byNum), bySlug: make(map[string]*party, len(all))}
	named := make(map[charge.Num]bool, len(all))
	for _, q := range all {
		if q.Num == 0 || q.Num >= maxParties {
			continue
		}
		p := next.place(q.Num)
		named[q.Num] = true
		known := p.slug() == q.Slug
		q.PasswordHash = "" // nothing here needs it
		p.info.Store(&q)
		if !q.Removed {
			next.bySlug[q.Slug] = p
		}
		if !known {
			s.renameStations(p)
		}
	}
	for _, p := range next.byNum {
		if p != nil && !named[p.num] && !p.info.Load().Removed {
			info := *p.info.Load()
			info.Removed = true
			p.info.Store(&info)
		}
	}
	s.setParties(next)
}

// place returns number n's party and makes one without a name where there is none.
func (t *partyTable) place(n charge.Num) *party {
	if int(n) >= len(t.byNum) {
		t.byNum = append(t.byNum, make([]*party, int(n)+1-len(t.byNum))...)
	}
	if t.byNum[n] == nil {
		p := &party{num: n}
		p.info.Store(&charge.Party{Num: n})
		t.byNum[n] = p
	}
	return t.byNum[n]
}

// party returns number n's party for the writer, without a name when
// SetParties has not told of it yet; nil for no number.
func (s *State) party(n charge.Num) *party {
	t := s.parties.Load()
	if p := t.at(n); p != nil || n == 0 || n >= maxParties {
		return p
	}
	next := &partyTable{byNum: slices.Clone(t.byNum), bySlug: t.bySlug}
	p := next.place(n)
	s.setParties(next)
	return p
}

// addParty makes one party known besides the others.
func (s *State) addParty(q charge.Party) {
	p := s.party(q.Num)
	p.info.Store(&q)
	t := s.parties.Load()
	next := &partyTable{byNum: t.byNum, bySlug: maps.Clone(t.bySlug)}
	if !q.Removed {
		next.bySlug[q.Slug] = p
	}
	s.setParties(next)
}

// partyGone takes everything of party n away, for good: nothing of it comes
// back, so a replay may do it again.
func (s *State) partyGone(n charge.Num) {
	p := s.party(n)
	if p == nil {
		return
	}
	for num := charge.Num(1); num < s.stations.end.Load(); num++ {
		if site := s.site(num); site != nil && site.Party == n {
			s.removeStation(num)
		}
	}
	for num := charge.Num(1); num < s.vehicles.end.Load(); num++ {
		if v := s.vehicles.at(num); v != nil && v.party == p {
			s.removeVehicle(num, v)
		}
	}
	p.gone = true
}
