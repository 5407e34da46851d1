package live

import (
	"math"
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// priceE4 is what a kWh costs at a station now.
func (m *model) priceE4(st *charge.Station) (energy, service int64, ok bool) {
	var t *charge.Tariff
	for i := range st.Tariffs {
		if st.Tariffs[i].ValidFrom <= m.at && (t == nil || st.Tariffs[i].ValidFrom >= t.ValidFrom) {
			t = &st.Tariffs[i]
		}
	}
	if t == nil || !t.Covers() {
		return 0, 0, false
	}
	for _, b := range t.Bands {
		if modelWithin(m.minute(), b.FromMinute, b.ToMinute) {
			return b.EnergyE4, b.ServiceE4, true
		}
	}
	return 0, 0, false
}

func (m *model) minute() int {
	return int((int64(m.at)/60_000 + 8*60) % 1440) // Kunming is 8 hours ahead all year
}

func modelWithin(minute, from, to int) bool {
	if from < to {
		return from <= minute && minute < to
	}
	return minute >= from || minute < to
}

type modelFound struct {
	id    string
	dist  float64
	match int
}

// find answers a query without its limit and cursor.
func (m *model) find(q Query, hours map[string][2]int) []modelFound {
	var out []modelFound
	for _, st := range m.stations {
		party := m.parties[st.Party]
		p := geo.Point{Lon: st.Lon, Lat: st.Lat}
		id := party.Slug + ":" + st.ID
		f := modelFound{id: id}
		visible := st.Access == charge.Public || q.AccessAll && (q.Viewer.Role == charge.RoleRegulator ||
			q.Viewer.Role == charge.RoleOperator && q.Viewer.Party == st.Party)
		if !visible || party.Removed {
			continue
		}
		if q.Near != nil {
			if f.dist = geo.DistanceM(*q.Near, p); f.dist > q.RadiusM {
				continue
			}
		} else if !q.Box.Contains(p) {
			continue
		}
		if q.Operator != "" && party.Slug != q.Operator {
			continue
		}
		if q.FreeParking && (st.Parking == nil || st.Parking.Type != 0) {
			continue
		}
		if h, ok := hours[st.OpenHours]; q.Open && ok && !modelWithin(m.minute(), h[0], h[1]) {
			continue
		}
		if q.HasMaxYuan {
			if e, s, ok := m.priceE4(&st); !ok || e+s > q.MaxYuanE4 {
				continue
			}
		}
		if q.Text != "" && !slices.ContainsFunc([]string{st.Name, st.NameEn, id, st.Address}, func(s string) bool {
			return strings.Contains(strings.ToLower(s), strings.ToLower(q.Text))
		}) {
			continue
		}
		for _, pile := range st.Piles {
			if (!q.Free || m.state(pile.Num) == "free") && pile.RatedKW >= q.MinKW && (q.Kind == 0 || q.Kind == pile.Kind) {
				f.match++
			}
		}
		if f.match == 0 && (q.Free || q.MinKW > 0 || q.Kind != 0) {
			continue
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b modelFound) int {
		if a.dist != b.dist {
			return int(math.Copysign(1, a.dist-b.dist))
		}
		return strings.Compare(a.id, b.id)
	})
	return out
}
