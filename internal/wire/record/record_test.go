package record

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

const noon = charge.Millis(1795392000000)

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var got Record // reused, so that leftovers of the last record would show
	for n := range 3000 {
		want := randomRecord(r)
		body := want.Append(nil)
		got.Seq = uint64(n)
		if err := got.Decode(body); err != nil {
			t.Fatalf("record %d: %v", n, err)
		}
		if got.Seq != uint64(n) {
			t.Fatalf("Decode changed Seq to %d", got.Seq)
		}
		if again := got.Append(nil); !bytes.Equal(again, body) {
			t.Fatalf("record %d: encoded again it differs\n%x\n%x", n, body, again)
		}
		if d := difference(want, &got); d != "" {
			t.Fatalf("record %d: %s", n, d)
		}
	}
}

// difference compares member by member; nil and empty slices are the same, floats are compared by their bits.
func difference(want, got *Record) string {
	a, b := reflect.ValueOf(*want), reflect.ValueOf(*got)
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		x, y := a.Field(i), b.Field(i)
		if name == "Seq" || x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			return fmt.Sprintf("%s\nwant %+v\ngot  %+v", name, x, y)
		}
	}
	return ""
}

func TestFloatsComeBackBitForBit(t *testing.T) {
	f := func(x float64, size int) {
		t.Helper()
		b := appendFloat(nil, x)
		d := &reader{b: b}
		if y := d.float(); math.Float64bits(x) != math.Float64bits(y) || d.done() != nil {
			t.Fatalf("%v (%x) came back as %v (%x): %v", x, math.Float64bits(x), y, math.Float64bits(y), d.done())
		}
		if len(b) > size {
			t.Fatalf("%v takes %d bytes, want at most %d", x, len(b), size)
		}
	}
	f(0, 1)
	f(63, 2)
	f(-22.4, 2)
	f(385.1, 3)
	f(12.31, 2)
	f(88121.4, 4)
	f(102.712345, 5)
	f(-179.999999, 5)
	f(math.Copysign(0, -1), 9)
	f(math.NaN(), 9)
	f(math.Float64frombits(0x7ff8000000000123), 9)
	f(math.Inf(-1), 9)
	f(math.Pi, 9)
	f(0.1+0.2, 9)
	f(1<<53, 9)
	f(math.MaxFloat64, 9)
	f(5e-324, 9)
	r := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		f(randomFloat(r), 9)
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := randomRecord(rand.New(rand.NewPCG(9, 9))).Append(nil)
	f := func(why string, body []byte, want string) {
		t.Helper()
		var r Record
		err := r.Decode(body)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: error %v, want one with %q", why, err, want)
		}
	}
	head := []byte{version, byte(Message), byte(charge.Piles), 0, 1}
	with := func(b ...byte) []byte { return append(bytes.Clone(head), b...) }
	f("nothing", nil, "ends")
	f("a later version", append([]byte{version + 1}, whole[1:]...), "version 2")
	f("no kind", []byte{version, 0, 2, 0, 1, 0}, "out of its range")
	f("an unknown part", with(0x80, 0x80, 0x80, 0x01), "out of its range")
	f("bytes after the end", append(bytes.Clone(whole), 0), "after its end")
	f("a party of 33 bits", []byte{version, 1, 2, 0, 0xff, 0xff, 0xff, 0xff, 0x1f, 0}, "out of its range")
	f("a varint without an end", with(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "ends")
	f("four billion piles", with(hasPiles, 0xff, 0xff, 0xff, 0xff, 0x0f), "beyond its end")
	f("a string longer than the body", with(hasPiles, 1, 1, 1, 1, 100, 'a', 0, 0, 0, 0), "beyond its end")
	f("a member that piles do not have", with(hasPiles, 1, 1, 1, 1, 0, 0, 0x80, 0x80, 0x01), "out of its range")
	f("a delay class too many", with(hasDelays, 0x80, 0x40, 1), "out of its range")
	for n := range whole {
		var r Record
		if r.Decode(whole[:n]) == nil {
			t.Fatalf("the first %d of %d bytes were taken for a record", n, len(whole))
		}
	}
}

func TestAnnouncedLengthsAreNotAllocated(t *testing.T) {
	body := []byte{version, byte(Message), byte(charge.Piles), 0, 1, 0x80 | hasPiles, 0x03, 0xff, 0xff, 0xff, 0xff,
		0x0f}
	var r Record
	if n := testing.AllocsPerRun(100, func() { _ = r.Decode(body) }); n > 6 { // the reader and the error
		t.Fatalf("%v allocations", n)
	}
	if cap(r.Piles)+cap(r.Fleet) > 0 {
		t.Fatalf("room for %d piles was made", cap(r.Piles))
	}
}

func TestRareStringsOutliveTheBody(t *testing.T) {
	want := randomRecord(rand.New(rand.NewPCG(5, 6)))
	want.Piles, want.Fleet = nil, nil
	body := want.Append(nil)
	var got Record
	if err := got.Decode(body); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if d := difference(want, &got); d != "" {
		t.Fatal(d)
	}
}

func TestResetKeepsBuffersOnly(t *testing.T) {
	r := randomRecord(rand.New(rand.NewPCG(7, 8)))
	r.Seq, r.Piles = 7, make([]PileItem, 3, 10)
	r.Reset()
	if d := difference(&Record{}, r); d != "" || r.Seq != 0 || cap(r.Piles) != 10 {
		t.Fatalf("%s, Seq %d, room for %d piles", d, r.Seq, cap(r.Piles))
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		f.Add(randomRecord(r).Append(nil))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a, b Record
		if a.Decode(body) != nil {
			return
		}
		// Varints have several forms, so the bytes may differ, but never the meaning.
		first := a.Append(nil)
		if err := b.Decode(first); err != nil {
			t.Fatalf("what Decode gave cannot be read again: %v", err)
		}
		if second := b.Append(nil); !bytes.Equal(first, second) {
			t.Fatalf("meaning changed\n%x\n%x", first, second)
		}
	})
}
