package main

import (
	"net/http"

	"github.com/dianchi-platform/dianchi/dashboard"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// figures gives the plain pages what live says to a driver.
type figures struct{ live *live.State }

func (a *app) pages(l *live.State) http.Handler {
	ground := &a.city.Basemap
	cfg := dashboard.Config{
		City: a.city.Name, CityEn: a.city.NameEn, Zone: a.city.Zone,
		Basemap: ground.File, Style: ground.Style, Origins: ground.Origins,
	}
	for _, p := range a.city.Hotspots {
		cfg.Places = append(cfg.Places, dashboard.Place{Name: p.Name, NameEn: p.NameEn, Lon: p.At.Lon, Lat: p.At.Lat})
	}
	if len(cfg.Places) == 0 {
		b := a.city.BuiltUp
		cfg.Places = []dashboard.Place{{Name: cfg.City, NameEn: cfg.CityEn, Lon: (b.West + b.East) / 2, Lat: (b.South + b.North) / 2}}
	}
	return dashboard.Handler(cfg, figures{l})
}

func (f figures) Overview() dashboard.Overview {
	o := f.live.Overview()
	return dashboard.Overview{
		At: o.At, Piles: o.Piles, Vehicles: o.Vehicles, PowerKW: o.PowerKW,
		Stations: o.Stations, Operators: o.Operators, Makers: o.Makers,
	}
}

func (f figures) Operators() []dashboard.Operator {
	var out []dashboard.Operator
	for _, r := range f.live.Operators() {
		out = append(out, dashboard.Operator{
			ID: r.ID, Name: r.Name, NameEn: r.NameEn, Stations: r.Stations,
			Piles: r.Piles, PowerKW: r.PowerKW, LastReportAt: r.LastReportAt,
		})
	}
	return out
}

// plainRadiusM is how far the plain pages look.
const plainRadiusM = 20_000

func (f figures) Nearest(lon, lat float64, limit int, free bool) []dashboard.Station {
	names := map[string]live.OperatorRow{}
	for _, r := range f.live.Operators() {
		names[r.ID] = r
	}
	found, _ := f.live.Stations(live.Query{
		Near: &geo.Point{Lon: lon, Lat: lat}, RadiusM: plainRadiusM, Limit: limit, Free: free,
	}, nil)
	var out []dashboard.Station
	for _, s := range found {
		st := dashboard.Station{
			ID: s.Site.GlobalID, Name: s.Site.Name, NameEn: s.Site.NameEn,
			Operator: names[s.Site.Operator].Name, OperatorNameEn: names[s.Site.Operator].NameEn,
			DistanceM: s.DistanceM, Piles: s.Piles(), MaxKW: s.Site.MaxKW, Parking: s.Site.Parking, UpdatedAt: s.UpdatedAt,
		}
		if s.Price != nil {
			st.Price = &dashboard.Price{NowE4: s.Price.TotalE4(), NextE4: s.Price.NextE4, Until: s.Price.Until}
		}
		out = append(out, st)
	}
	return out
}
