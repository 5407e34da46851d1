package live

import (
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// TestQueriesWhereStationsStandClose: with more stations around than are asked
// for a query looks less far at first; with some in the next cells it must not
// miss these.
func TestQueriesWhereStationsStandClose(t *testing.T) {
	for seed := range uint64(20) {
		c := newRandomCity(seed)
		p := newPair(t, c)
		spread := pick(c, 0.001, 0.004, 0.012, 0.03)
		around := func() geo.Point {
			return geo.Point{Lon: 102.71 + (c.Float64()-0.5)*spread, Lat: 25.04 + (c.Float64()-0.5)*spread}
		}
		for party := charge.Num(1); party <= 3; party++ {
			for range 3 * cityStations {
				put := c.station(party)
				if at := around(); c.chance(0.97) {
					put.Station.Lon, put.Station.Lat = at.Lon, at.Lat
				}
				c.seq++
				p.apply(&record.Record{Seq: c.seq, Kind: record.Message, Received: c.now, Party: party,
					Stations: []record.StationPut{put}})
			}
		}
		for range 150 {
			p.apply(c.record())
		}
		p.tick(c)
		for range 100 {
			near := around()
			q := Query{Near: &near, RadiusM: pick[float64](c, 100, 1000, 5000), Viewer: regulator, AccessAll: true,
				Free: c.chance(0.3), FreeParking: c.chance(0.2), Open: c.chance(0.2)}
			if c.chance(0.2) {
				q.MinKW = 60
			}
			if c.chance(0.1) {
				q.Text = "世纪"
			}
			p.query(q, pick(c, 1, 2, 5, 10, 40))
		}
	}
}
