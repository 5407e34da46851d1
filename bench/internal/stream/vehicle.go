package stream

// Shares of objects whose values move, as in the simulated city by day: the
// others repeat their values with a new ts.
const (
	activeVehicles = 18 // of 100
	activePiles    = 8
	turnEvery      = 18 // rounds after which 1 of 100 begins and 1 of 100 ends
)

// active reports whether object n moves in a round.
func active(n, round, share int) bool { return (n+round/turnEvery)%100 < share }

// object is one vehicle or pile: what it says, and where it stands.
type object struct {
	n      int
	text   []byte // the report as it was said last
	ts     int    // place of the ts in text
	steps  int    // active reports so far; of a pile those of its session
	moving bool
	wh     int // a pile's energy of the session
	meter  int // Wh of a pile's life
	turns  int // a pile's sessions
}

const year = 'T' // 2026, the tenth character of a VIN

// VIN returns the number of vehicle n with a right check digit (GB 16735-2019).
func VIN(n int) string { return vinOf("LNBMDBAH", n) }

// guest is the VIN of a car that charges at pile n and that no maker reports.
func guest(n int) string { return vinOf("LGXCE6CB", n) }

func vinOf(descriptor string, n int) string {
	b := append(append([]byte(descriptor), '0', year), 'K')
	b = appendPadded(b, n, 6)
	sum := 0
	for i, c := range b {
		sum += vinValue(c) * [...]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}[i]
	}
	b[8] = "0123456789X"[sum%11]
	return string(b)
}

func vinValue(c byte) int {
	switch {
	case c <= '9':
		return int(c - '0')
	case c <= 'H':
		return int(c-'A') + 1
	case c <= 'R':
		return int(c-'J') + 1
	}
	return int(c-'S') + 2
}

// renderVehicle says how vehicle o is in a round; digits is the ts. A vehicle that
// drives goes to and fro on a line of 5 km at about 36 km/h.
func (o *object) renderVehicle(round, cadenceMS int, digits []byte) {
	moves := active(o.n, round, activeVehicles)
	if !moves && !o.moving && len(o.text) > 0 {
		copy(o.text[o.ts:], digits)
		return
	}
	o.moving = moves
	if moves {
		o.steps++
	}
	r := int(mix(o.n, o.steps))
	const legs = 5000 // metres
	m := o.steps * cadenceMS / 100 % (2 * legs)
	if m > legs {
		m = 2*legs - m
	}
	lon := 102_700_000 + int(mix(o.n, -1)%120_000) + m*9 // 1e-6 degrees; 9.9 are a metre here
	lat := 25_030_000 + int(mix(o.n, -2)%100_000) + m*2
	soc := max(20, 90-int(mix(o.n, -3)%40)-o.steps*cadenceMS/120_000)
	speed, current, state := 0, 0, 2
	if moves {
		speed, current, state = 310+r%100, 150+r/128%200, 1
	}
	if o.ts == 0 {
		o.text = append(append(append(o.text, `{"vin":"`...), VIN(o.n)...), `","ts":`...)
		o.ts = len(o.text)
	}
	b := append(o.text[:o.ts], digits...)
	b = appendFixed(append(b, `,"lon":`...), lon, 6)
	b = appendFixed(append(b, `,"lat":`...), lat, 6)
	b = appendFixed(append(b, `,"speedKmh":`...), speed, 1)
	b = appendFixed(append(b, `,"odometerKm":`...), 100_000+int(mix(o.n, -4)%900_000)+o.steps*cadenceMS/10_000, 1)
	b = appendFixed(append(b, `,"socPct":`...), soc, 0)
	b = appendFixed(append(b, `,"voltageV":`...), 3400+soc, 1)
	b = appendFixed(append(b, `,"currentA":`...), current, 1)
	b = appendFixed(append(b, `,"state":`...), state, 0)
	b = append(b, `,"charge":3,"alarmLevel":0,"alarms":0,"rangeKm":`...)
	b = appendFixed(b, soc*4, 0)
	b = append(b, `,"insulationKohm":1200}`...)
	o.text = b
}

// appendFleet appends the master data of vehicle n.
func appendFleet(dst []byte, n int) []byte {
	dst = append(append(dst, `{"vin":"`...), VIN(n)...)
	return append(dst, `","class":"private","model":"EU5","batteryKwh":53.6}`...)
}
