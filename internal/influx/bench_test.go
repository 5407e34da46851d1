package influx

import (
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// city makes up reports as a city sends them: 18 % of the vehicles and 8 % of the
// piles have something new to say, every 30 s with 2 s of jitter.
type city struct {
	rng      *rand.Rand
	piles    []charge.PileReport
	vehicles []charge.VehicleReport
	now      charge.Millis
}

func newCity(piles, vehicles int) *city {
	c := &city{rng: rand.New(rand.NewPCG(1, 2)), now: modelStart}
	for i := range piles {
		c.piles = append(c.piles, charge.PileReport{ID: fmt.Sprintf("S%d-%d", i/16, i%16), Status: charge.StatusIdle,
			Has: charge.HasPower | charge.HasVoltage | charge.HasCurrent | charge.HasMeter, MeterKWh: 80000.1 + float64(i)})
		if i%100 < 8 {
			p := &c.piles[i]
			p.Status, p.Has = charge.StatusCharging, p.Has|charge.HasSOC|charge.HasEnergy|charge.HasSession
			p.Session = fmt.Sprintf("A%d", i)
		}
	}
	for i := range vehicles {
		c.vehicles = append(c.vehicles, charge.VehicleReport{VIN: fmt.Sprintf("LNBMDBAH4PA%06d", i),
			Has: charge.HasPosition | charge.HasSpeed | charge.HasOdometer | charge.HasState | charge.HasCharge | charge.HasAlarmLevel |
				charge.HasAlarms | charge.HasRange | charge.HasInsulation | charge.HasSOC | charge.HasVoltage | charge.HasCurrent,
			Lon: round(102.58+c.rng.Float64()*.37, 1e6), Lat: round(24.78+c.rng.Float64()*.38, 1e6), OdometerKM: float64(40000 + i),
			SOCPct: 63, VoltageV: 355, State: 2, Charge: 3, RangeKM: 240, InsulationKOhm: 1200})
	}
	return c
}

func round(v, unit float64) float64 { return float64(int64(v*unit+.5)) / unit }

// tick returns the records of the next 30 s, 50 reports each.
func (c *city) tick() (all []*record.Record) {
	rng := c.rng
	for i := range c.piles {
		if i%50 == 0 {
			all = append(all, &record.Record{Kind: record.Message, Received: c.now, Party: 1})
		}
		p := &c.piles[i]
		p.TS = c.now + charge.Millis(rng.IntN(2000))
		if i%100 < 8 {
			p.PowerKW, p.VoltageV, p.CurrentA = round(50+rng.Float64()*10, 10), round(380+rng.Float64()*5, 10), round(140+rng.Float64()*10, 10)
			p.EnergyKWh, p.MeterKWh = round(p.EnergyKWh+.45, 100), round(p.MeterKWh+.45, 100)
			p.SOCPct = float64(int(20 + p.EnergyKWh/2))
		}
		last := all[len(all)-1]
		last.Piles = append(last.Piles, record.PileItem{Num: charge.Num(i + 1), Verdict: charge.Taken, Report: *p})
	}
	for i := range c.vehicles {
		if i%50 == 0 {
			all = append(all, &record.Record{Kind: record.Message, Received: c.now, Party: 2})
		}
		v := &c.vehicles[i]
		v.TS = c.now + charge.Millis(rng.IntN(2000))
		if i%100 < 18 {
			v.State, v.SpeedKMH = 1, round(rng.Float64()*60, 10)
			v.Lon, v.Lat = round(v.Lon+rng.NormFloat64()*.001, 1e6), round(v.Lat+rng.NormFloat64()*.001, 1e6)
			v.OdometerKM, v.VoltageV, v.CurrentA = round(v.OdometerKM+v.SpeedKMH/120, 10), round(350+rng.Float64()*5, 10), round(rng.Float64()*80-10, 10)
		}
		last := all[len(all)-1]
		last.Fleet = append(last.Fleet, record.VehicleItem{Num: charge.Num(i + 1), Verdict: charge.Taken, Report: *v})
	}
	c.now += 30_000
	return all
}

// BenchmarkEncode is the cost of a point's line; ns/op is a message of 50.
func BenchmarkEncode(b *testing.B) {
	for _, sort := range []string{"piles", "vehicles"} {
		for _, same := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/same=%v", sort, same), func(b *testing.B) {
				c := newCity(50, 0)
				if sort == "vehicles" {
					c = newCity(0, 50)
				}
				rec := c.tick()[0]
				enc, out := newEncoder(slugOf), &batch{}
				enc.add(out, rec)
				ts := modelStart
				b.ReportAllocs()
				for b.Loop() {
					ts++
					if ts-modelStart > 3_000_000 {
						ts = modelStart
						enc.forget()
					}
					for i := range rec.Piles {
						rec.Piles[i].Report.TS = ts
						if !same {
							rec.Piles[i].Report.PowerKW = float64(ts%1000) / 10
						}
					}
					for i := range rec.Fleet {
						rec.Fleet[i].Report.TS = ts
						if !same {
							rec.Fleet[i].Report.SpeedKMH = float64(ts%1000) / 10
						}
					}
					out.reset()
					enc.add(out, rec)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/point")
				b.ReportMetric(float64(len(out.raw))/50, "B/line")
			})
		}
	}
}

// BenchmarkStore writes two hours of a small city through a real InfluxDB and
// tells CPU and bytes on disk a point.
func BenchmarkStore(b *testing.B) {
	const objects, ticks = 2500, 240
	s := newStore(b, false)
	r := newRig(b, s.target())
	r.cfg.BatchPoints = 5000
	for b.Loop() {
		c := newCity(objects, objects)
		before, began := cpu(s.cmd.Process.Pid), time.Now()
		r.start()
		for range ticks {
			for _, rec := range c.tick() {
				r.log(rec)
			}
		}
		r.stop()
		st := r.writer.Stats()
		elapsed := time.Since(began)
		size := settle(s.dir)
		n := float64(st.Points)
		b.ReportMetric(n/elapsed.Seconds(), "points/s")
		b.ReportMetric((cpu(s.cmd.Process.Pid)-before)/n*1e6, "influxd-CPU-s/M")
		b.ReportMetric(float64(size)/n, "B/point")
		b.ReportMetric(100*float64(st.Same)/n, "%same")
		b.ReportMetric(float64(st.Bytes)/n, "line-B/point")
	}
}

// BenchmarkDay asks for 24 h of one vehicle that had something new each 30 s, and
// of one that stood still.
func BenchmarkDay(b *testing.B) {
	s := newStore(b, false)
	r := newRig(b, s.target())
	r.start()
	c := newCity(0, 100)
	for range 2880 {
		for _, rec := range c.tick() {
			r.log(rec)
		}
	}
	r.stop()
	settle(s.dir)
	for _, o := range []struct{ name, vin string }{{"moving", "LNBMDBAH4PA000001"}, {"standing", "LNBMDBAH4PA000050"}} {
		for _, every := range []time.Duration{0, 5 * time.Minute} {
			b.Run(fmt.Sprintf("%s/every=%s", o.name, every), func(b *testing.B) {
				rd := NewReader(ReaderConfig{Target: s.target()}, slog.New(slog.DiscardHandler))
				defer rd.Close()
				for b.Loop() {
					if t, err := rd.VehicleHistory(b.Context(), o.vin, modelStart, modelStart.Add(24*time.Hour), every); err != nil || len(t.Rows) < 288 {
						b.Fatal(len(t.Rows), err)
					}
				}
			})
		}
	}
}

// settle waits until the caches are in files and no longer change, and returns their bytes.
func settle(dir string) (size int64) {
	size = -1
	for same := 0; same < 4; time.Sleep(500 * time.Millisecond) {
		var n, wal int64
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				if info, err := d.Info(); err == nil {
					used := info.Sys().(*syscall.Stat_t).Blocks * 512
					if strings.Contains(path, "/wal/") {
						wal += used
					} else {
						n += used
					}
				}
			}
			return nil
		})
		if n == size && wal == 0 {
			same++
		} else {
			same = 0
		}
		size = n
	}
	return size
}

// cpu returns the seconds that a process has computed.
func cpu(pid int) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	var user, system float64
	if len(f) > 12 {
		fmt.Sscan(f[11], &user)
		fmt.Sscan(f[12], &system)
	}
	return (user + system) / 100
}
