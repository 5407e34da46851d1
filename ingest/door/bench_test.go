package door

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// instant is a taker that has everything at once.
type instant struct{}

func (instant) Submit(_ context.Context, m Message) error {
	m.Done(nil)
	return nil
}

// cpu returns the CPU time that this process has used, clients included.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchmarkClients lets clients send b.N messages of 10 kB at QoS 1, in all
// perSecond a second, or flat out when it is 0, with 32 on their way each.
func benchmarkClients(b *testing.B, clients, perSecond int, to taker) {
	d := start(b, Config{}, Deps{Auth: newPeople(), Taker: to})
	pub := publish3("dianchi/v1/teld/piles", 1, 1, strings.Repeat("x", 10_000))
	var mu sync.Mutex
	var waits []time.Duration
	wires := make([]*wire, clients)
	for i := range wires {
		wires[i] = login(b, d, 4, fmt.Sprint(i), "teld")
	}
	b.SetBytes(int64(len(pub)))
	b.ReportAllocs()
	b.ResetTimer()
	begin, used := time.Now(), cpu()
	var wg sync.WaitGroup
	for i, w := range wires {
		n := b.N / clients
		if i < b.N%clients {
			n++
		}
		wg.Go(func() {
			sent := make(chan time.Time, 32)
			go func() {
				for k := range n {
					if perSecond > 0 {
						time.Sleep(time.Until(begin.Add(time.Duration(k*clients+i) * time.Second / time.Duration(perSecond))))
					}
					sent <- time.Now()
					w.nc.Write(pub)
				}
			}()
			own := make([]time.Duration, 0, n)
			for range n {
				at := <-sent
				if p := w.packet(); len(p) != 4 || p[0] != 0x40 {
					b.Errorf("answer % x", p)
					return
				}
				own = append(own, time.Since(at))
			}
			mu.Lock()
			waits = append(waits, own...)
			mu.Unlock()
		})
	}
	wg.Wait()
	b.StopTimer()
	took := time.Since(begin)
	slices.Sort(waits)
	b.ReportMetric(float64(b.N)/took.Seconds(), "messages/s")
	b.ReportMetric((cpu()-used).Seconds()/took.Seconds(), "cores")
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkForty is 40 clients with 800 messages a second in all, which is
// 40,000 reports/s.
func BenchmarkForty(b *testing.B) { benchmarkClients(b, 40, 800, instant{}) }

// BenchmarkFortyToDisk is the same with a spool behind it: the answers wait for
// its fsyncs.
func BenchmarkFortyToDisk(b *testing.B) {
	to, err := newToSpool(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer to.spool.Close(b.Context())
	benchmarkClients(b, 40, 800, to)
}

// BenchmarkFlatOut is 40 clients that send as fast as they are answered.
func BenchmarkFlatOut(b *testing.B) { benchmarkClients(b, 40, 0, instant{}) }
