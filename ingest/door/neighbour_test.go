package door

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
)

// hashed is an authenticator as the platform has it, with real hashes.
type hashed struct{ *auth.Directory }

func (h hashed) CheckPassword(slug, password string) (charge.Party, error) {
	p, ok := h.Directory.CheckPassword(context.Background(), slug, password)
	if !ok {
		return p, charge.Errorf(charge.TokenUnknown, "wrong")
	}
	return p, nil
}

func newHashed(t testing.TB) hashed {
	var parties []charge.Party
	for slug, num := range map[string]charge.Num{"teld": 1, "byd": 2, "starshine": 3} {
		hash, err := secret.HashPassword("pw-" + slug)
		if err != nil {
			t.Fatal(err)
		}
		kind := charge.Operator
		if slug == "byd" {
			kind = charge.Maker
		}
		parties = append(parties, charge.Party{Num: num, Slug: slug, Kind: kind, PasswordHash: hash})
	}
	d := auth.New(auth.Config{}, discard, nil)
	d.Set(parties, nil)
	return hashed{d}
}

// dialFrom opens a connection from another address of this machine, number n.
func dialFrom(ctx context.Context, d *Door, n int) (net.Conn, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}
	return (&net.Dialer{LocalAddr: from}).DialContext(ctx, "tcp", d.Addr().String())
}

// hostile are the companies in which BenchmarkNeighbour measures. Each runs
// until ctx ends; each is called on its own goroutine with what it needs.
var hostile = []struct {
	name string
	run  func(ctx context.Context, b *testing.B, d *Door)
}{
	{"alone", func(context.Context, *testing.B, *Door) {}},
	{"5000-idle", func(_ context.Context, b *testing.B, d *Door) {
		for i := range 5000 {
			quietly(b, d.Addr(), fmt.Sprint(i), "teld", 0)
		}
	}},
	{"200-byte-by-byte", func(ctx context.Context, b *testing.B, d *Door) {
		pub := publish3("dianchi/v1/teld/piles", 0, 0, strings.Repeat("x", 200))
		for i := range 200 {
			nc := quietly(b, d.Addr(), fmt.Sprint(i), "teld", 0)
			go func() {
				for n := 0; ctx.Err() == nil; n++ {
					nc.Write(pub[n%len(pub) : n%len(pub)+1])
					time.Sleep(50 * time.Millisecond)
				}
			}()
		}
	}},
	{"8-that-do-not-read", func(ctx context.Context, b *testing.B, d *Door) {
		many := []byte(strings.Repeat(string(publish3("dianchi/v1/teld/piles", 1, 1, "")), 1000))
		for i := range 8 {
			nc := quietly(b, d.Addr(), fmt.Sprint(i), "teld", 0)
			nc.(*net.TCPConn).SetReadBuffer(64 << 10)
			nc.SetDeadline(time.Time{})
			context.AfterFunc(ctx, func() { nc.Close() })
			go func() {
				for {
					if _, err := nc.Write(many); err != nil {
						return
					}
				}
			}()
		}
		time.Sleep(time.Second) // until their buffers are full
	}},
	{"500-malformed-a-second", func(ctx context.Context, b *testing.B, d *Door) {
		go each(ctx, 500, func(n int) {
			if nc, err := dialFrom(ctx, d, n%200); err == nil {
				nc.Write([]byte("\x10\x40\x00\x04MQTT\x05 this is not a CONNECT, and longer than it says, by far............"))
				nc.Close()
			}
		})
	}},
	{"1000-logins-a-second", func(ctx context.Context, b *testing.B, d *Door) {
		go each(ctx, 1000, func(n int) {
			if nc, err := dialFrom(ctx, d, n%200); err == nil {
				nc.Write(connect3("", "teld", 60))
				nc.SetReadDeadline(time.Now().Add(time.Second))
				nc.Read(make([]byte, 4))
				nc.Close()
			}
		})
	}},
	{"1000-guesses-a-second", func(ctx context.Context, b *testing.B, d *Door) {
		go each(ctx, 1000, func(n int) { // from 2,000 addresses
			nc, err := dialFrom(ctx, d, n%2000)
			if err != nil {
				return
			}
			nc.Write(frame(0x10, field("MQTT"), []byte{4, 0xC2, 0, 60}, field("c"), field("teld"), field(fmt.Sprint("guess", n))))
			time.AfterFunc(2*time.Second, func() { nc.Close() })
		})
	}},
}

// each calls f perSecond times a second until ctx ends.
func each(ctx context.Context, perSecond int, f func(n int)) {
	began := time.Now()
	for n := 0; ctx.Err() == nil; n++ {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))))
		f(n)
	}
}

// BenchmarkNeighbour is how long a party waits for a PUBACK, with 100 messages
// a second, in several companies; ×p50 and ×p99 are against being alone. The
// company's own work is on the same cores. Run it with -benchtime 500x.
func BenchmarkNeighbour(b *testing.B) {
	var p50, p99 float64 // alone
	for _, h := range hostile {
		b.Run(h.name, func(b *testing.B) {
			d := start(b, Config{MaxPartyConns: 6000}, Deps{Auth: newHashed(b), Taker: instant{}})
			w := login(b, d, 4, "neighbour", "byd")
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			h.run(ctx, b, d)
			used := cpu()
			began := time.Now()
			waits := make([]float64, 0, b.N)
			for b.Loop() {
				time.Sleep(10 * time.Millisecond)
				sent := time.Now()
				w.send(publish3("dianchi/v1/byd/vehicles", 1, 1, "[]")...)
				w.want(0x40, 2, 0, 1)
				waits = append(waits, float64(time.Since(sent).Microseconds()))
			}
			cores := (cpu() - used).Seconds() / time.Since(began).Seconds()
			slices.Sort(waits)
			m, n := waits[len(waits)/2], waits[len(waits)*99/100]
			if h.name == "alone" {
				p50, p99 = m, n
			}
			b.ReportMetric(m, "p50-µs")
			b.ReportMetric(n, "p99-µs")
			b.ReportMetric(m/p50, "×p50")
			b.ReportMetric(n/p99, "×p99")
			b.ReportMetric(cores, "cores")
		})
	}
}

// BenchmarkIdle is the memory of the process, as the system counts it, for each
// of 5,000 clients that are logged in and say nothing.
func BenchmarkIdle(b *testing.B) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+b.TempDir())
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { child.Process.Kill(); child.Wait() }()
	var line [64]byte
	n, err := out.Read(line[:])
	if err != nil {
		b.Fatal(err)
	}
	addr, err := net.ResolveTCPAddr("tcp", strings.TrimSpace(string(line[:n])))
	if err != nil {
		b.Fatal(err)
	}
	const clients = 5000
	for b.Loop() {
		before := resident(b, child.Process.Pid)
		var all sync.WaitGroup
		for k := range 3 { // 2,000 a party at most
			user := []string{"teld", "byd", "starshine"}[k]
			all.Go(func() {
				for i := k; i < clients; i += 3 {
					quietly(b, addr, fmt.Sprint(i), user, 0)
				}
			})
		}
		all.Wait()
		time.Sleep(time.Second)
		b.ReportMetric(float64(resident(b, child.Process.Pid)-before)/clients, "B/client")
	}
}

// resident returns a process's memory in bytes.
func resident(t testing.TB, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
