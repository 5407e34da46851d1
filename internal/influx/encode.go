package influx

import (
	"hash/maphash"
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Bounds of references, in milliseconds.
const (
	wholeEvery = int64(60 * 60 * 1000)     // the longest way back of a reference
	shardSpan  = int64(6 * 60 * 60 * 1000) // references stay inside it, because shards go one by one
)

// whole is what is remembered of an object's last whole point.
type whole struct {
	at   int64  // its ts in epoch ms; 0 when there is none
	hash uint64 // of its fields
}

// encoder turns records into lines. It belongs to one goroutine and allocates
// nothing once its buffers have grown.
type encoder struct {
	slug     func(charge.Num) string
	seed     maphash.Seed
	piles    []whole // by Num
	vehicles []whole
	tag      []byte
}

func newEncoder(slug func(charge.Num) string) *encoder {
	return &encoder{slug: slug, seed: maphash.MakeSeed()}
}

// forget makes the next point of every object whole.
func (e *encoder) forget() {
	clear(e.piles)
	clear(e.vehicles)
}

// batch is what goes to InfluxDB at once.
type batch struct {
	raw, totals []byte // lines
	due         int    // points that the records say are due, counted apart from what is encoded
	points      int
	same        int // of points, how many are references
	lost        int // reports that could not be said, of a party that nobody knows
	records     int
	last        uint64        // the last record's number
	anew        uint64        // Writer.anew when it was encoded
	oldest      charge.Millis // when the platform took the oldest record
}

func (b *batch) reset() {
	*b = batch{raw: b.raw[:0], totals: b.totals[:0]}
}

// add appends what r keeps to b.
func (e *encoder) add(b *batch, r *record.Record) {
	if b.records == 0 {
		b.oldest = r.Received
	}
	b.records++
	b.last = r.Seq
	b.due += due(r)
	if len(r.Piles) > 0 {
		slug := e.slug(r.Party)
		if slug == "" {
			b.lost += len(r.Piles)
		} else {
			e.tag = append(appendTag(append(e.tag[:0], "pile,id="...), slug), ':')
			head := len(e.tag)
			for i := range r.Piles {
				it := &r.Piles[i]
				e.tag = append(appendTag(e.tag[:head], it.Report.ID), ' ')
				ns, refer := e.place(b, memory(&e.piles, it.Num), it.Verdict, int64(it.Report.TS), e.hashPile(&it.Report))
				if !refer {
					b.raw = appendPileFields(b.raw, &it.Report)
				}
				b.raw = appendTime(b.raw, ns)
			}
		}
	}
	for i := range r.Fleet {
		it := &r.Fleet[i]
		e.tag = append(appendTag(append(e.tag[:0], "vehicle,id="...), it.Report.VIN), ' ')
		ns, refer := e.place(b, memory(&e.vehicles, it.Num), it.Verdict, int64(it.Report.TS), e.hashVehicle(&it.Report))
		if !refer {
			b.raw = appendVehicleFields(b.raw, &it.Report)
		}
		b.raw = appendTime(b.raw, ns)
	}
	if r.Kind == record.Passed {
		return // its rows are not kept
	}
	for i := range r.Rows {
		b.totals = appendTotal(b.totals, &r.Rows[i])
		b.points++
	}
	for i := range r.Quality {
		if slug := e.slug(r.Quality[i].Party); slug != "" {
			b.totals = appendQuality(b.totals, slug, &r.Quality[i])
			b.points++
		} else {
			b.lost++
		}
	}
}

// due returns how many points a record makes.
func due(r *record.Record) int {
	n := len(r.Piles) + len(r.Fleet)
	if r.Kind != record.Passed {
		n += len(r.Rows) + len(r.Quality)
	}
	return n
}

// place appends the tag at hand and, if the report with these members is a
// repeat of the last whole point, the reference to it. It returns the point's time
// in nanoseconds and whether it is a reference.
func (e *encoder) place(b *batch, m *whole, v charge.Verdict, ts int64, hash uint64) (ns int64, refer bool) {
	b.points++
	b.raw = append(b.raw, e.tag...)
	ns = ts * 1e6
	if v == charge.Taken && hash == m.hash && ts > m.at && ts-m.at <= wholeEvery && ts/shardSpan == m.at/shardSpan {
		b.same++
		b.raw = appendInt(append(b.raw, "same="...), m.at)
		return ns, true
	}
	if v != charge.Taken || ts == m.at && hash != m.hash {
		ns++ // others may refer to the point that stands at ts
	}
	if v == charge.Taken && ts > m.at {
		*m = whole{ts, hash}
	}
	return ns, false
}

// Hashes are over every member that a report has, bit by bit, so two reports that
// differ are taken for the same once in 2⁶⁴ comparisons.

func (e *encoder) hashPile(r *charge.PileReport) uint64 {
	n := [...]uint64{
		uint64(r.Has) | uint64(r.Status)<<32 | uint64(r.Park)<<40 | uint64(r.Lock)<<48,
		math.Float64bits(r.PowerKW), math.Float64bits(r.VoltageV), math.Float64bits(r.CurrentA),
		math.Float64bits(r.SOCPct), math.Float64bits(r.EnergyKWh), math.Float64bits(r.MeterKWh),
		0, 0, 0,
	}
	if r.Has&charge.HasSession != 0 {
		n[7] = maphash.String(e.seed, r.Session)
	}
	if r.Has&charge.HasVIN != 0 {
		n[8] = maphash.String(e.seed, r.VIN)
	}
	if r.Has&charge.HasFault != 0 {
		n[9] = maphash.String(e.seed, r.Fault)
	}
	return maphash.Comparable(e.seed, n)
}

func (e *encoder) hashVehicle(r *charge.VehicleReport) uint64 {
	return maphash.Comparable(e.seed, [...]uint64{
		uint64(r.Has) | uint64(r.State)<<32 | uint64(r.Charge)<<40 | uint64(r.AlarmLevel)<<48, r.Alarms,
		math.Float64bits(r.Lon), math.Float64bits(r.Lat), math.Float64bits(r.SpeedKMH), math.Float64bits(r.OdometerKM),
		math.Float64bits(r.SOCPct), math.Float64bits(r.VoltageV), math.Float64bits(r.CurrentA),
		math.Float64bits(r.RangeKM), math.Float64bits(r.InsulationKOhm),
	})
}

// memory returns the place of object num, making room.
func memory(all *[]whole, num charge.Num) *whole {
	if int(num) >= len(*all) {
		more := make([]whole, int(num)+1-len(*all)+int(num)/4)
		*all = append(*all, more...)
	}
	return &(*all)[num]
}
