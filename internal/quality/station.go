package quality

import (
	"fmt"
	"math"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// CheckStation applies the rules of master data to s and returns false if it is
// rejected. Findings of s are appended to f.
func CheckStation(s *charge.Station, l *Limits, f *Findings) bool {
	at := geo.Point{Lon: s.Lon, Lat: s.Lat}
	if math.Abs(s.Lon) < l.NullIslandDeg && math.Abs(s.Lat) < l.NullIslandDeg {
		f.add(charge.RuleNullIsland, charge.ActReject, "%s: lon %v, lat %v is no position", s.ID, s.Lon, s.Lat)
		return false
	}
	if l.Province != (geo.Box{}) && !l.Province.Contains(at) {
		f.add(charge.RuleOutOfYunnan, charge.ActFlag, "%s: lon %v, lat %v is outside the province (%s)", s.ID,
			s.Lon, s.Lat, l.Province)
	}
	if odd := oddities(s, at, l); len(odd) > 0 {
		f.add(charge.RuleMetaStation, charge.ActFlag, "%s: %s", s.ID, strings.Join(odd, "; "))
	}
	for i := range s.Tariffs {
		if !s.Tariffs[i].Covers() {
			f.add(charge.RuleTariffCoverage, charge.ActFlag,
				"%s: the bands of the tariff %s do not cover the day once, so the price is unknown",
				s.ID, since(s.Tariffs[i].ValidFrom))
		}
	}
	return true
}

func since(t charge.Millis) string {
	if t == 0 {
		return "without validFrom"
	}
	return "valid from " + t.String()
}

// oddities lists what is strange about s, for meta.station.
func oddities(s *charge.Station, at geo.Point, l *Limits) (odd []string) {
	note := func(format string, args ...any) { odd = append(odd, fmt.Sprintf(format, args...)) }
	for _, ring := range l.Water {
		if geo.InPolygon(at, ring) {
			note("it stands in a lake")
			break
		}
	}
	if len(s.Piles) > l.ManyPiles {
		note("it has %d piles, more than %d", len(s.Piles), l.ManyPiles)
	}
	for i := range s.Piles {
		if p := &s.Piles[i]; p.RatedKW < l.MinRatedKW || p.RatedKW > l.MaxRatedKW {
			note("pile %s has a ratedKw of %v, not within %v to %v", p.ID, p.RatedKW, l.MinRatedKW, l.MaxRatedKW)
			break
		}
	}
	if s.Access == charge.Public && s.Parking == nil {
		note("it says nothing about parking")
	}
	if s.Access == charge.Public && len(s.Tariffs) == 0 {
		note("it has no tariff")
	}
	return odd
}
