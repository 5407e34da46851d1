package report

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// members is what is known of the object in work. A member is a bit: the
// optional ones of reports are those of [charge.Has], the others are below.
type members struct {
	got, bad uint32
	wrong    [32]wrong // for the bits of bad
}

// wrong is a value that could not be taken.
type wrong struct {
	from, to int32 // its place in the payload
	why      why
}

// Bits that are not [charge.Has] bits.
const (
	bitLon = 1 << (24 + iota)
	bitLat
	bitCRS
	bitElement // set in bad: the element is no object
	_
	bitID // the VIN of vehicles
	bitTS
	bitStatus
)

// why is a reason to refuse a value.
type why uint8

const (
	notNumber why = iota
	notFinite
	notString
	notTime
	notMoment
	notID
	notVIN
	notLongVIN
	notStatus
	notPark
	notState
	notCharge
	notLevel
	notAlarms
	notShort
	notCRS
	notDegrees
	notObject
	notArray
	notBool
	notName
	notText
	notKind
	notAccess
	notParking
	notClass
	notDistrict
	notHours
	notClock
	notAmount
	notPower
	notEnergy
	notBattery
	notReason
	notMinutes
	notDeep // a part of the value, see Decoder.deep
)

// reasons has the rule and the sentence of each why.
var reasons = [...]struct {
	rule charge.Rule
	text string
}{
	notNumber:  {charge.RuleFieldType, "is not a number"},
	notFinite:  {charge.RuleFieldValue, "is too large for a number"},
	notString:  {charge.RuleFieldType, "is not a string"},
	notTime:    {charge.RuleFieldType, "is not a time: epoch milliseconds as a whole number, or RFC 3339 with a zone"},
	notMoment:  {charge.RuleFieldValue, "is not between the years 1 and 9999"},
	notID:      {charge.RuleFieldValue, "is not 1 to 64 of the characters A-Z a-z 0-9 . _ - (and not . or ..)"},
	notVIN:     {charge.RuleVINCheck, "is not 17 of the characters 0-9 and A-Z without I, O and Q"},
	notLongVIN: {charge.RuleFieldValue, "is not 17 of the characters 0-9 and A-Z without I, O and Q"},
	notStatus:  {charge.RuleStatusUnknown, "is not one of 0, 1, 2, 3, 4, 255"},
	notPark:    {charge.RuleFieldValue, "is not one of 0, 10, 50"},
	notState:   {charge.RuleFieldValue, "is not one of 1, 2, 3"},
	notCharge:  {charge.RuleFieldValue, "is not one of 1, 2, 3, 4"},
	notLevel:   {charge.RuleFieldValue, "is not one of 0, 1, 2, 3, 4"},
	notAlarms:  {charge.RuleFieldValue, "is not a whole number from 0 to 2^63-1"},
	notShort:   {charge.RuleFieldValue, "is not text of the allowed length without control characters"},
	notCRS:     {charge.RuleFieldValue, "is neither wgs84 nor gcj02"},
	notDegrees: {charge.RuleFieldValue, "is not within 180 degrees of longitude and 90 of latitude"},
	notObject:  {charge.RuleFieldType, "is not an object"},
	notArray:   {charge.RuleFieldType, "is not an array"},
	notBool:    {charge.RuleFieldType, "is neither true nor false"},

	notName:     {charge.RuleFieldValue, "has not 1 to 128 characters"},
	notText:     {charge.RuleFieldValue, "has too many characters"},
	notKind:     {charge.RuleFieldValue, "is neither ac nor dc"},
	notAccess:   {charge.RuleFieldValue, "is not one of public, restricted, private"},
	notParking:  {charge.RuleFieldValue, "is not one of 0, 1, 2, 3, 255"},
	notClass:    {charge.RuleFieldValue, "is not one of private, taxi, ridehail, bus, logistics, sanitation, other"},
	notDistrict: {charge.RuleFieldValue, "is not an adcode of six digits"},
	notHours:    {charge.RuleFieldValue, "is not of the form HH:MM-HH:MM"},
	notClock:    {charge.RuleFieldValue, "is not a time of day from 00:00 to 24:00"},
	notAmount:   {charge.RuleFieldValue, "is not an amount of yuan from 0 to 100,000,000"},
	notPower:    {charge.RuleFieldValue, "is not within 0 to 100,000 kW"},
	notEnergy:   {charge.RuleFieldValue, "is not within 0 to 1,000,000 kWh"},
	notBattery:  {charge.RuleFieldValue, "is not within 0 to 10,000 kWh"},
	notReason:   {charge.RuleFieldValue, "is not a whole number from 0 to 99"},
	notMinutes:  {charge.RuleFieldValue, "is not a whole number from 0 to 1,000,000"},
}

func (d *Decoder) isNumber(i int) bool {
	c := d.peek(i)
	return c-'0' <= 9 || c == '-'
}

// take notes that the value of bit is in order.
func (m *members) take(bit uint32) {
	m.got |= bit
	m.bad &^= bit
}

// spoil notes that the value of bit, from i to j, is not.
func (m *members) spoil(bit uint32, i, j int, y why) int {
	m.got &^= bit
	m.bad |= bit
	m.wrong[bits.TrailingZeros32(bit)] = wrong{int32(i), int32(j), y}
	return j
}

// drop forgets what an earlier member of the same name said.
func (m *members) drop(bit uint32) {
	m.got &^= bit
	m.bad &^= bit
}

// other reads the value at i, which is not of bit's type: null means absent.
func (d *Decoder) other(i int, bit uint32, y why) int {
	j := d.skip(i, d.depth+1)
	if j < 0 {
		return j
	}
	if d.b[i] == 'n' {
		d.drop(bit)
		return j
	}
	return d.spoil(bit, i, j, y)
}

// float reads a number into dst.
func (d *Decoder) float(i int, bit uint32, dst *float64) int {
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	f, ok := n.float(d.view(i, j))
	if !ok {
		return d.spoil(bit, i, j, notFinite)
	}
	*dst = f
	d.take(bit)
	return j
}

// code reads one of the codes in set (bit n for code n; 255 is bit 63) into dst.
func (d *Decoder) code(i int, bit uint32, dst *uint8, set uint64, y why) int {
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	m, w := n.integer(d.view(i, j))
	at := m
	if m == 255 {
		at = 63
	} else if m > 62 {
		w = tooLarge
	}
	if w != isWhole || n.neg && m != 0 || set>>at&1 == 0 {
		return d.spoil(bit, i, j, y)
	}
	*dst = uint8(m)
	d.take(bit)
	return j
}

// string reads a string into dst if ok allows it.
func (d *Decoder) string(i int, bit uint32, dst *string, ok func(string) bool, y why) int {
	if d.peek(i) != '"' {
		return d.other(i, bit, notString)
	}
	v, j := d.str(i)
	if j < 0 {
		return j
	}
	*dst = v
	if !ok(v) {
		return d.spoil(bit, i, j, y)
	}
	d.take(bit)
	return j
}

// orEmpty is string for members of which "" says the same as absent.
func (d *Decoder) orEmpty(i int, bit uint32, dst *string, ok func(string) bool, y why) int {
	if d.peek(i) == '"' && d.peek(i+1) == '"' {
		d.drop(bit)
		return i + 2
	}
	return d.string(i, bit, dst, ok, y)
}

// time reads a moment into dst.
func (d *Decoder) time(i int, bit uint32, dst *charge.Millis) int {
	if d.peek(i) == '"' {
		v, j := d.str(i)
		if j < 0 {
			return j
		}
		t, ok := parseTime(v)
		if !ok {
			return d.spoil(bit, i, j, notTime)
		}
		*dst = t
		d.take(bit)
		return j
	}
	if !d.isNumber(i) {
		return d.other(i, bit, notTime)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	m, w := n.integer(d.view(i, j))
	if w == hasFraction {
		return d.spoil(bit, i, j, notTime)
	}
	t := charge.Millis(m)
	if n.neg {
		t = -t
	}
	if w == tooLarge || m > maxMillis || t < minMillis {
		return d.spoil(bit, i, j, notMoment)
	}
	*dst = t
	d.take(bit)
	return j
}

// isID reports whether id has the form of pile and station ids.
func isID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if idChars[id[i]] == 0 {
			return false
		}
	}
	return id != "." && id != ".."
}

// isVIN reports whether vin has the length and alphabet of GB 16735.
func isVIN(vin string) bool {
	if len(vin) != 17 {
		return false
	}
	for i := range len(vin) {
		if idChars[vin[i]] != 2 {
			return false
		}
	}
	return true
}

// idChars is 1 for the characters of ids, and 2 for those of VINs among them.
var idChars = func() (t [256]uint8) {
	for c := range t {
		switch c := byte(c); {
		case c == 'I' || c == 'O' || c == 'Q' || c >= 'a' && c <= 'z' || c == '.' || c == '_' || c == '-':
			t[c] = 1
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z':
			t[c] = 2
		}
	}
	return t
}()

// isShort reports whether s is 1 to 128 characters without control characters.
func isShort(s string) bool { return s != "" && isText(s, 128) }

func isFault(s string) bool { return isText(s, 256) }

func isText(s string, most int) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return len(s) <= most || len(s) <= 4*most && utf8.RuneCountInString(s) <= most
}

// quote shows a raw JSON value, cut to what fits into a sentence.
func quote(raw string) string {
	const most = 60
	if len(raw) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(raw[cut]) {
			cut--
		}
		raw = raw[:cut] + "…"
	}
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' }) {
		return strconv.QuoteToASCII(raw)
	}
	return raw
}

// found adds a finding to those of the element in work.
func (d *Decoder) found(rule charge.Rule, act charge.Action, format string, args ...any) {
	d.findings = append(d.findings, charge.Finding{Rule: rule, Action: act, Detail: fmt.Sprintf(format, args...)})
}

// spoilt tells what is wrong with the value of m.
func (d *Decoder) spoilt(m named, act charge.Action) charge.Finding {
	at := bits.TrailingZeros32(m.bit)
	w := d.wrong[at]
	if w.why == notDeep {
		f := d.deep[at]
		f.Action = act
		return f
	}
	r := reasons[w.why]
	return charge.Finding{Rule: r.rule, Action: act, Detail: d.path + m.name + " " + quote(string(d.b[w.from:w.to])) + " " + r.text}
}

// named is a member's name with its bit.
type named struct {
	name string
	bit  uint32
}

var theReport = named{"the report", bitElement}

// fault returns why the object in work cannot be taken: it is none, or the
// first of its required members that is missing or bad.
func (d *Decoder) fault(required []named, act charge.Action) (charge.Finding, bool) {
	if d.bad&bitElement != 0 {
		return d.spoilt(theReport, act), true
	}
	for _, m := range required {
		switch {
		case d.bad&m.bit != 0:
			return d.spoilt(m, act), true
		case d.got&m.bit == 0:
			return charge.Finding{Rule: charge.RuleFieldMissing, Action: act, Detail: d.path + m.name + " is missing"}, true
		}
	}
	return charge.Finding{}, false
}

// judge turns what is missing or bad into findings: a required member that
// cannot be rejects the element, every optional one is null.
func (d *Decoder) judge(h *Head, required, optional []named) {
	if f, bad := d.fault(required, charge.ActReject); bad {
		d.findings, h.Rejected = append(d.findings, f), true
		return
	}
	for _, m := range optional {
		if d.bad&m.bit != 0 {
			d.findings = append(d.findings, d.spoilt(m, charge.ActNull))
		}
	}
}
