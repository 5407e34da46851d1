package live

import (
	"sync"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

func addUp(t *testing.T, what string, c charge.PileCounts) {
	if c.Free+c.InUse+c.Reserved+c.Fault+c.Offline != c.Total || c.Charging > c.InUse ||
		min(c.Free, c.InUse, c.Charging, c.Reserved, c.Fault, c.Offline) < 0 {
		t.Errorf("%s: the five of %+v do not add up", what, c)
	}
}

func TestReadersWhileTheWriterWrites(t *testing.T) {
	c := newRandomCity(7)
	s := newPair(t, c).s
	for range 200 {
		s.Apply(c.record())
	}
	s.Tick(c.rev, c.now)
	done := make(chan struct{})
	var readers sync.WaitGroup
	read := func(f func(n int)) {
		readers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					f(n)
				}
			}
		})
	}
	read(func(int) {
		o := s.Overview()
		addUp(t, "overview", o.Piles)
		if o.Vehicles.Online > o.Vehicles.Total || o.Vehicles.Driving > o.Vehicles.Online {
			t.Errorf("vehicles %+v", o.Vehicles)
		}
	})
	read(func(int) {
		for _, r := range s.Operators() {
			addUp(t, r.ID, r.Piles)
		}
		for _, r := range s.Districts() {
			addUp(t, r.ID, r.Piles)
		}
		s.Makers()
		s.Rev()
	})
	for i := range 2 {
		read(func(n int) {
			q := Query{Near: &center, RadiusM: 20_000, Free: n%2 == 0, Open: n%3 == 0, Text: []string{"", "ykc"}[n%2]}
			q.AccessAll, q.Viewer = i == 0, regulator
			found, _ := s.Stations(q, nil)
			for _, f := range found {
				addUp(t, f.Site.GlobalID, f.Piles())
				if q.Free && (f.Match < 1 || f.Match > f.Piles().Free) {
					t.Errorf("%d match of %d free", f.Match, f.Piles().Free)
				}
			}
		})
	}
	read(func(n int) {
		for i, slug := range []string{"teld", "ykc", "ykc-2"} {
			k := charge.Num(n % cityPiles)
			if st, ok := s.Station(slug, stationID(charge.Num(i*cityStations+n%cityStations+1)), regulator); ok {
				addUp(t, st.Site.GlobalID, st.Piles())
			}
			s.Pile(slug, pileID(charge.Num(i*cityPiles)+k+1), regulator)
		}
		s.Vehicle(vin(charge.Num(n%160+1)), regulator)
		s.VehiclesIn(geo.Box{West: 102.6, South: 25, East: 102.8, North: 25.1}, 50, regulator)
	})
	read(func(n int) {
		layer, res := Layer(n%int(layers)), MinRes+n%resCount
		for _, v := range s.Heat(layer, res, nil, Viewer{charge.RoleOperator, 1}) {
			if layer <= LayerDemand && v.Value < leastShown {
				t.Errorf("the public sees %v", v)
			}
		}
		var h HeatDelta
		s.ChangedCellsSince(layer, res, nil, regulator, h.Rev, &h)
		s.ChangedCellsSince(layer, res, nil, Viewer{charge.RoleOperator, 2}, h.Rev, &h)
		var d TileDelta
		s.ChangedStationsSince(geo.TileAt(center, TileZoom), d.Rev, false, &d)
		for _, f := range d.Stations {
			addUp(t, f.Site.GlobalID, f.Piles)
		}
	})
	for n := range 1200 {
		s.Apply(c.record())
		if n%50 == 0 {
			c.rev++
			s.Tick(c.rev, c.now)
		}
		if n%400 == 399 {
			s.SetParties(c.parties)
			sections(t, s, func() { s.Apply(c.record()) })
		}
	}
	close(done)
	readers.Wait()
}
