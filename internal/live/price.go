package live

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
)

const minuteMS = 60_000

// judgePrice sets the station's price at that moment. A station that names no
// tariff has no known price.
func (s *State) judgePrice(site *Site, at charge.Millis) {
	site.recheck = math.MaxInt64
	defer func() { s.priceNext = min(s.priceNext, site.recheck) }()
	if len(site.Tariffs) == 0 {
		return
	}
	var next *charge.Tariff // the first that begins later
	for i := range site.Tariffs {
		if t := &site.Tariffs[i]; t.ValidFrom > at {
			next = t
			site.recheck = t.ValidFrom
			break
		}
	}
	now, ok := s.cfg.City.Price(city.TariffAt(site.Tariffs, at), at)
	if !ok {
		site.setPrice(nil)
		return
	}
	if now.Until != 0 {
		site.recheck = min(site.recheck, now.Until)
	}
	if next != nil && (now.Until == 0 || next.ValidFrom < now.Until) {
		now.Until, now.NextE4 = next.ValidFrom, -1
		if later, ok := s.cfg.City.Price(next, next.ValidFrom); ok {
			now.NextE4 = later.TotalE4()
		}
	}
	site.setPrice(&now)
}

// judgePrices looks at every station whose price may have changed.
func (s *State) judgePrices(at charge.Millis) {
	minute := int64(at) / minuteMS
	all := minute < s.priceMin || s.priceMin < 0 // the first tick, or a clock set back
	if minute != s.priceMin {
		s.priceMin = minute
		s.setMinute(at)
	}
	if !all && at < s.priceNext {
		return
	}
	s.priceNext = math.MaxInt64
	for n := charge.Num(1); n < s.stations.end.Load(); n++ {
		site := s.site(n)
		if site == nil {
			continue
		}
		if all || site.recheck <= at {
			s.judgePrice(site, at)
		}
		s.priceNext = min(s.priceNext, site.recheck)
	}
}

// setMinute keeps the minute of the local day, by which opening hours are judged.
func (s *State) setMinute(at charge.Millis) {
	local := at.Time().In(s.cfg.City.Zone)
	s.minute.Store(int32(local.Hour()*60 + local.Minute()))
}
