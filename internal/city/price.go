package city

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

const minutesPerDay = 1440

// PriceNow is what a kWh costs at one moment. Amounts are yuan × 10,000.
type PriceNow struct {
	EnergyE4  int64
	ServiceE4 int64
	Until     charge.Millis // when another price begins; 0 when it never changes
	NextE4    int64         // energy and service together from Until on
}

// TotalE4 returns energy and service together, yuan per kWh × 10,000.
func (p PriceNow) TotalE4() int64 { return p.EnergyE4 + p.ServiceE4 }

// Price returns t's price at that moment in the city's zone. It is false when
// t is nil or its bands do not cover the day exactly once: then the price is
// unknown. Until skips bands that cost the same, so it names a real change.
func (c *City) Price(t *charge.Tariff, at charge.Millis) (PriceNow, bool) {
	if t == nil || !coversDay(t) {
		return PriceNow{}, false
	}
	local := at.Time().In(c.Zone)
	minute := local.Hour()*60 + local.Minute()
	now := t.Bands[BandAt(t, minute)]
	p := PriceNow{EnergyE4: now.EnergyE4, ServiceE4: now.ServiceE4}
	end := now.ToMinute
	for range t.Bands {
		next := t.Bands[BandAt(t, end%minutesPerDay)]
		if next.EnergyE4 == now.EnergyE4 && next.ServiceE4 == now.ServiceE4 {
			end = next.ToMinute
			continue
		}
		wait := (end-minute-1+minutesPerDay)%minutesPerDay + 1 // 1 to 1440
		p.NextE4 = next.EnergyE4 + next.ServiceE4
		p.Until = charge.At(time.Date(local.Year(), local.Month(), local.Day(), 0, minute+wait, 0, 0, c.Zone))
		break
	}
	return p, true
}

// BandAt returns the index of t's band that holds the minute of the local day
// (0 to 1439), or -1.
func BandAt(t *charge.Tariff, minute int) int {
	for i := range t.Bands {
		if holds(&t.Bands[i], minute) {
			return i
		}
	}
	return -1
}

// TariffAt returns the newest of tariffs (oldest first) that has begun at
// that moment, or nil when none has.
func TariffAt(tariffs []charge.Tariff, at charge.Millis) *charge.Tariff {
	for i := len(tariffs) - 1; i >= 0; i-- {
		if tariffs[i].ValidFrom <= at {
			return &tariffs[i]
		}
	}
	return nil
}

// holds reports whether the minute of the day is in b.
func holds(b *charge.Band, minute int) bool {
	if b.FromMinute < b.ToMinute {
		return minute >= b.FromMinute && minute < b.ToMinute
	}
	return minute >= b.FromMinute || minute < b.ToMinute
}

// coversDay is [charge.Tariff.Covers] in a few dozen comparisons: bands whose
// lengths add up to a day and of which none holds another's start cover it once.
func coversDay(t *charge.Tariff) bool {
	total := 0
	for i := range t.Bands {
		b := &t.Bands[i]
		length := b.ToMinute - b.FromMinute
		if length <= 0 {
			length += minutesPerDay
		}
		total += length
		for j := range t.Bands {
			if j != i && holds(&t.Bands[j], b.FromMinute) {
				return false
			}
		}
	}
	return total == minutesPerDay
}
