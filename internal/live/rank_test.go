package live

import (
	"cmp"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// TestRankIsWhatSortingSays compares rankings with the model's stations, counted
// and sorted one by one.
func TestRankIsWhatSortingSays(t *testing.T) {
	for seed := range uint64(20) {
		c := newRandomCity(seed)
		p := newPair(t, c)
		for range 400 {
			p.apply(c.record())
		}
		p.tick(c)
		for range 60 {
			q := Ranking{By: RankBy(c.IntN(5)), Limit: pick(c, 1, 2, 5, 200), AccessAll: c.chance(0.5)}
			if c.chance(0.3) {
				q.Operator = pick(c, "teld", "ykc", "nio", "nobody")
			}
			if c.chance(0.3) {
				q.District = pick(c, "530102", "530111", "unknown", "530122")
			}
			q.Viewer = pick(c, driver, regulator, Viewer{charge.RoleOperator, 1}, Viewer{charge.RoleMaker, 2})
			p.rank(q)
		}
	}
}

// A ranking holds until the next tick, and no longer than the list of parties.
func TestRankHoldsUntilTheNextTick(t *testing.T) {
	c := newRandomCity(1)
	p := newPair(t, c)
	for range 400 {
		p.apply(c.record())
	}
	p.tick(c)
	q := Ranking{By: RankTotal, Limit: 200}
	before, _ := p.s.Rank(q)
	if len(before) < 3 {
		t.Fatalf("only %d stations", len(before))
	}
	for range 200 {
		p.apply(c.record())
	}
	if again, _ := p.s.Rank(q); &again[0] != &before[0] {
		t.Error("the same question is answered twice in a revision")
	}
	c.now += 1000
	p.tick(c)
	p.rank(q)
	for i := range 3 * maxRanks { // no end of different questions
		q.Limit = 1 + i
		p.rank(q)
	}
	if n := len(p.s.ranks.kept); n > maxRanks {
		t.Errorf("%d rankings are kept", n)
	}
	operator := before[0].Site.Operator
	var parties []charge.Party
	for _, party := range p.m.parties {
		party.Removed = party.Removed || party.Slug == operator
		p.m.parties[party.Num] = party
		parties = append(parties, party)
	}
	p.s.SetParties(parties)
	p.rank(Ranking{By: RankTotal, Limit: 200})
}

func (p *pair) rank(q Ranking) {
	p.t.Helper()
	type line struct {
		id    string
		n     int
		piles charge.PileCounts
	}
	var want []line
	for num, st := range p.m.stations {
		party := p.m.parties[st.Party]
		visible := st.Access == charge.Public || q.AccessAll && (q.Viewer.Role == charge.RoleRegulator ||
			q.Viewer.Role == charge.RoleOperator && q.Viewer.Party == st.Party)
		if !visible || party.Removed || q.Operator != "" && party.Slug != q.Operator ||
			q.District != "" && modelDistrict(st.District) != q.District {
			continue
		}
		l := line{id: party.Slug + ":" + st.ID, piles: p.m.count(func(s *charge.Station) bool { return s.Num == num }).piles}
		l.n = [...]int{l.piles.Total, l.piles.Free, l.piles.InUse, l.piles.Fault, l.piles.Offline}[q.By]
		if l.n > 0 {
			want = append(want, l)
		}
	}
	slices.SortFunc(want, func(a, b line) int {
		return cmp.Or(b.n-a.n, a.piles.Total-b.piles.Total, cmp.Compare(a.id, b.id))
	})
	rows, all := p.s.Rank(q)
	p.equal("stations in all", all, len(want))
	want = want[:min(len(want), q.Limit)]
	p.equal("stations ranked", len(rows), len(want))
	for i := range rows {
		p.equal("station", rows[i].Site.GlobalID, want[i].id)
		p.equal("piles of "+want[i].id, rows[i].Piles, want[i].piles)
		p.equal("time of "+want[i].id, rows[i].UpdatedAt, rows[i].Site.UpdatedAt())
	}
}
