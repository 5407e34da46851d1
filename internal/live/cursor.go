package live

import (
	"encoding/base64"
	"encoding/binary"
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Cursor is where an answer ended. The zero value is the beginning, and the end.
type Cursor struct {
	chord2 float64
	site   *Site  // in an answer, whose id is looked at when it is needed
	after  string // the station's id
}

// IsZero reports whether c is the beginning, or, in an answer, the end.
func (c Cursor) IsZero() bool { return c.site == nil && c.after == "" }

func (c *Cursor) id() string {
	if c.site != nil {
		return c.site.GlobalID
	}
	return c.after
}

// String returns c in a form for URLs, "" for the zero value.
func (c Cursor) String() string { return string(c.Append(nil)) }

// Append appends what String returns: letters, digits, - and _.
func (c Cursor) Append(dst []byte) []byte {
	if c.IsZero() {
		return dst
	}
	var room [8 + 128]byte
	b := binary.BigEndian.AppendUint64(room[:0], math.Float64bits(c.chord2))
	return base64.RawURLEncoding.AppendEncode(dst, append(b, c.id()...))
}

// boxChord marks the cursors of boxes; nothing on the sphere is as far as that.
const boxChord = 5

// ParseCursor reads what [Cursor.String] wrote in an answer to a query of the
// same kind, near a point or in a box; "" is the zero value.
func ParseCursor(s string, near bool) (Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if s == "" {
		return Cursor{}, nil
	}
	if err != nil || len(b) < 9 || len(b) > 8+128 {
		return Cursor{}, charge.Errorf(charge.ValueRange, "cursor is not one that an answer gave")
	}
	d := math.Float64frombits(binary.BigEndian.Uint64(b))
	if near && !(d >= 0 && d <= 4) || !near && d != boxChord {
		return Cursor{}, charge.Errorf(charge.ValueRange, "cursor is not one that an answer gave")
	}
	return Cursor{chord2: d, after: string(b[8:])}, nil
}
