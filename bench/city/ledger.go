package main

import "fmt"

// account puts together what a party and the platform say of the same things.
type account struct {
	slug      string
	operator  bool              // else a maker
	published uint64            // elements of messages, by the party's own count
	acked     map[string]uint64 // of these acknowledged, by kind
	resent    uint64            // sent once more after a lost connection

	taken, history, duplicate, rejected uint64 // the platform's count

	points uint64 // raw points in InfluxDB; of makers only their sum is known
}

func (a *account) acknowledged() (n uint64) {
	for _, k := range a.acked {
		n += k
	}
	return n
}

func (a *account) received() uint64 { return a.taken + a.history + a.duplicate + a.rejected }

// wantPoints returns how many raw points must stand in InfluxDB: everything that
// was taken or kept as history, but for stations, sessions and master data, of
// which each was new and clean when it was sent.
func (a *account) wantPoints() uint64 {
	masters := a.acked["stations"] + a.acked["sessions"] + a.acked["fleet"]
	kept := a.taken + a.history
	return kept - min(kept, masters)
}

// gap is a difference between two counts that ought to be equal.
type gap struct {
	who, what string
	want, got uint64
}

func (g gap) missing() bool { return g.got < g.want }

func (g gap) String() string {
	if g.missing() {
		return fmt.Sprintf("%s: %d of %d %s are missing", g.who, g.want-g.got, g.want, g.what)
	}
	return fmt.Sprintf("%s: %d more than the %d %s", g.who, g.got-g.want, g.want, g.what)
}

// compare returns all differences. What was sent again may be counted again, as
// duplicates; in InfluxDB it may not.
func compare(all []account, vehiclePoints uint64) (gaps []gap) {
	differ := func(who, what string, want, got, tolerated uint64) {
		if got < want || got > want+tolerated {
			gaps = append(gaps, gap{who, what, want, got})
		}
	}
	vehicles := uint64(0)
	for i := range all {
		a := &all[i]
		differ(a.slug, "acknowledged by the platform's own count", a.acknowledged(), a.received(), a.resent)
		if a.operator {
			differ(a.slug, "pile reports in InfluxDB", a.wantPoints(), a.points, 0)
		} else {
			vehicles += a.wantPoints()
		}
	}
	differ("all makers", "vehicle reports in InfluxDB", vehicles, vehiclePoints, 0)
	return gaps
}
