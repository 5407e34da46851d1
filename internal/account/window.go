package account

import (
	"cmp"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Sum is what was counted of a party in a window.
type Sum struct {
	From   charge.Millis // begin of the first bucket; 0 for everything since the party was added
	To     charge.Millis
	Counts record.Counts
	Rules  []RuleCount   // by rule and action
	Last   charge.Millis // when the party's last report ever was received; 0 for never
	Rows   int           // five-minute rows of a moment at which the party had objects …
	Online float64       // … and the mean of their shares of objects on line, 0 … 1
}

// WindowFrom returns where a window of so many buckets begins that ends at now:
// the bucket that now lies in is its last.
func WindowFrom(now charge.Millis, buckets int) charge.Millis {
	return floor(now) - charge.Millis(buckets-1)*BucketMS
}

// Sum returns what was received of a party in the last so many buckets, at most
// 288; 0 means everything since it was added, with the online share of a day.
// An unknown party has nothing.
func (b *Book) Sum(num charge.Num, now charge.Millis, buckets int) Sum {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := Sum{To: now}
	from := WindowFrom(now, min(cmp.Or(buckets, Buckets), Buckets))
	if buckets > 0 {
		s.From = from
	}
	p := b.parties[num]
	if p == nil {
		return s
	}
	s.Last = p.last
	rules := map[ruleKey]uint64{}
	for i := range p.ring {
		at := &p.ring[i]
		if at.from < from || at.from == 0 || at.from > now {
			continue
		}
		s.Counts.Add(&at.counts)
		for _, c := range at.rules {
			rules[p.names[c.name]] += uint64(c.count)
		}
		if at.objects > 0 {
			s.Rows++
			s.Online += float64(at.online) / float64(at.objects)
		}
	}
	if s.Rows > 0 {
		s.Online /= float64(s.Rows)
	}
	if buckets == 0 {
		s.Counts, rules = p.total, p.rules
	}
	s.Rules = sorted(rules)
	return s
}

func sorted(rules map[ruleKey]uint64) []RuleCount {
	out := make([]RuleCount, 0, len(rules))
	for k, n := range rules {
		out = append(out, RuleCount{k.rule, k.action, n})
	}
	slices.SortFunc(out, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action))
	})
	return out
}

// Quantile returns the delay below which the share q of the reports lies, in
// seconds, and whether there are any. Inside a class delays are taken to lie
// evenly; the first class (≤ 0) is 0, and the last, which has no upper bound,
// is its lower bound: "at least".
func Quantile(c *record.Counts, q float64) (seconds float64, known bool) {
	var all uint64
	for _, n := range c.Delays {
		all += n
	}
	if all == 0 {
		return 0, false
	}
	rank := q * float64(all)
	var before float64
	for i, n := range c.Delays {
		if n == 0 || before+float64(n) < rank {
			before += float64(n)
			continue
		}
		if i == 0 {
			return 0, true
		}
		low := float64(record.DelayBoundsMS[i-1])
		if i == len(record.DelayBoundsMS) {
			return low / 1000, true
		}
		high := float64(record.DelayBoundsMS[i])
		return (low + (high-low)*(rank-before)/float64(n)) / 1000, true
	}
	return float64(record.DelayBoundsMS[len(record.DelayBoundsMS)-1]) / 1000, true
}

// Delayed returns how many reports have a delay at all, and how many one above
// limitMS, which must be one of [record.DelayBoundsMS].
func Delayed(c *record.Counts, limitMS int64) (all, above uint64) {
	for i, n := range c.Delays {
		all += n
		if i > 0 && record.DelayBoundsMS[i-1] >= limitMS {
			above += n
		}
	}
	return all, above
}
