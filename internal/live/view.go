package live

import (
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// PileView is a pile, its state and its newest taken report.
type PileView struct {
	Num      charge.Num
	GlobalID string      // "party:id"; "" in a station's list
	Site     *Site       // its station
	Meta     charge.Pile // as its operator described it
	State    charge.State
	Reported bool // false: it never has, and Report is empty
	Fresh    bool // the newest report was within the stale limit at the last tick
	Flagged  bool // the newest report met a rule that flags or nulls
	Report   charge.PileReport
	Received charge.Millis
}

// StationView is a station with all its piles.
type StationView struct {
	Found
	Tariff   *charge.Tariff // in force at the last tick, nil when none is
	PileList []PileView     // in the operator's order
}

// VehicleView is a vehicle, its state and its newest taken report.
type VehicleView struct {
	Num      charge.Num
	Maker    string // slug
	Vehicle  charge.Vehicle
	Reported bool
	Online   bool
	Driving  bool
	Charging bool
	Alarm    bool
	Flagged  bool
	OffMap   bool // its position is not used on the heat map
	Report   charge.VehicleReport
	Received charge.Millis
}

// Station returns the station that the party calls id; false when there is
// none, or the viewer may not know of it.
func (s *State) Station(party, id string, v Viewer) (StationView, bool) {
	p := s.parties.Load().bySlug[party]
	if p == nil {
		return StationView{}, false
	}
	s.siteMu.RLock()
	n := s.siteIDs[siteKey{p.num, id}]
	s.siteMu.RUnlock()
	return s.StationByNum(n, v)
}

// NameEn returns the English name of a party's station, whoever may see it; ""
// when it has none, or there is no such station.
func (s *State) NameEn(party charge.Num, id string) string {
	s.siteMu.RLock()
	n := s.siteIDs[siteKey{party, id}]
	s.siteMu.RUnlock()
	if site := s.site(n); site != nil {
		return site.NameEn
	}
	return ""
}

// StationByNum is [State.Station] by number.
func (s *State) StationByNum(n charge.Num, v Viewer) (StationView, bool) {
	site := s.site(n)
	if site == nil || !site.visible(v) {
		return StationView{}, false
	}
	view := StationView{Tariff: site.Tariff(s.now()), PileList: make([]PileView, 0, len(site.Piles))}
	for i := range site.Piles {
		view.PileList = append(view.PileList, s.pileView(site, i))
	}
	view.Found = Found{
		Site: site, counts: site.counts(), Match: len(site.Piles), Price: site.Price(), UpdatedAt: site.UpdatedAt(),
		Text: site.Text(),
	}
	return view, true
}

// pileView reads pile i of site.
func (s *State) pileView(site *Site, i int) PileView {
	view := PileView{Num: site.Piles[i].Num, Site: site, Meta: site.Piles[i]}
	if p := s.piles.at(view.Num); p != nil {
		p.read(&view, s.lockOf(view.Num))
	}
	return view
}

func (p *pile) read(view *PileView, lock *sync.Mutex) {
	lock.Lock()
	view.State, view.Reported, view.Fresh, view.Flagged = p.mark().state, p.ts != 0, p.fresh, p.flagged
	view.Report, view.Received = p.report(), p.received
	lock.Unlock()
	view.Report.ID = view.Meta.ID
}

// pileAt finds a pile by its operator and id.
func (s *State) pileAt(party charge.Num, id string) (n charge.Num, site *Site, idx int) {
	n = s.pileIDs.find(s.pileIDs.hash(party, id), func(n charge.Num) bool {
		p, lock := s.piles.at(n), s.lockOf(n)
		lock.Lock()
		site, idx = p.site, int(p.idx)
		lock.Unlock()
		return site != nil && site.Party == party && site.Piles[idx].ID == id
	})
	return n, site, idx
}

// Pile returns the pile that the party calls id; false when it is in no
// station that the viewer may know of.
func (s *State) Pile(party, id string, v Viewer) (PileView, bool) {
	p := s.parties.Load().bySlug[party]
	if p == nil {
		return PileView{}, false
	}
	n, site, idx := s.pileAt(p.num, id)
	if n == 0 || !site.visible(v) {
		return PileView{}, false
	}
	view := s.pileView(site, idx)
	view.GlobalID = charge.GlobalID(site.Operator, id)
	return view, true
}

// sees reports whether v may see the maker's vehicles.
func (v Viewer) sees(maker charge.Num) bool {
	return v.Role == charge.RoleRegulator || v.Role == charge.RoleMaker && v.Party == maker
}

// Vehicle returns a vehicle; false when there is none, or the viewer is
// neither a regulator nor its maker.
func (s *State) Vehicle(vin string, v Viewer) (VehicleView, bool) {
	n := s.vins.find(s.vins.hash(0, vin), func(n charge.Num) bool { return string(s.vehicles.at(n).vin[:]) == vin })
	view, ok := s.VehicleByNum(n, v)
	return view, ok && view.Vehicle.VIN == vin
}

// VehicleByNum is [State.Vehicle] by number.
func (s *State) VehicleByNum(n charge.Num, v Viewer) (VehicleView, bool) {
	c := s.vehicles.at(n)
	if c == nil {
		return VehicleView{}, false
	}
	lock := s.lockOf(n)
	lock.Lock()
	defer lock.Unlock()
	if c.party == nil || !v.sees(c.party.num) || c.party.hidden() {
		return VehicleView{}, false
	}
	return c.view(n), true
}

func (v *vehicle) view(n charge.Num) VehicleView {
	mark := v.mark()
	out := VehicleView{
		Num: n, Maker: v.party.slug(), Reported: v.ts != 0,
		Online: mark&markOnline != 0, Driving: mark&markDriving != 0, Charging: mark&markCharging != 0,
		Alarm: mark&markAlarm != 0, Flagged: v.flagged, OffMap: v.offMap, Report: v.report(), Received: v.received,
	}
	out.Vehicle = charge.Vehicle{
		Num: n, Party: v.party.num, VIN: out.Report.VIN, Class: v.class, Model: v.model, BatteryKWh: v.batteryKWh,
	}
	return out
}

// TileZoom is the zoom of the tiles by which channels and vehicles are kept.
const TileZoom = 12

// vehicleTiles lists the vehicles whose newest report has a position, by tile.
type vehicleTiles struct {
	mu    sync.RWMutex
	lists map[geo.Tile]*tileList
}

type tileList struct{ nums []charge.Num }

// move puts vehicle n from its tile into to; 0 is none.
func (t *vehicleTiles) move(s *State, n charge.Num, v *vehicle, to geo.Tile) {
	if v.tile == to {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if from := t.lists[v.tile]; v.tile != 0 {
		last := from.nums[len(from.nums)-1]
		from.nums[v.tileIdx] = last
		s.vehicles.at(last).tileIdx = v.tileIdx
		from.nums = from.nums[:len(from.nums)-1]
		if len(from.nums) == 0 {
			delete(t.lists, v.tile)
		}
	}
	v.tile = to
	if to == 0 {
		return
	}
	list := t.lists[to]
	if list == nil {
		list = &tileList{}
		t.lists[to] = list
	}
	v.tileIdx = uint32(len(list.nums))
	list.nums = append(list.nums, n)
}

// VehiclesIn returns at most most vehicles that v may see and whose newest
// report has a position in box.
func (s *State) VehiclesIn(box geo.Box, most int, v Viewer) []VehicleView {
	var out []VehicleView
	for _, n := range s.tiles.in(box) {
		if len(out) >= most {
			break
		}
		c, lock := s.vehicles.at(n), s.lockOf(n)
		lock.Lock()
		if c.party != nil && v.sees(c.party.num) && !c.party.hidden() &&
			c.has&charge.HasPosition != 0 && box.Contains(c.pos()) {
			out = append(out, c.view(n))
		}
		lock.Unlock()
	}
	return out
}

// in returns the vehicles of the tiles that box touches.
func (t *vehicleTiles) in(box geo.Box) []charge.Num {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var out []charge.Num
	if geo.TileCount(box, TileZoom) <= len(t.lists) {
		for _, tile := range geo.TilesIn(box, TileZoom) {
			if list := t.lists[tile]; list != nil {
				out = append(out, list.nums...)
			}
		}
		return out
	}
	for tile, list := range t.lists {
		if tile.Box().Overlaps(box) {
			out = append(out, list.nums...)
		}
	}
	return out
}
