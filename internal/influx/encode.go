package influx

import (
	"hash/maphash"

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
	fields   []byte
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
	points      int
	same        int // of points, how many are references
	lost        int // reports that could not be said, of a party that nobody knows
	records     int
	last        uint64        // the last record's number
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
				e.fields = appendPileFields(e.fields[:0], &it.Report)
				e.point(b, memory(&e.piles, it.Num), it.Verdict, int64(it.Report.TS))
			}
		}
	}
	for i := range r.Fleet {
		it := &r.Fleet[i]
		e.tag = append(appendTag(append(e.tag[:0], "vehicle,id="...), it.Report.VIN), ' ')
		e.fields = appendVehicleFields(e.fields[:0], &it.Report)
		e.point(b, memory(&e.vehicles, it.Num), it.Verdict, int64(it.Report.TS))
	}
	for i := range r.Rows {
		b.totals = appendTotal(b.totals, &r.Rows[i])
		b.points++
	}
}

// point appends the report whose tag and fields are at hand, whole or as a reference.
func (e *encoder) point(b *batch, m *whole, v charge.Verdict, ts int64) {
	b.points++
	b.raw = append(b.raw, e.tag...)
	h := maphash.Bytes(e.seed, e.fields)
	if v == charge.Taken && h == m.hash && ts > m.at && ts-m.at <= wholeEvery && ts/shardSpan == m.at/shardSpan {
		b.same++
		b.raw = appendInt(append(b.raw, "same="...), m.at)
		b.raw = appendTime(b.raw, ts*1e6)
		return
	}
	ns := ts * 1e6
	if ts == m.at && h != m.hash {
		ns++ // others refer to the point that stands at ts
	}
	b.raw = append(b.raw, e.fields...)
	b.raw = appendTime(b.raw, ns)
	if v == charge.Taken && ts > m.at {
		*m = whole{ts, h}
	}
}

// memory returns the place of object num, making room.
func memory(all *[]whole, num charge.Num) *whole {
	if int(num) >= len(*all) {
		more := make([]whole, int(num)+1-len(*all)+int(num)/4)
		*all = append(*all, more...)
	}
	return &(*all)[num]
}
