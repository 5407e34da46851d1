package ingest

import (
	"hash/maphash"
	"reflect"
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

// cloneStation copies what the decoder lends.
func cloneStation(s charge.Station) charge.Station {
	for _, p := range []*string{&s.ID, &s.Name, &s.NameEn, &s.District, &s.Address, &s.Phone, &s.OpenHours} {
		*p = strings.Clone(*p)
	}
	if s.Parking != nil {
		p := *s.Parking
		p.Text = strings.Clone(p.Text)
		s.Parking = &p
	}
	s.Piles = slices.Clone(s.Piles)
	for i := range s.Piles {
		p := &s.Piles[i]
		p.ID, p.Standard, p.Bay = strings.Clone(p.ID), strings.Clone(p.Standard), strings.Clone(p.Bay)
	}
	s.Tariffs = slices.Clone(s.Tariffs)
	for i := range s.Tariffs {
		s.Tariffs[i].Bands = slices.Clone(s.Tariffs[i].Bands)
	}
	return s
}

// mergeTariffs adds the new versions to those known, by ValidFrom; the newest
// word on one moment holds. The newest [charge.MaxTariffs] are kept.
func mergeTariffs(known, sent []charge.Tariff) []charge.Tariff {
	all := slices.Clone(known)
	for _, t := range sent {
		i, found := slices.BinarySearchFunc(all, t, func(a, b charge.Tariff) int {
			return int(min(1, max(-1, a.ValidFrom-b.ValidFrom)))
		})
		if found {
			all[i] = t
		} else {
			all = slices.Insert(all, i, t)
		}
	}
	return all[max(0, len(all)-charge.MaxTariffs):]
}

func equalStation(a, b *charge.Station) bool {
	if !slices.Equal(a.Piles, b.Piles) || !slices.EqualFunc(a.Tariffs, b.Tariffs, func(s, t charge.Tariff) bool {
		return s.ValidFrom == t.ValidFrom && slices.Equal(s.Bands, t.Bands)
	}) {
		return false
	}
	x, y := *a, *b
	x.Piles, y.Piles, x.Tariffs, y.Tariffs = nil, nil, nil, nil
	return reflect.DeepEqual(x, y)
}

func cloneSession(s charge.Session) charge.Session {
	s.ID, s.PileID, s.VIN = strings.Clone(s.ID), strings.Clone(s.PileID), strings.Clone(s.VIN)
	s.Bands = slices.Clone(s.Bands)
	return s
}

// maxRecent bounds the sessions whose values are remembered in memory; older
// ones are looked up where sessions are kept.
const maxRecent = 200_000

// recent remembers the values of the newest sessions, to know repeats.
type recent struct {
	values map[uint64]uint64 // hash of (party, id) → print of the values
	order  []uint64          // ring of keys
	next   int
	seed   maphash.Seed // for the life of the process: hashes are never kept
}

func newRecent() recent { return recent{values: map[uint64]uint64{}, seed: maphash.MakeSeed()} }

type sessionKey struct {
	party charge.Num
	id    string
}

func (r *recent) key(s *charge.Session) uint64 {
	return maphash.Comparable(r.seed, sessionKey{s.Party, s.ID})
}

// known reports whether this session was taken before with these values.
func (j *judge) known(s *charge.Session, h uint64) bool {
	if v, ok := j.values[j.key(s)]; ok {
		return v == h
	}
	if j.deps.Sessions == nil {
		return false
	}
	old, ok, err := j.deps.Sessions.Session(s.Party, s.ID)
	if err != nil || !ok {
		return false // taking it again changes nothing: it is kept by (party, id)
	}
	return quality.SessionPrint(&old) == h
}

func (r *recent) remember(s *charge.Session, h uint64) {
	k := r.key(s)
	if _, ok := r.values[k]; !ok {
		if len(r.order) < maxRecent {
			r.order = append(r.order, k)
		} else {
			delete(r.values, r.order[r.next])
			r.order[r.next] = k
			r.next = (r.next + 1) % maxRecent
		}
	}
	r.values[k] = h
}
