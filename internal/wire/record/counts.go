package record

import (
	"encoding/binary"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Counts are everything that is counted of a party's reports. Sums of them over
// records say the same in whatever pieces they were summed.
type Counts struct {
	charge.Account
	Kept     uint64                         // pile and vehicle reports that were taken or went to history
	Flagged  uint64                         // of Kept, those that at least one flag or null rule met
	Nulls    uint64                         // values that rules set to null
	Missing  uint64                         // reports that were due and did not come
	OnlineMS uint64                         // Σ time between two taken reports of an object, ms
	Delays   [len(DelayBoundsMS) + 1]uint64 // pile and vehicle reports by receive − ts
}

// Counts returns what r says of its party; nothing for other kinds than [Message].
func (r *Record) Counts() Counts {
	if r.Kind != Message {
		return Counts{}
	}
	c := Counts{
		Account: r.Account, Kept: uint64(len(r.Piles) + len(r.Fleet)),
		Missing: uint64(r.Missing), OnlineMS: r.OnlineMS,
	}
	for i := range r.Piles {
		if r.Piles[i].Flagged {
			c.Flagged++
		}
	}
	for i := range r.Fleet {
		if r.Fleet[i].Flagged {
			c.Flagged++
		}
	}
	for i := range r.Rules {
		if r.Rules[i].Action == charge.ActNull {
			c.Nulls += uint64(r.Rules[i].Count)
		}
	}
	for i, n := range r.Delays {
		c.Delays[i] = uint64(n)
	}
	return c
}

// members are all numbers but the delays, in the order of the encoding.
func (c *Counts) members() [10]*uint64 {
	a := &c.Account
	return [...]*uint64{
		&a.Received, &a.Taken, &a.Duplicate, &a.History, &a.Rejected,
		&c.Kept, &c.Flagged, &c.Nulls, &c.Missing, &c.OnlineMS,
	}
}

// Add adds o.
func (c *Counts) Add(o *Counts) {
	from := o.members()
	for i, n := range c.members() {
		*n += *from[i]
	}
	for i, n := range o.Delays {
		c.Delays[i] += n
	}
}

// Less takes o away, each number as far as 0: without the beginning of a log,
// rows in it may say more than was counted.
func (c *Counts) Less(o *Counts) {
	from := o.members()
	for i, n := range c.members() {
		*n -= min(*n, *from[i])
	}
	for i, n := range o.Delays {
		c.Delays[i] -= min(c.Delays[i], n)
	}
}

// Zero reports whether nothing was counted.
func (c *Counts) Zero() bool { return *c == Counts{} }

// Quantile returns the delay below which the share q of the reports lies, in
// milliseconds, and whether there are any. Inside a class delays are taken to
// lie evenly; the first class (≤ 0) is 0, and the last, which has no upper
// bound, is its lower bound: "at least". [Counts.QuantileClass] has the class.
func (c *Counts) Quantile(q float64) (ms float64, known bool) {
	i, part, known := c.classOf(q)
	if !known || i == 0 {
		return 0, known
	}
	low := float64(DelayBoundsMS[i-1])
	if i == len(DelayBoundsMS) {
		return low, true
	}
	return low + (float64(DelayBoundsMS[i])-low)*part, true
}

// QuantileClass returns the bounds, in milliseconds, between which the quantile
// lies for certain: low < delay ≤ high, high -1 where there is none. Of the
// first class both are 0.
func (c *Counts) QuantileClass(q float64) (low, high int64, known bool) {
	i, _, known := c.classOf(q)
	switch {
	case !known || i == 0:
		return 0, 0, known
	case i == len(DelayBoundsMS):
		return DelayBoundsMS[i-1], -1, true
	}
	return DelayBoundsMS[i-1], DelayBoundsMS[i], true
}

// classOf returns the class in which the quantile is, and the share of the
// class that lies below it.
func (c *Counts) classOf(q float64) (class int, part float64, known bool) {
	all, _ := c.Delayed(0)
	rank, before := q*float64(all), 0.0
	for i, n := range c.Delays {
		if n != 0 && before+float64(n) >= rank {
			return i, (rank - before) / float64(n), true
		}
		before += float64(n)
	}
	return 0, 0, false
}

// Delayed returns how many reports have a delay at all, and how many one above
// limitMS, which must be one of [DelayBoundsMS].
func (c *Counts) Delayed(limitMS int64) (all, above uint64) {
	for i, n := range c.Delays {
		all += n
		if i > 0 && DelayBoundsMS[i-1] >= limitMS {
			above += n
		}
	}
	return all, above
}

// Append appends c's encoding: ten varints, a bit set of the delay classes that
// are not 0, and a varint for each of these.
func (c *Counts) Append(dst []byte) []byte {
	for _, n := range c.members() {
		dst = binary.AppendUvarint(dst, *n)
	}
	var set uint64
	for i, n := range c.Delays {
		if n != 0 {
			set |= 1 << i
		}
	}
	dst = binary.AppendUvarint(dst, set)
	for _, n := range c.Delays {
		if n != 0 {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	return dst
}

// DecodeCounts reads what [Counts.Append] wrote and returns the rest of b.
func DecodeCounts(b []byte) (c Counts, rest []byte, err error) {
	d := &reader{b: b}
	c.decode(d)
	if d.err != nil {
		return Counts{}, nil, d.err
	}
	return c, b[d.i:], nil
}

func (c *Counts) decode(d *reader) {
	for _, n := range c.members() {
		*n = d.uint()
	}
	set := d.uint()
	if set>>len(c.Delays) != 0 {
		d.fail(errValue)
	}
	for i := range c.Delays {
		if set&(1<<i) != 0 {
			c.Delays[i] = d.uint()
		}
	}
}

// QualityRow is what was counted of a party in the five minutes before T: since
// the row before, so that no report is in none or in two of them.
type QualityRow struct {
	Party    charge.Num
	T        charge.Millis
	Counts   Counts
	Expected uint64 // reports that were due in OnlineMS
	Objects  uint32 // piles or vehicles that the party has at T …
	Online   uint32 // … and those of them that are not silent
}

func (w *QualityRow) append(dst []byte, received charge.Millis) []byte {
	dst = appendUint(dst, uint64(w.Party))
	dst = binary.AppendVarint(dst, int64(w.T-received))
	dst = w.Counts.Append(dst)
	return appendUint(appendUint(appendUint(dst, w.Expected), uint64(w.Objects)), uint64(w.Online))
}

func (w *QualityRow) decode(d *reader, received charge.Millis) {
	w.Party = d.num()
	w.T = received + charge.Millis(d.int())
	w.Counts.decode(d)
	w.Expected, w.Objects, w.Online = d.uint(), d.num(), d.num()
}
