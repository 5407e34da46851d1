package record

import (
	"encoding/binary"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// AlarmOp is what happened to an alarm.
type AlarmOp uint8

// What can happen to an alarm.
const (
	AlarmRaise  AlarmOp = 1 + iota // it begins; its id is [AlarmID] of its place in the log
	AlarmUpdate                    // how it is now: everything but Rule, Party, Kind and Object
	AlarmClear                     // it is over; Text says why
	AlarmAck                       // By has seen it; Text is a note
)

// AlarmObject is what an alarm is about.
type AlarmObject uint8

// Objects of alarms.
const (
	AlarmPlatform AlarmObject = 1 + iota // a part of our own; Party is 0
	AlarmParty
	AlarmStation
	AlarmPile
	AlarmVehicle
)

// AlarmEvent is one change of one alarm. Which members are set depends on Op;
// package alarm gives Rule, Severity and Text their meaning.
type AlarmEvent struct {
	Op       AlarmOp
	ID       uint64 // of all but Raise
	Rule     string
	Severity uint8
	Party    charge.Num // whose alarm it is; 0 is the platform's own
	Kind     AlarmObject
	Object   string // the party's own id of a station or pile, a VIN; of our own parts a word
	Station  string // of a pile: the own id of its station
	Name     string // of a station
	Level    uint8  // of GB/T 32960.3, or per cent
	Bits     uint64 // alarm flags of GB/T 32960.3
	Count    uint32 // objects that it covers
	Total    uint32 // objects of which Count are a part
	Since    charge.Millis
	Last     bool   // Level and Bits are the last that is known: the object is silent
	By       string // who acknowledged
	Text     string
}

// AlarmID is the number of the alarm that event place of record seq raised.
func AlarmID(seq uint64, place int) uint64 { return seq<<alarmIDBits | uint64(place) }

// MaxAlarms is the most events of one record.
const (
	MaxAlarms   = 1 << alarmIDBits
	alarmIDBits = 12
)

// Bits of an event's second byte.
const (
	bitLast    = 1 << iota
	bitNumbers // Level, Bits, Count, Total
	bitWords   // Station, Name, By, Text
)

const minAlarm = 9

func appendAlarm(dst []byte, e *AlarmEvent, received charge.Millis) []byte {
	var mark byte
	if e.Last {
		mark |= bitLast
	}
	if e.Level != 0 || e.Bits != 0 || e.Count != 0 || e.Total != 0 {
		mark |= bitNumbers
	}
	if e.Station != "" || e.Name != "" || e.By != "" || e.Text != "" {
		mark |= bitWords
	}
	dst = append(dst, byte(e.Op), mark)
	dst = appendUint(dst, e.ID)
	dst = appendString(dst, e.Rule)
	dst = append(dst, e.Severity)
	dst = appendUint(dst, uint64(e.Party))
	dst = append(dst, byte(e.Kind))
	dst = appendString(dst, e.Object)
	dst = binary.AppendVarint(dst, int64(e.Since-received))
	if mark&bitNumbers != 0 {
		dst = append(dst, e.Level)
		dst = appendUint(dst, e.Bits)
		dst = appendUint(dst, uint64(e.Count))
		dst = appendUint(dst, uint64(e.Total))
	}
	if mark&bitWords != 0 {
		for _, s := range [...]string{e.Station, e.Name, e.By, e.Text} {
			dst = appendString(dst, s)
		}
	}
	return dst
}

func decodeAlarm(d *reader, e *AlarmEvent, received charge.Millis) {
	e.Op = AlarmOp(d.byte())
	mark := d.byte()
	if mark&^(bitLast|bitNumbers|bitWords) != 0 {
		d.fail(errValue)
		return
	}
	e.Last = mark&bitLast != 0
	e.ID, e.Rule, e.Severity, e.Party = d.uint(), d.string(), d.byte(), d.num()
	e.Kind, e.Object = AlarmObject(d.byte()), d.string()
	e.Since = received + charge.Millis(d.int())
	if mark&bitNumbers != 0 {
		e.Level, e.Bits, e.Count, e.Total = d.byte(), d.uint(), d.num(), d.num()
	}
	if mark&bitWords != 0 {
		e.Station, e.Name, e.By, e.Text = d.string(), d.string(), d.string(), d.string()
	}
}
