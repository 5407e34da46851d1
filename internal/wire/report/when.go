package report

import "github.com/dianchi-platform/dianchi/internal/charge"

// Moments that RFC 3339 can print: the years 0001 to 9999.
const (
	minMillis = -62135596800000
	maxMillis = 253402300799999
)

// parseTime reads an RFC 3339 date and time with a zone. Digits beyond
// milliseconds are cut; a leap second is the first of the next minute.
func parseTime(t string) (charge.Millis, bool) {
	// 0123456789 123456789
	// 2026-11-01T00:00:00
	if len(t) < len("2026-11-01T00:00:00Z") || t[4] != '-' || t[7] != '-' || t[10]|0x20 != 't' || t[13] != ':' ||
		t[16] != ':' {
		return 0, false
	}
	ok := true
	two := func(i int) int {
		a, b := t[i]-'0', t[i+1]-'0'
		if a > 9 || b > 9 {
			ok = false
		}
		return int(a)*10 + int(b)
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if !ok || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 ||
		minute > 59 || second > 60 {
		return 0, false
	}
	ms, i := 0, 19
	if t[i] == '.' {
		n := 0
		for i++; i < len(t) && t[i]-'0' <= 9; i++ {
			if n < 3 {
				ms = ms*10 + int(t[i]-'0')
			}
			n++
		}
		if n == 0 {
			return 0, false
		}
		for ; n < 3; n++ {
			ms *= 10
		}
	}
	offset := 0
	switch zone := t[i:]; {
	case len(zone) == 1 && zone[0]|0x20 == 'z':
	case len(zone) == 6 && (zone[0] == '+' || zone[0] == '-') && zone[3] == ':':
		h, m := two(i+1), two(i+4)
		if !ok || h > 23 || m > 59 {
			return 0, false
		}
		if offset = h*60 + m; zone[0] == '-' {
			offset = -offset
		}
	default:
		return 0, false
	}
	sec := (int64(daysBefore(year, month)+day-1)*24+int64(hour))*60 + int64(minute-offset)
	at := charge.Millis((sec*60+int64(second))*1000 + int64(ms))
	return at, at >= minMillis && at <= maxMillis
}

func daysIn(year, month int) int {
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[month-1]
}

// daysBefore returns the days from 1970-01-01 to the first of a month
// (proleptic Gregorian calendar, years counted from March).
func daysBefore(year, month int) int {
	if month -= 3; month < 0 {
		month += 12
		year--
	}
	era := year / 400
	yoe := year - era*400
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + (153*month+2)/5 - 719468
}
