package live

import (
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
)

// site returns station n as it is now, or nil.
func (s *State) site(n charge.Num) *Site {
	if slot := s.stations.at(n); slot != nil {
		return slot.Load()
	}
	return nil
}

// putStation makes st what station st.Num is from here on. Piles that stood in
// another station leave that one.
func (s *State) putStation(st *charge.Station) {
	slot := s.stations.grow(st.Num)
	party := s.party(st.Party)
	if slot == nil || party == nil || party.gone {
		s.refuse("station", st.Num)
		return
	}
	next := *st
	next.Piles = make([]charge.Pile, 0, len(st.Piles))
	s.sweep++
	var others []*Site // stations that lose piles to this one
	for i := range st.Piles {
		q := st.Piles[i]
		p := s.piles.grow(q.Num)
		if p == nil || len(next.Piles) == charge.MaxStationPiles {
			s.refuse("pile", q.Num)
			continue
		}
		if p.sweep == s.sweep {
			continue // named twice
		}
		p.sweep = s.sweep
		if p.site != nil && p.site.Num != st.Num && !slices.Contains(others, p.site) {
			others = append(others, p.site)
		}
		q.Standard = s.texts.of(q.Standard)
		next.Piles = append(next.Piles, q)
	}
	changes := []change{{slot.Load(), s.newSite(next, party)}}
	for _, o := range others {
		rest := o.Station
		rest.Piles = slices.DeleteFunc(slices.Clone(o.Piles), func(q charge.Pile) bool {
			return s.piles.at(q.Num).sweep == s.sweep
		})
		changes = append(changes, change{o, s.newSite(rest, o.party)})
	}
	s.replace(changes...)
}

func (s *State) removeStation(n charge.Num) {
	if old := s.site(n); old != nil {
		s.replace(change{old, nil})
	}
}

// renameStations gives the stations of a party its slug, which was not known
// when they came.
func (s *State) renameStations(p *party) {
	for n := charge.Num(1); n < s.stations.end.Load(); n++ {
		if site := s.site(n); site != nil && site.party == p {
			s.replace(change{site, s.newSite(site.Station, p)})
		}
	}
}

func (s *State) newSite(st charge.Station, p *party) *Site {
	n := &Site{
		Station: st, party: p, Operator: p.slug(),
	}
	n.GlobalID = charge.GlobalID(n.Operator, st.ID)
	n.Adcode = s.cfg.City.DistrictOf(st.District)
	place, ok := s.district[n.Adcode]
	if !ok {
		n.Adcode, place = city.UnknownDistrict, len(s.districts)-1
	}
	n.place = place
	n.fold = strings.ToLower(strings.Join([]string{st.Name, st.NameEn, n.GlobalID, st.Address}, "\x00"))
	n.mark = markOf(n.fold)
	n.groups, n.groupOf = groupsOf(st.Piles)
	for i := range st.Piles {
		n.MaxKW = max(n.MaxKW, st.Piles[i].RatedKW)
	}
	newRow(n)
	return n
}

// change is a station's end, its beginning, or, with both, its new description.
type change struct{ old, next *Site }

// replace makes changes with all that depends on them, so that no reader finds
// a pile counted twice or not at all.
func (s *State) replace(changes ...change) {
	for _, c := range changes {
		if c.next != nil {
			s.attach(c.next)
			s.judgePrice(c.next, s.now())
		}
	}
	for _, c := range changes {
		if c.old != nil {
			s.detach(c.old)
		}
	}
	s.sumMu.Lock()
	for _, c := range changes {
		s.countSite(c.old, -1)
		s.countSite(c.next, 1)
	}
	s.sumMu.Unlock()
	for _, c := range changes {
		s.heatSite(c.next, 1)
		s.heatSite(c.old, -1)
		s.publish(c.old, c.next)
	}
}

// publish shows readers next instead of old.
func (s *State) publish(old, next *Site) {
	either := next
	if either == nil {
		either = old
	}
	s.siteMu.Lock()
	if old != nil && s.siteIDs[old.key()] == old.Num {
		delete(s.siteIDs, old.key())
	}
	if next != nil {
		s.siteIDs[next.key()] = next.Num
	}
	s.siteMu.Unlock()
	s.stations.at(either.Num).Store(next)
	s.grid.replace(old, next)
	s.dirtyStation(either.Num)
}

// attach makes next the station of its piles and counts them.
func (s *State) attach(next *Site) {
	r := next.row.Load()
	count := packed(len(next.Piles)) << packTotal
	for i := range next.Piles {
		meta := &next.Piles[i]
		p := s.piles.at(meta.Num)
		known := p.site != nil
		lock := s.lockOf(meta.Num)
		lock.Lock()
		p.site, p.idx = next, uint16(i)
		lock.Unlock()
		if !known {
			s.pileIDs.put(s.pileIDs.hash(next.Party, meta.ID), meta.Num)
		}
		m := p.mark()
		count = count.with(m, 1)
		next.powerW += m.powerW
		next.groups[next.groupOf[i]].n.Add(m.free())
		r.updated.Store(max(r.updated.Load(), int64(p.ts)))
	}
	r.counts.Store(uint64(count))
}

// detach frees those of old's piles that no other station took.
func (s *State) detach(old *Site) {
	for i := range old.Piles {
		meta := &old.Piles[i]
		p := s.piles.at(meta.Num)
		if p.site != old {
			continue
		}
		lock := s.lockOf(meta.Num)
		lock.Lock()
		p.site = nil
		lock.Unlock()
		s.pileIDs.remove(s.pileIDs.hash(old.Party, meta.ID), meta.Num)
	}
}

// countSite adds a station with its piles to the sums, or takes it away.
func (s *State) countSite(site *Site, by int) {
	if site == nil {
		return
	}
	c := site.Counts()
	for _, u := range [...]*sum{&s.city, &site.party.sum, &s.byPlace[site.place]} {
		u.stations += by
		u.states[charge.Free] += c.Free * by
		u.states[charge.InUse] += c.InUse * by
		u.states[charge.Reserved] += c.Reserved * by
		u.states[charge.Fault] += c.Fault * by
		u.states[charge.Offline] += c.Offline * by
		u.charging += c.Charging * by
		u.powerW += site.powerW * int64(by)
	}
}

// dirtyStation remembers that station n changed since the last tick.
func (s *State) dirtyStation(n charge.Num) {
	if slot := s.stations.at(n); slot != nil {
		if site := slot.Load(); site != nil {
			if site.touched == s.tick {
				return
			}
			site.touched = s.tick
		}
		s.dirty = append(s.dirty, n)
	}
}

// refuse logs once that the log names a number that cannot be.
func (s *State) refuse(kind string, n charge.Num) {
	if !s.warned {
		s.warned = true
		s.log.Error("the log names an object that cannot be placed", "kind", kind, "num", n)
	}
}
