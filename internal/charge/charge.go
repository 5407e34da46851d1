// Package charge is the vocabulary of Dianchi: parties, stations, piles,
// vehicles, their reports and the errors that every other room shares.
//
// It holds plain values only: no I/O, no clock, no goroutine, and nothing
// but the standard library. Positions are WGS-84 decimal degrees, powers are
// kW positive into the vehicle, times are [Millis].
package charge

import "time"

// Millis is a moment as Unix time in milliseconds, UTC. Zero means "never".
type Millis int64

// At returns t as Millis.
func At(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns m as a UTC time.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Add returns m moved by d, cut to whole milliseconds.
func (m Millis) Add(d time.Duration) Millis { return m + Millis(d.Milliseconds()) }

// Sub returns the time from o to m.
func (m Millis) Sub(o Millis) time.Duration { return time.Duration(m-o) * time.Millisecond }

// layout is RFC 3339 in UTC with milliseconds, the only form we print.
const layout = "2006-01-02T15:04:05.000Z"

// Append appends m in RFC 3339 UTC with milliseconds, without quotes.
func (m Millis) Append(dst []byte) []byte { return m.Time().AppendFormat(dst, layout) }

// String returns m in RFC 3339 UTC with milliseconds.
func (m Millis) String() string { return string(m.Append(nil)) }

// MarshalJSON prints m as an RFC 3339 string, and "never" as null.
func (m Millis) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return append(m.Append([]byte{'"'}), '"'), nil
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
