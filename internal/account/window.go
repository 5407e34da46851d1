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
	s := Sum{To: now, Rules: []RuleCount{}}
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
		return compareRules(ruleKey{a.Rule, a.Action}, ruleKey{b.Rule, b.Action})
	})
	return out
}

func compareRules(a, b ruleKey) int {
	return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.action, b.action))
}
