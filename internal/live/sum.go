package live

import "github.com/dianchi-platform/dianchi/internal/charge"

// Parts of a vehicle's mark; a vehicle that is not online has none of them.
const (
	markOnline   = 1 << iota // fresh
	markDriving              // state 1 and speed above 0
	markCharging             // charge 1 or 2
	markAlarm                // alarm level 1 or more
	markLow                  // SOC below 30 %
)

// pileMark is what a pile adds to sums.
type pileMark struct {
	state    charge.State
	charging bool
	powerW   int64 // 0 unless fresh
}

// free is what the pile adds to its group's count.
func (m pileMark) free() uint32 {
	if m.state == charge.Free {
		return groupFree
	}
	return 0
}

// sum is everything that is counted of the city, a party or a district.
// State.sumMu guards it.
type sum struct {
	states   [charge.Fault + 1]int
	charging int
	powerW   int64
	stations int
	vehicles charge.VehicleCounts
	last     charge.Millis // newest min(ts, received) of a taken report

	energyWms int64 // accumulated since the last totals: watt-milliseconds
	taken     int64 // likewise: reports
}

func (u *sum) pile(m pileMark, by int) {
	u.states[m.state] += by
	if m.charging {
		u.charging += by
	}
	u.powerW += m.powerW * int64(by)
}

// vehicle moves the parts of one mark; the total is apart.
func (u *sum) vehicle(mark uint8, by int) {
	if mark&markOnline == 0 {
		return
	}
	u.vehicles.Online += by
	if mark&markDriving != 0 {
		u.vehicles.Driving += by
	}
	if mark&markCharging != 0 {
		u.vehicles.Charging += by
	}
	if mark&markAlarm != 0 {
		u.vehicles.Alarm += by
	}
}

func (u *sum) took(eff charge.Millis, counts bool) {
	u.last = max(u.last, eff)
	if counts {
		u.taken++
	}
}

func (u *sum) piles() charge.PileCounts {
	c := charge.PileCounts{
		Free: u.states[charge.Free], InUse: u.states[charge.InUse], Charging: u.charging,
		Reserved: u.states[charge.Reserved], Fault: u.states[charge.Fault], Offline: u.states[charge.Offline],
	}
	c.Total = c.Free + c.InUse + c.Reserved + c.Fault + c.Offline
	return c
}

func (u *sum) powerKW() float64 { return float64(u.powerW) / 1000 }

// watts turns a reported power into the whole watts that are summed.
func watts(kw float64) int64 {
	const most = 1e9 // a gigawatt pile is a broken number, but a bounded one
	switch w := kw * 1000; {
	case w != w:
		return 0
	case w >= most:
		return most
	case w <= -most:
		return -most
	case w < 0:
		return int64(w - 0.5)
	default:
		return int64(w + 0.5)
	}
}

// packed is a station's six counts in one word, ten bits each, so that a
// reader never sees half of a change. Offline is what the others leave.
type packed uint64

const (
	packBits = 10
	packMask = 1<<packBits - 1

	packTotal    = 0 * packBits
	packFree     = 1 * packBits
	packInUse    = 2 * packBits
	packCharging = 3 * packBits
	packReserved = 4 * packBits
	packFault    = 5 * packBits
)

var packState = [...]int{
	charge.Free: packFree, charge.InUse: packInUse, charge.Reserved: packReserved, charge.Fault: packFault,
}

func (c packed) get(shift int) int { return int(c >> shift & packMask) }

// with returns c after a pile with mark m came (by 1) or went (by -1), its place in the total apart.
func (c packed) with(m pileMark, by int) packed {
	if m.state != charge.Offline {
		c += packed(by) << packState[m.state]
	}
	if m.charging {
		c += packed(by) << packCharging
	}
	return c
}

func (c packed) counts() charge.PileCounts {
	p := charge.PileCounts{
		Total: c.get(packTotal), Free: c.get(packFree), InUse: c.get(packInUse), Charging: c.get(packCharging),
		Reserved: c.get(packReserved), Fault: c.get(packFault),
	}
	p.Offline = p.Total - p.Free - p.InUse - p.Reserved - p.Fault
	return p
}
