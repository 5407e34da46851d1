// Package alarm holds what is wrong: alarms of vehicles, piles, stations,
// parties and of the platform's own parts, from the moment when they are raised
// until long after they were cleared.
//
// A [Detector] compares what is wrong now with what is open, and says what must
// change: it writes nothing itself. Its events become records of the log, and
// a [Book] is what those records make, here and on every replica: so an alarm is
// raised once however often a process dies. Readers look at [Book.View], which
// is as of a revision and never changes.
//
// One goroutine feeds a Book and a Detector; any number may read views.
package alarm

import (
	"strconv"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Severity is how bad it is.
type Severity uint8

// Severities, from the least to the worst.
const (
	Info     Severity = 1 + iota // to know
	Warning                      // somebody should look at it today
	Critical                     // somebody should look at it now
)

var severityWords = [...]string{"", "info", "warning", "critical"}

// String returns the word of the API.
func (s Severity) String() string {
	if int(s) < len(severityWords) {
		return severityWords[s]
	}
	return ""
}

// ParseSeverity returns the severity that a word names, 0 for none.
func ParseSeverity(word string) Severity {
	for i, w := range severityWords {
		if i > 0 && w == word {
			return Severity(i)
		}
	}
	return 0
}

// State is where an alarm is in its life.
type State uint8

// States of an alarm.
const (
	Open State = iota
	Acked
	Cleared
)

// String returns the word of the API.
func (s State) String() string { return [...]string{"open", "acked", "cleared", "cleared"}[s&3] }

// Alarm is one thing that is or was wrong. A value that a [View] holds never
// changes: every event makes a new one.
type Alarm struct {
	ID       uint64
	Rule     string
	Severity Severity
	Party    charge.Num         // whose it is; 0 is the platform's own
	Kind     record.AlarmObject // what Object names
	Object   string             // the party's own id of a station or pile, a VIN, a part of our own
	Station  string             `json:",omitempty"` // of a pile: the own id of its station
	Name     string             `json:",omitempty"` // of a station
	Level    uint8              `json:",omitempty"` // of GB/T 32960.3, or per cent
	Bits     uint64             `json:",omitempty"` // alarm flags of GB/T 32960.3
	Count    uint32             `json:",omitempty"` // objects, findings or seconds, as the rule says
	Total    uint32             `json:",omitempty"` // of which Count are a part
	Last     bool               `json:",omitempty"` // what is said is the last that is known: the object is silent
	Text     string             `json:",omitempty"` // what went wrong, of our own parts

	Since   charge.Millis // when it began, as far as is known
	Raised  charge.Millis
	Updated charge.Millis // last event but acknowledgement
	Acked   charge.Millis // 0: nobody has
	AckedBy string        `json:",omitempty"`
	Note    string        `json:",omitempty"`
	Cleared charge.Millis // 0: it is open
	Reason  string        `json:",omitempty"` // why it was cleared: one of the Reason constants
}

// Why an alarm was cleared.
const (
	ReasonEnded     = "ended"     // what was wrong no longer is
	ReasonGone      = "gone"      // the object, or its party, is no longer there
	ReasonForgotten = "forgotten" // the object has been silent too long to say anything of it
	ReasonPartOf    = "part-of "  // an incident covers it, whose rule follows
)

// State returns where a is in its life.
func (a *Alarm) State() State {
	switch {
	case a.Cleared != 0:
		return Cleared
	case a.Acked != 0:
		return Acked
	}
	return Open
}

// Key is what of which at most one alarm is open.
type Key struct {
	Rule   string
	Party  charge.Num
	Object string
}

func (a *Alarm) key() Key { return Key{a.Rule, a.Party, a.Object} }

func keyOf(e *record.AlarmEvent) Key { return Key{e.Rule, e.Party, e.Object} }

// rank orders open alarms: the worst first; of one severity a thermal event,
// then what concerns many objects.
func (a *Alarm) rank() uint64 {
	within := uint64(0)
	switch {
	case a.Kind == record.AlarmVehicle && a.Level >= 4:
		within = 4
	case a.Kind == record.AlarmPlatform || a.Kind == record.AlarmParty:
		within = 3
	case a.Kind == record.AlarmStation:
		within = 2
	case a.Kind == record.AlarmVehicle && a.Level == 3:
		within = 1
	}
	return uint64(a.Severity)<<8 | within
}

// worse reports whether a stands before b in a list of what is open: worse
// ones first, then newer ones.
func (a *Alarm) worse(b *Alarm) int {
	switch {
	case a.rank() != b.rank():
		return compare(b.rank(), a.rank())
	case a.Raised != b.Raised:
		return compare(uint64(b.Raised), uint64(a.Raised))
	}
	return compare(b.ID, a.ID)
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// IDString returns an alarm's id as the API shows it.
func IDString(id uint64) string { return "A" + strconv.FormatUint(id, 36) }

// ParseID reads what [IDString] wrote.
func ParseID(s string) (uint64, bool) {
	digits, ok := strings.CutPrefix(s, "A")
	if !ok || digits == "" || len(digits) > 13 || strings.ToLower(digits) != digits {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 36, 64)
	return id, err == nil && IDString(id) == s
}
