package main

import (
	"bytes"
	"compress/flate"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/city"
)

// listener keeps what a parser tells.
type listener struct {
	payload []byte
	frames  []string
}

func (l *listener) keep(piece []byte) { l.payload = append(l.payload, piece...) }

func (l *listener) frame(op uint8, zip bool, first []byte) {
	if !bytes.HasPrefix(l.payload, first) {
		first = []byte("WRONG")
	}
	l.frames = append(l.frames, string(rune('0'+op))+map[bool]string{true: "z", false: " "}[zip]+string(l.payload)+"|"+string(first))
	l.payload = nil
}

// server makes a frame as a server does.
func server(op byte, payload string) []byte {
	b := masked(nil, op, payload)
	head := len(b) - len(payload) - 4
	b[1] &= 0x7f
	return append(b[:head:head], payload...)
}

// However a stream is cut into pieces, the same frames come out of it.
func TestParserTakesFramesInAnyPieces(t *testing.T) {
	long := `{"ch":"s/12/1/2","data":"` + strings.Repeat("x", 70_000) + `"}`
	big := append([]byte{0x80 | opText, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x8b}, long...)
	if big[8] = byte(len(long) >> 8); true {
		big[9] = byte(len(long))
	}
	zip := server(opText, "zipped!!")
	zip[0] |= 0x40
	var all []byte
	var want []string
	for _, f := range []struct {
		raw  []byte
		want string
	}{
		{server(opPing, ""), "9 |"}, {server(opText, `{"op":"query"}`), `1 {"op":"query"}|{"op":`}, {server(opText, "ab"), "1 ab|ab"},
		{server(opText, strings.Repeat("y", 200)), "1 " + strings.Repeat("y", 200) + "|yyyyyy"}, {big, "1 " + long + `|{"ch":`},
		{zip, "1zzipped!!|zipped"}, {server(opClose, "\x03\xf4"), "8 \x03\xf4|\x03\xf4"},
	} {
		all, want = append(all, f.raw...), append(want, f.want)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for most := 1; most < 200_000; most = most*3 + 1 {
		var p parser
		var l listener
		for b := all; len(b) > 0; {
			n := min(1+r.IntN(most), len(b))
			p.feed(b[:n], &l)
			b = b[n:]
		}
		if strings.Join(l.frames, "\n") != strings.Join(want, "\n") {
			t.Fatalf("in pieces of up to %d: %.300q", most, l.frames)
		}
	}
}

func TestHist(t *testing.T) {
	var h hist
	f := func(q float64, want time.Duration) {
		t.Helper()
		if got := h.at(q); got < want*95/100 || got > want*105/100 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}

	f(0.5, 0)
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	h.add(time.Hour) // more than it tells apart
	f(0.5, 500*time.Millisecond)
	f(0.99, 990*time.Millisecond)
	if h.count() != 1001 || h.at(1) < time.Minute {
		t.Errorf("%d values, most %v", h.count(), h.at(1))
	}
}

// A checked viewer reads the revision's time off a compressed frame, too.
func TestSampleReadsTheTime(t *testing.T) {
	f := func(text string, want int64) {
		t.Helper()
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, 5)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		for zip, payload := range map[bool][]byte{false: []byte(text), true: bytes.TrimSuffix(out.Bytes(), []byte{0, 0, 0xff, 0xff})} {
			s := sample{payload: payload}
			at, ok := s.at(zip)
			if ok != (want != 0) || ok && at.UnixMilli() != want {
				t.Errorf("%.60s, compressed %v: %v, %v", text, zip, at, ok)
			}
			k := kept{zip, payload}
			if whole, err := k.text(-1); err != nil || string(whole) != text {
				t.Errorf("text = %.60q, %v", whole, err)
			}
		}
	}

	f(`{"ch":"s/12/3211/1755","rev":"x.7","at":"2026-11-23T00:00:01.500Z","data":{"changed":[`+strings.Repeat("1,", 500)+`1]}}`, 1795392001500)
	f(`{"op":"sub","id":"s","channels":["s/12/3211/1755"]}`, 0)
}

// The crowd is the same in each run, and its kinds have the shares that the report states.
func TestWho(t *testing.T) {
	c := city.Kunming()
	const n = 20_000
	var wall, asks, sampled int
	for i := range n {
		p := who(c, i)
		if p != who(c, i) {
			t.Fatal("another person under the same number")
		}
		wall, asks, sampled = wall+one(p.wall), asks+one(p.asks), sampled+one(p.sampled)
	}
	near := func(what string, got, want int) {
		t.Helper()
		if got < want*8/10 || got > want*12/10 {
			t.Errorf("%s: %d of %d, want about %d", what, got, n, want)
		}
	}
	near("wall", wall, n/wallEvery)
	near("asks", asks, n/askEvery)
	near("sampled", sampled, n/sampleEvery)
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestFlags(t *testing.T) {
	f := func(args string, processes int, ok bool) {
		t.Helper()
		c, err := parse(strings.Fields(args))
		if (err == nil) != ok || ok && c.processes() != processes {
			t.Errorf("%s: %d processes, %v", args, c.processes(), err)
		}
	}

	f("", 12, true)
	f("--viewers 5000 --replicas 2", 1, true)
	f("--viewers 17001 --replicas 2", 2, true)
	f("--viewers 40000 --replicas 2", 0, false)
	f("--duration 1s", 0, false)
	f("words", 0, false)
}

func TestLimitsTooLow(t *testing.T) {
	f := func(l limit, ok bool) {
		t.Helper()
		if err := tooLow([]limit{l}); (err == nil) != ok {
			t.Errorf("%+v: %v", l, err)
		}
	}

	f(limit{"RLIMIT_NOFILE", "files", 1000, 2000, true}, false)
	f(limit{"RLIMIT_NOFILE", "files", 2000, 2000, true}, true)
	f(limit{"RLIMIT_NOFILE", "files", 0, 2000, false}, true)
}
