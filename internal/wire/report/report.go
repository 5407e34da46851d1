// Package report is the contract's JSON: what parties send under the topics
// stations, piles, sessions, fleet and vehicles, and the feedback they get.
//
// A [Decoder] reads one payload at a time. It is strict about JSON (RFC 8259,
// UTF-8 included: a payload that is not JSON is refused whole) and lenient
// about members: unknown ones are ignored, of a repeated one the last counts,
// null means absent. What is wrong with one report never costs its neighbours.
// It judges form only; what a value may mean is package quality's matter.
package report

import (
	"fmt"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Limits of one payload, from the contract.
const (
	MaxBytes   = 256 << 10 // a larger payload is msg.too-large
	MaxReports = 1000      // so is an array with more elements
)

// Decoder decodes payloads and reuses its buffers: what it returned is valid
// until its next call, and as long as the payload is not changed, since
// strings are views of it. It is not safe for use by several goroutines.
type Decoder struct {
	scanner
	members
	depth    int // of the element in work: 1 alone, 2 in an array
	findings []charge.Finding
	start    int  // of its findings
	gcj      bool // its crs is gcj02
	whole    charge.Finding

	pileOrder, vehicleOrder order

	path string             // of the object in work, "" for the element itself
	deep [32]charge.Finding // for bits of bad: what is wrong inside the value
	soft []softFinding      // of nested objects
	ids  map[string]bool    // of the piles of the station in work

	piles    []PileEntry
	vehicles []VehicleEntry
	stations []StationEntry
	sessions []SessionEntry
	fleet    []FleetEntry
}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{ids: map[string]bool{}, pileOrder: newOrder(pileRequired, pileOptional),
		vehicleOrder: newOrder(vehicleRequired, vehicleOptional)}
}

// maxHeadID bounds a Head's ID in bytes: an id that cannot be may have any length.
const maxHeadID = 128

// Head is what all entries have in common.
type Head struct {
	ID       string        // as reported, cut at 128 bytes; "" if there was none; set for rejected entries too
	TS       charge.Millis // of pile and vehicle reports; 0 if there was none
	Rejected bool          // the last of Findings says why
	Findings []charge.Finding
	Raw      []byte // the element's bytes in the payload
}

// each calls one for every element of payload with the place of its first byte.
func (d *Decoder) each(payload []byte, one func(*Decoder, int) int) *charge.Finding {
	d.b, d.text, d.findings, d.depth = payload, d.text[:0], d.findings[:0], 1
	if len(payload) > MaxBytes {
		return d.refuse(charge.RuleTooLarge, fmt.Sprintf("the payload has %d bytes, more than %d", len(payload),
			MaxBytes))
	}
	i := d.space(0)
	if d.peek(i) == '[' {
		d.depth = 2
		i = d.array(i, one)
	} else {
		i = one(d, i)
	}
	if i == tooMany {
		return d.refuse(charge.RuleTooLarge, fmt.Sprintf("the payload has more than %d reports", MaxReports))
	}
	if i >= 0 {
		if i = d.space(i); i == len(payload) {
			return nil
		}
		d.fail(i, "something follows the end")
	}
	return d.refuse(charge.RuleMalformed, d.malformed())
}

// tooMany is what array returns for more than MaxReports elements.
const tooMany = -2

func (d *Decoder) array(i int, one func(*Decoder, int) int) int {
	if i = d.space(i + 1); d.peek(i) == ']' {
		return i + 1
	}
	for n := 1; ; n++ {
		if n > MaxReports {
			return tooMany
		}
		if i = one(d, i); i < 0 {
			return i
		}
		switch i = d.space(i); d.peek(i) {
		case ',':
			i = d.space(i + 1)
		case ']':
			return i + 1
		default:
			return d.fail(i, "a comma or a closing bracket was expected")
		}
	}
}

// grow adds an element to s, whose contents are those of an earlier payload.
func grow[E any](s *[]E) *E {
	if n := len(*s); n < cap(*s) {
		*s = (*s)[:n+1]
	} else {
		var zero E
		*s = append(*s, zero)
	}
	return &(*s)[len(*s)-1]
}

// begin gets ready for the next element.
func (d *Decoder) begin() {
	d.got, d.bad, d.gcj, d.start, d.soft = 0, 0, false, len(d.findings), d.soft[:0]
}

// end notes where the element was and what was found in it.
func (d *Decoder) end(h *Head, i, j int) {
	h.Raw = d.b[i:j:j]
	if len(h.ID) > maxHeadID {
		h.ID = strings.ToValidUTF8(h.ID[:maxHeadID], "")
	}
	if n := len(d.findings); n > d.start {
		h.Findings = d.findings[d.start:n:n]
	}
}

// enter opens the object at i and returns the place of its first member. Without
// one, or where there is no object, more is false.
func (d *Decoder) enter(i int) (j int, more bool) {
	if d.peek(i) != '{' {
		j := d.skip(i, d.depth)
		d.spoil(bitElement, i, j, notObject)
		return j, false
	}
	if i = d.space(i + 1); d.peek(i) == '}' {
		return i + 1, false
	}
	return i, true
}

// name reads a member's name at i and returns the place of its value.
func (d *Decoder) name(i int) (string, int) {
	if d.peek(i) != '"' {
		return "", d.fail(i, "a member's name was expected")
	}
	key, i := d.str(i)
	if i < 0 {
		return "", i
	}
	if i = d.space(i); d.peek(i) != ':' {
		return "", d.fail(i, "a colon was expected")
	}
	return key, d.space(i + 1)
}

// next goes from the end of a value to the next member, if there is one.
func (d *Decoder) next(i int) (j int, more bool) {
	if uint(i) < uint(len(d.b)) && d.b[i] == ',' {
		return d.space(i + 1), true
	}
	if i < 0 {
		return i, false
	}
	switch i = d.space(i); d.peek(i) {
	case ',':
		return d.space(i + 1), true
	case '}':
		return i + 1, false
	}
	return d.fail(i, "a comma or a closing brace was expected"), false
}

func (d *Decoder) refuse(rule charge.Rule, detail string) *charge.Finding {
	d.whole = charge.Finding{Rule: rule, Action: charge.ActReject, Detail: detail}
	return &d.whole
}

// malformed says where and why the payload is not JSON.
func (d *Decoder) malformed() string {
	if len(d.b) == 0 {
		return "the payload is empty"
	}
	if d.at >= len(d.b) {
		return fmt.Sprintf("the payload is not JSON: it ends too early, %s", d.why)
	}
	return fmt.Sprintf("the payload is not JSON: %s, at byte %d: %q", d.why, d.at, d.b[d.at:d.at+1])
}
