// Package charge is the vocabulary of Dianchi: parties, stations, piles,
// vehicles, their reports and the errors that every other room shares.
//
// It holds plain values only: no I/O, no clock, no goroutine, and nothing
// but the standard library. Positions are WGS-84 decimal degrees, powers are
// kW positive into the vehicle, times are [Millis].
package charge

import (
	"math"
	"time"
)

// Millis is a moment as Unix time in milliseconds, UTC. Zero means "never".
type Millis int64

// At returns t as Millis.
func At(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns m as a UTC time.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Add returns m moved by d, cut to whole milliseconds.
func (m Millis) Add(d time.Duration) Millis { return m + Millis(d.Milliseconds()) }

// Sub returns the time from o to m; beyond a Duration's 292 years, the longest
// Duration of its sign, as [time.Time.Sub] does.
func (m Millis) Sub(o Millis) time.Duration {
	const most = Millis(math.MaxInt64 / time.Millisecond)
	switch d := m - o; {
	case d > most:
		return math.MaxInt64
	case d < -most:
		return math.MinInt64
	default:
		return time.Duration(d) * time.Millisecond
	}
}

// layout is RFC 3339 in UTC with milliseconds, the only form we print.
const layout = "2006-01-02T15:04:05.000Z"

// Append appends m in RFC 3339 UTC with milliseconds, without quotes. It takes
// less than a fifth of what package time does, because it stands in every answer.
func (m Millis) Append(dst []byte) []byte {
	const dayMS = 86_400_000
	if m < 0 || m >= 2_932_897*dayMS { // from the year 10000 on
		return m.Time().AppendFormat(dst, layout)
	}
	// Days to year, month and day: counted in eras of 400 years that begin on
	// 1 March, so that the leap day is a year's last.
	days, ms := int(m/dayMS), int(m%dayMS)
	z := days + 719_468 // since 0000-03-01
	era := z / 146_097
	doe := z % 146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month, day := yoe+era*400, mp+3, doy-(153*mp+2)/5+1
	if month > 12 {
		year, month = year+1, month-12
	}
	two := func(v int, after byte) { dst = append(dst, byte('0'+v/10), byte('0'+v%10), after) }
	dst = append(dst, byte('0'+year/1000), byte('0'+year/100%10))
	two(year%100, '-')
	two(month, '-')
	two(day, 'T')
	two(ms/3_600_000, ':')
	two(ms/60_000%60, ':')
	two(ms/1000%60, '.')
	ms %= 1000
	return append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// String returns m in RFC 3339 UTC with milliseconds.
func (m Millis) String() string { return string(m.Append(nil)) }

// MarshalJSON prints m as an RFC 3339 string, and "never" as null.
func (m Millis) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return append(m.Append([]byte{'"'}), '"'), nil
}

// UnmarshalJSON reads what [Millis.MarshalJSON] printed.
func (m *Millis) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*m = 0
		return nil
	}
	t, err := time.Parse(`"`+time.RFC3339Nano+`"`, string(b))
	*m = At(t)
	return err
}

// Num is the dense number of a party, station, pile or vehicle, given once in
// the order in which the platform first took the object and never used again.
// Each kind counts for itself from 1; 0 is no object.
type Num = uint32

// PartyKind tells operators from makers.
type PartyKind uint8

// The two kinds of party.
const (
	Operator PartyKind = 1 // runs charging piles
	Maker    PartyKind = 2 // builds vehicles
)

// String returns "operator" or "maker", the words of the command line.
func (k PartyKind) String() string {
	switch k {
	case Operator:
		return "operator"
	case Maker:
		return "maker"
	}
	return "unknown"
}

// Party is who pushes telemetry. Slug is its name on the wire and its MQTT
// user name; a removed slug is never given again.
type Party struct {
	Num          Num
	Slug         string
	Kind         PartyKind
	Name         string // shown to Chinese readers
	NameEn       string // shown to English readers; "" means Name
	PasswordHash string // PBKDF2-SHA512 in mosquitto's $7$ format; never printed
	Added        Millis
	Removed      bool
}

// Role is what a token may see.
type Role uint8

// Roles, from the least to the most.
const (
	RoleDriver    Role = iota // everyone without a token
	RoleOperator              // one operator's own objects
	RoleMaker                 // one maker's own vehicles
	RoleRegulator             // everything
)

// String returns the role's word on the wire and the command line.
func (r Role) String() string {
	return [...]string{"driver", "operator", "maker", "regulator"}[r&3]
}

// Token is a bearer token as the registry keeps it: never the secret itself.
type Token struct {
	ID    string // short, printable, safe to show
	Role  Role
	Party string   // slug; "" for drivers and regulators
	Hash  [32]byte // SHA-256 of the secret
	Added Millis
}

// GlobalID joins a party's slug and its own id, "teld:S1".
func GlobalID(party, id string) string { return party + ":" + id }
