// Package quality holds the bad-data rules: what is wrong with a report, and
// what becomes of it.
//
// The rules of piles and vehicles look at the report itself and at a small
// memory of the object's past ([PileMemory], [VehicleMemory]), which they move
// on. They are pure functions: the same report, memory and time give the same
// verdict, and replay of verdicts gives the same memory. [Rules] is the table
// of all of them: id, actions, payloads, words, and the function that finds it.
// Their numbers are data ([Thresholds]); docs/rules.md is printed from both.
package quality

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Limits sets what the rules go by. The members up to City differ from
// platform to platform, the [Thresholds] are the rules' own.
type Limits struct {
	StaleAfter   time.Duration // older when received is history (time.stale)
	TooOld       time.Duration // older when received is rejected (time.too-old)
	FutureFlag   time.Duration // farther ahead is flagged (time.future)
	FutureReject time.Duration // farther ahead is rejected (time.future)
	Province     geo.Box       // outside is geo.out-of-yunnan; a zero box is no limit
	Water        [][]geo.Point // no station stands in these rings (meta.station)
	City         *city.City    // whose zone tariffs hold in; nil: prices are not compared (money.sum)
	Thresholds
}

// DefaultLimits returns the contract's limits, without places.
func DefaultLimits() Limits {
	return Limits{
		StaleAfter:   5 * time.Minute,
		TooOld:       71 * time.Hour, // raw retention of 72 h less one
		FutureFlag:   60 * time.Second,
		FutureReject: 5 * time.Minute,
		Thresholds:   DefaultThresholds(),
	}
}

// TooOldFor returns the limit of time.too-old for a raw retention: what is
// acknowledged must not fall out of the store at once.
func TooOldFor(retention time.Duration) time.Duration {
	return min(7*24*time.Hour, retention-time.Hour)
}

// Findings collects what the rules found. The zero value is empty.
type Findings []charge.Finding

func (f *Findings) add(rule charge.Rule, act charge.Action, format string, args ...any) {
	*f = append(*f, charge.Find(rule, act, format, args...))
}

// Order returns the moment by which a report is ordered: its ts, but when it was
// received if its clock runs ahead by more than FutureFlag, so that it wins nothing.
func (l *Limits) Order(ts, received charge.Millis) charge.Millis {
	if ts.Sub(received) > l.FutureFlag {
		return received
	}
	return ts
}

// inTime reports whether ts can be right at all; else it rejects the report.
func (l *Limits) inTime(id string, ts, received charge.Millis, f *Findings) bool {
	switch ahead := ts.Sub(received); {
	case ahead > l.FutureReject:
		f.add(charge.RuleTimeFuture, charge.ActReject, "%s: ts %s is %s ahead of our clock, more than %s",
			id, ts, ahead.Round(time.Millisecond), l.FutureReject)
	case -ahead > l.TooOld:
		f.add(charge.RuleTimeTooOld, charge.ActReject, "%s: ts %s is %s old, more than %s",
			id, ts, (-ahead).Round(time.Second), l.TooOld)
	default:
		return true
	}
	return false
}

// outside reports whether v is below low or above high.
func outside(v, low, high float64) bool { return v < low || v > high }

// seconds is a moment as Unix time in whole seconds, or 0 for none: half the
// size of [charge.Millis], for memories that are kept by the hundred thousand.
type seconds uint32

func secondsOf(t charge.Millis) seconds { return seconds(max(0, t/1000)) }

// since returns the time from s to t, or 0 if t is not later.
func (t seconds) since(s seconds) time.Duration {
	if t <= s {
		return 0
	}
	return time.Duration(t-s) * time.Second
}

// millis returns the beginning of that second.
func (t seconds) millis() charge.Millis { return charge.Millis(t) * 1000 }
