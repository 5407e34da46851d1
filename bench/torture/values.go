package main

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
)

// member is one optional or required value of a report, after id and ts.
type member struct {
	name     string
	decimals int // of its number; the value is an integer of such units
	text     bool
	whole    bool // InfluxDB has it as an integer
}

// The members of both kinds in the order in which we write them.
var (
	pileMembers = []member{
		{name: "status", whole: true}, {name: "powerKw", decimals: 1}, {name: "voltageV", decimals: 1},
		{name: "currentA", decimals: 1}, {name: "socPct"}, {name: "energyKwh", decimals: 2}, {name: "meterKwh", decimals: 1},
		{name: "session", text: true}, {name: "fault", text: true}, {name: "parkStatus", whole: true},
		{name: "lockStatus", whole: true},
	}
	vehicleMembers = []member{
		{name: "lon", decimals: 6}, {name: "lat", decimals: 6}, {name: "speedKmh", decimals: 1},
		{name: "odometerKm", decimals: 1}, {name: "socPct"}, {name: "voltageV", decimals: 1},
		{name: "currentA", decimals: 1}, {name: "state", whole: true}, {name: "charge", whole: true},
		{name: "alarmLevel", whole: true}, {name: "alarms", whole: true}, {name: "rangeKm"}, {name: "insulationKohm"},
	}
)

// Places of members that the state rules need.
const (
	atStatus, atPower, atVolt, atAmp, atSOC, atEnergy, atMeter, atSession, atFault, atPark, atLock = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

	atLon, atLat, atSpeed, atOdo, atVSOC, atVVolt, atVAmp, atState, atCharge, atLevel, atAlarms, atRange, atInsulation = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
)

// values are the members of one report, in units of their last decimal.
type values struct {
	has uint16
	n   [13]int32
}

func (v *values) set(i int, n int32) { v.has, v.n[i] = v.has|1<<i, n }

func (v *values) is(i int) bool { return v.has&(1<<i) != 0 }

// number returns member i as the double nearest to its decimal form.
func (v *values) number(m []member, i int) float64 {
	return float64(v.n[i]) / math.Pow10(m[i].decimals)
}

func (v *values) textOf(m []member, i int) string { return m[i].name[:1] + strconv.Itoa(int(v.n[i])) }

// appendJSON appends the members.
func (v *values) appendJSON(dst []byte, m []member) []byte {
	for i := range m {
		if !v.is(i) {
			continue
		}
		dst = append(append(append(dst, ',', '"'), m[i].name...), '"', ':')
		if m[i].text {
			dst = append(append(append(dst, '"'), v.textOf(m, i)...), '"')
		} else {
			dst = strconv.AppendFloat(dst, v.number(m, i), 'f', -1, 64)
		}
	}
	return dst
}

// print is a hash of every member that a report has, by name.
func (v *values) print(m []member) uint64 {
	h := fnv.New64a()
	for i := range m {
		if v.is(i) {
			printMember(h, m[i], v.number(m, i), v.textOf(m, i))
		}
	}
	return h.Sum64()
}

// printMember puts one member into a hash: text for text members, else number.
func printMember(h interface{ Write([]byte) (int, error) }, m member, number float64, text string) {
	_, _ = h.Write([]byte(m.name)) // a hash never fails
	var b []byte
	if m.text {
		b = append([]byte{':'}, text...)
	} else {
		b = strconv.AppendUint([]byte{'='}, math.Float64bits(number), 16)
	}
	_, _ = h.Write(append(b, ';'))
}

// next moves a pile's values on: mostly they stay as they are.
func nextPile(v *values, rng *rand.Rand) {
	if v.has != 0 && rng.IntN(100) < 65 {
		return
	}
	meter := v.n[atMeter]
	*v = values{}
	switch k := rng.IntN(20); {
	case k < 8:
		v.set(atStatus, 1)
	case k < 10:
		v.set(atStatus, 2)
	case k < 17:
		v.set(atStatus, 3)
		volt, amp := int32(3500+rng.IntN(500)), int32(200+rng.IntN(1500))
		v.set(atVolt, volt)
		v.set(atAmp, amp)
		v.set(atPower, int32(math.Round(float64(volt)*float64(amp)/1e4)))
		v.set(atSOC, int32(rng.IntN(101)))
		v.set(atEnergy, int32(rng.IntN(4000)))
		v.set(atSession, int32(rng.IntN(100_000)))
	case k < 18:
		v.set(atStatus, 4)
	case k < 19:
		v.set(atStatus, 255)
		v.set(atFault, int32(rng.IntN(50)))
	default:
		v.set(atStatus, 0)
	}
	v.set(atMeter, max(meter, 1000)+int32(rng.IntN(20)))
	if rng.IntN(3) == 0 {
		v.set(atPark, 10+40*int32(rng.IntN(2)))
		v.set(atLock, 10+40*int32(rng.IntN(2)))
	}
}

// nextVehicle moves a vehicle on: two thirds stand, the others drive at a pace
// that a car can have.
func nextVehicle(v *values, rng *rand.Rand) {
	if v.has == 0 {
		v.set(atLon, 102_600_000+int32(rng.IntN(250_000)))
		v.set(atLat, 24_950_000+int32(rng.IntN(150_000)))
		v.set(atOdo, int32(rng.IntN(1_000_000)))
		v.set(atVSOC, int32(10+rng.IntN(90)))
		v.set(atState, 2)
		v.set(atCharge, 3)
		v.set(atLevel, 0)
		v.set(atAlarms, 0)
		return
	}
	if rng.IntN(100) < 65 {
		return
	}
	if rng.IntN(3) == 0 { // it stops
		v.set(atSpeed, 0)
		v.set(atState, 2)
		v.set(atCharge, []int32{1, 3, 4}[rng.IntN(3)])
	} else {
		v.set(atSpeed, int32(10+rng.IntN(700)))
		v.set(atState, 1)
		v.set(atCharge, 3)
		v.n[atLon] += int32(rng.IntN(41)) - 20
		v.n[atLat] += int32(rng.IntN(41)) - 20
		v.n[atOdo]++
	}
	if rng.IntN(4) == 0 {
		v.set(atVVolt, int32(3400+rng.IntN(300)))
		v.set(atVAmp, int32(rng.IntN(400))-100)
		v.set(atRange, int32(rng.IntN(400)))
		v.set(atInsulation, int32(500+rng.IntN(1000)))
	}
	if rng.IntN(40) == 0 {
		v.set(atLevel, int32(rng.IntN(3)))
		v.set(atAlarms, int32(rng.IntN(1<<16)))
	}
}
