package stream

// pilesPerStation is how many connectors stand together.
const pilesPerStation = 10

// PileID returns the id of pile n.
func PileID(n int) string { return string(appendPileID(nil, n)) }

// appendPileID appends the id of pile n, which tells its station.
func appendPileID(dst []byte, n int) []byte {
	dst = appendPadded(append(dst, 'S'), n/pilesPerStation, 6)
	return appendPadded(append(dst, '-'), n%pilesPerStation, 2)
}

// appendStation appends station s with its piles.
func appendStation(dst []byte, s int) []byte {
	dst = appendPadded(append(dst, `{"id":"S`...), s, 6)
	dst = appendPadded(append(dst, `","name":"负荷站`...), s, 6)
	dst = appendFixed(append(dst, `","lon":`...), 102_700_000+int(mix(s, -5)%120_000), 6)
	dst = appendFixed(append(dst, `,"lat":`...), 25_030_000+int(mix(s, -6)%100_000), 6)
	dst = append(dst, `,"parking":{"type":0},"tariff":{"validFrom":"2026-01-01T00:00:00+08:00","bands":[`+
		`{"from":"00:00","to":"24:00","energyYuanPerKwh":0.7,"serviceYuanPerKwh":0.4}]},"piles":[`...)
	for k := range pilesPerStation {
		if k > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendPileID(append(dst, `{"id":"`...), s*pilesPerStation+k), `","kind":"dc","ratedKw":120}`...)
	}
	return append(dst, `]}`...)
}

// A charging car has a pack of 60 kWh, comes with 20 % and leaves with 90 %.
const (
	packWh     = 60_000
	comesWith  = 20
	leavesWith = 90
)

// renderPile says how pile o is in a round; digits is the ts. Power, voltage and
// current agree, energy is power over time.
func (o *object) renderPile(round, cadenceMS int, digits []byte) {
	moves := active(o.n, round, activePiles)
	if !moves && !o.moving && len(o.text) > 0 {
		copy(o.text[o.ts:], digits)
		return
	}
	if moves && (!o.moving || comesWith+o.wh*100/packWh >= leavesWith) {
		o.turns, o.steps, o.wh = o.turns+1, 0, 0
	}
	if o.meter == 0 {
		o.meter = 10_000_000 + int(mix(o.n, -7)%80_000_000)
	}
	o.moving = moves
	if o.ts == 0 {
		o.text = append(appendPileID(append(o.text, `{"id":"`...), o.n), `","ts":`...)
		o.ts = len(o.text)
	}
	b := append(o.text[:o.ts], digits...)
	if !moves {
		b = append(b, `,"status":1,"powerKw":0.0,"meterKwh":`...)
		b = appendFixed(b, o.meter/100, 1)
		o.text = append(b, `,"parkStatus":10,"lockStatus":10}`...)
		return
	}
	power := 550 + int(mix(o.n, o.steps)%60) // 0.1 kW
	volt := 3800 + (o.wh*100/packWh)*2       // 0.1 V
	if o.steps++; o.steps > 1 {
		more := power * 100 * cadenceMS / 3_600_000 // Wh
		o.wh, o.meter = o.wh+more, o.meter+more
	}
	b = appendFixed(append(b, `,"status":3,"powerKw":`...), power, 1)
	b = appendFixed(append(b, `,"voltageV":`...), volt, 1)
	b = appendFixed(append(b, `,"currentA":`...), power*10_000/volt, 1)
	b = appendFixed(append(b, `,"socPct":`...), comesWith+o.wh*100/packWh, 0)
	b = appendFixed(append(b, `,"energyKwh":`...), o.wh/10, 2)
	b = appendFixed(append(b, `,"meterKwh":`...), o.meter/100, 1)
	b = appendPadded(append(b, `,"session":"A`...), o.turns, 4)
	b = append(append(b, `","vin":"`...), guest(o.n)...)
	o.text = append(b, `","parkStatus":50,"lockStatus":50}`...)
}
