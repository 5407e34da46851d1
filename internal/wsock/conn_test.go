package wsock

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// chunks is a connection from which so many bytes come at a time.
type chunks struct {
	net.Conn
	text []byte
	size int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.text[:min(c.size, len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

// frame makes a client's frame; bits are FIN, RSV and opcode.
func frame(bits byte, text string) []byte {
	b := []byte{bits}
	switch n := len(text); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{7, 0, 0xa5, byte(len(text))}
	b = append(b, key[:]...)
	for i := range len(text) {
		b = append(b, text[i]^key[i&3])
	}
	return b
}

func deflated(text string) string {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, 5)
	_, _ = w.Write([]byte(text))
	_ = w.Flush()
	return strings.TrimSuffix(out.String(), "\x00\x00\xff\xff")
}

// all reads until the end and returns what came, one word each.
func all(c *Conn) string {
	var words []string
	for {
		kind, data, err := c.Next()
		if fault, ok := errors.AsType[*Fault](err); ok {
			return strings.Join(append(words, fmt.Sprint(fault.Code)), " ")
		}
		if err != nil {
			if err != io.EOF {
				words = append(words, err.Error())
			}
			return strings.Join(words, " ")
		}
		if len(data) > 40 {
			data = fmt.Appendf(nil, "%d×%s", len(data), data[:1])
		}
		words = append(words, fmt.Sprintf("%d:%s", kind, data))
	}
}

const limit = 16 << 10

// overTCP has a kernel's socket read what was written in such chunks.
func overTCP(t *testing.T, text []byte, size int, deflate bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return
		}
		defer c.Close()
		for len(text) > 0 {
			n := min(size, len(text))
			if _, err := c.Write(text[:n]); err != nil {
				return
			}
			text = text[n:]
		}
	}()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return all(New(c, limit, deflate))
}

func TestNext(t *testing.T) {
	long := strings.Repeat("x", limit)
	f := func(want string, frames ...[]byte) {
		t.Helper()
		text := bytes.Join(frames, nil)
		for _, size := range []int{1, 2, 3, 7, 100, 1 << 20} {
			if got := all(New(&chunks{text: bytes.Clone(text), size: size}, limit, true)); got != want {
				t.Errorf("in chunks of %d: %.200s, want %s", size, got, want)
			}
		}
		if got := overTCP(t, bytes.Clone(text), 1000, true); got != want {
			t.Errorf("over TCP: %.200s, want %s", got, want)
		}
	}

	f("")
	f("1:a 1: 2:b", frame(0x81, "a"), frame(0x81, ""), frame(0x82, "b"))
	f("1:abc", frame(0x01, "a"), frame(0x00, "b"), frame(0x80, "c"))
	f("9:p 1:ab 10: 8:", frame(0x01, "a"), frame(0x89, "p"), frame(0x80, "b"), frame(0x8a, ""), frame(0x88, ""))
	f("1:200×x 1:16384×x 1:16384×x", frame(0x81, long[:200]), frame(0x81, long), frame(0x81, long))
	f("1:16384×x", frame(0x01, long[:9000]), frame(0x80, long[9000:]))
	f("1009", frame(0x81, long+"x"))
	f("1009", frame(0x01, long), frame(0x80, "x"))
	f("1009", []byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f("8:\x03\xe8bye", frame(0x88, "\x03\xe8bye"))
	f("8:\x03\xf2", frame(0x88, "\x03\xf2"))
	f("8:\x0f\xa0", frame(0x88, "\x0f\xa0"))
	f("1002", frame(0x88, "\x03"))         // half a code
	f("1002", frame(0x88, "\x03\xed"))     // 1005 is never sent
	f("1002", frame(0x88, "\x03\xe8\xff")) // no UTF-8
	f("1:a 1002", frame(0x81, "a"), []byte{0x81, 0x01, 'b'})
	f("1002", frame(0x83, ""))
	f("1002", frame(0x8b, ""))
	f("1002", frame(0xa1, ""))
	f("1002", frame(0x80, "goes on with nothing"))
	f("1002", frame(0x01, "a"), frame(0x81, "b"))
	f("1002", frame(0x09, "half a ping"))
	f("1002", frame(0x89, long[:126]))
	f("1002", frame(0xc9, "a compressed ping"))
	f("1:abcabc 1:d", frame(0xc1, deflated("abcabc")), frame(0x81, "d"))
	f("1:abcabc", frame(0x41, deflated("abcabc")[:3]), frame(0x80, deflated("abcabc")[3:]))
	f("1002", frame(0x41, "a"), frame(0xc0, "b")) // the first frame alone says so
	f("1:16384×x 1009", frame(0xc1, deflated(long)), frame(0xc1, deflated(long+"x")))
	f("1007", frame(0xc1, "\xff\xff\xff"))
	f("1:城 2:\xff", frame(0x01, "城"[:1]), frame(0x80, "城"[1:]), frame(0x82, "\xff"))
	f("1007", frame(0x81, "{\"id\":\"\xff\"}"))
	f("1007", frame(0x01, "城"[:1]), frame(0x80, "x"))
	f("1007", frame(0xc1, deflated("\xed\xa0\x80"))) // half a surrogate pair

	if got := overTCP(t, frame(0xc1, deflated("abc")), 100, false); got != "1002" {
		t.Errorf("compressed without having agreed to: %s", got)
	}
}

// TestSilence: who says nothing has no buffer, and who says half has one.
func TestSilence(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	c := New(server, limit, false)
	if c.in != nil {
		t.Error("it has a buffer before anything was said")
	}
	text := frame(0x81, "abc")
	go func() { _, _ = client.Write(append(bytes.Clone(text), text[:4]...)) }()
	if _, data, err := c.Next(); string(data) != "abc" || err != nil || c.in == nil {
		t.Fatalf("%q, %v", data, err)
	}
	go func() { _, _ = client.Write(text[4:]) }()
	if _, data, err := c.Next(); string(data) != "abc" || err != nil {
		t.Fatalf("%q, %v", data, err)
	}
	if c.in.r != c.in.w {
		t.Errorf("%d bytes are left", c.in.w-c.in.r)
	}
}

// FuzzNext: however the bytes come, they are read alike, and never too much.
func FuzzNext(f *testing.F) {
	f.Add(frame(0x81, "abc"))
	f.Add(append(frame(0x01, "a"), frame(0x80, "b")...))
	f.Add(append(frame(0x89, "p"), frame(0x88, "\x03\xe8bye")...))
	f.Add(frame(0xc1, deflated("abcabc")))
	f.Add(frame(0x81, strings.Repeat("x", 300)))
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := all(New(&chunks{text: bytes.Clone(in), size: 1 << 20}, 1000, true))
		if bit := all(New(&chunks{text: bytes.Clone(in), size: 3}, 1000, true)); bit != whole {
			t.Fatalf("%x: at once %q, bit by bit %q", in, whole, bit)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	text := frame(0x81, `{"op":"query","id":"q","near":[102.71200,25.04000],"radiusM":3000,"free":true,"limit":10}`)
	r := &chunks{size: 1 << 20}
	c := New(r, limit, false)
	b.ReportAllocs()
	for b.Loop() {
		r.text = text
		if _, _, err := c.Next(); err != nil {
			b.Fatal(err)
		}
	}
}
