package account

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// SectionPrefix begins the names of a Book's sections of a snapshot. The first,
// "account/head", is always there; then there is one for each party.
const SectionPrefix = "account/"

const (
	sectionHead = SectionPrefix + "head"
	version     = 1 // the first byte of every section
)

var errSection = errors.New("section of accounts is damaged")

// Sections hands out the Book in pieces, each with the Seq that it holds for.
// Records may be applied between two of them.
func (b *Book) Sections(put func(name string, seq uint64, body []byte) error) error {
	b.mu.RLock()
	nums, seq := slices.Sorted(maps.Keys(b.parties)), b.seq
	b.mu.RUnlock()
	if err := put(sectionHead, seq, []byte{version}); err != nil {
		return err
	}
	var body []byte
	for _, num := range nums {
		b.mu.RLock()
		seq = b.seq
		body = b.parties[num].append(binary.AppendUvarint(append(body[:0], version), uint64(num)))
		b.mu.RUnlock()
		if err := put(fmt.Sprint(SectionPrefix, num), seq, body); err != nil {
			return err
		}
	}
	return nil
}

// LoadSection takes a section in. Totals that go further already are kept.
func (b *Book) LoadSection(name string, seq uint64, body []byte) error {
	if len(body) == 0 || body[0] != version {
		return fmt.Errorf("cannot load section %q: its version is not known", name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if name == sectionHead {
		return nil
	}
	if !strings.HasPrefix(name, SectionPrefix) {
		return fmt.Errorf("cannot load section %q: it is none of accounts", name)
	}
	num, p, err := decodeParty(body[1:])
	if err != nil {
		return fmt.Errorf("cannot load section %q: %w", name, err)
	}
	p.totals, p.windows = seq, seq
	if old := b.parties[num]; old != nil && old.totals > seq {
		p.totals, p.total, p.rules, p.last = old.totals, old.total, old.rules, old.last
	}
	b.parties[num] = p
	b.seq = max(b.seq, seq)
	return nil
}

func (p *party) append(dst []byte) []byte {
	dst = p.total.Append(dst)
	dst = binary.AppendVarint(dst, int64(p.last))
	dst = p.pending.Append(dst)
	all := sorted(p.rules)
	dst = binary.AppendUvarint(dst, uint64(len(all)))
	for _, r := range all {
		dst = appendRule(dst, ruleKey{r.Rule, r.Action})
		dst = binary.AppendUvarint(dst, r.Count)
	}
	dst = binary.AppendUvarint(dst, uint64(len(p.names)))
	for _, k := range p.names {
		dst = appendRule(dst, k)
	}
	for i := range p.ring {
		at := &p.ring[i]
		if at.from == 0 {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(at.from/BucketMS))
		dst = at.counts.Append(dst)
		dst = binary.AppendUvarint(dst, uint64(len(at.rules)))
		for _, c := range at.rules {
			dst = binary.AppendUvarint(append(dst, c.name), uint64(c.count))
		}
		dst = binary.AppendUvarint(dst, uint64(at.objects))
		dst = binary.AppendUvarint(dst, uint64(at.online))
	}
	return dst
}

func appendRule(dst []byte, k ruleKey) []byte {
	dst = append(binary.AppendUvarint(dst, uint64(len(k.rule))), k.rule...)
	return append(dst, byte(k.action))
}

// reader takes values off a section; after the first error it gives zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail() {
	r.b, r.err = nil, errSection
}

func (r *reader) uint(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) counts() record.Counts {
	c, rest, err := record.DecodeCounts(r.b)
	if err != nil {
		r.fail()
		return c
	}
	r.b = rest
	return c
}

func (r *reader) rule() ruleKey {
	n := r.uint(1 << 16)
	if n > uint64(len(r.b)) {
		r.fail()
		return ruleKey{}
	}
	k := ruleKey{rule: charge.Rule(r.b[:n])}
	r.b = r.b[n:]
	k.action = charge.Action(r.byte())
	return k
}

func decodeParty(body []byte) (charge.Num, *party, error) {
	r := &reader{b: body}
	p := &party{rules: map[ruleKey]uint64{}}
	num := charge.Num(r.uint(1<<32 - 1))
	p.total = r.counts()
	p.last = charge.Millis(r.int())
	p.pending = r.counts()
	for range r.uint(uint64(len(r.b))) {
		k := r.rule()
		p.rules[k] = r.uint(1<<64 - 1)
	}
	for range r.uint(ruleBound) {
		p.names = append(p.names, r.rule())
	}
	for len(r.b) > 0 {
		at := bucket{from: charge.Millis(r.uint(1<<40)) * BucketMS}
		at.counts = r.counts()
		for range r.uint(uint64(len(p.names))) {
			c := cell{name: r.byte(), count: uint32(r.uint(1<<32 - 1))}
			if int(c.name) >= len(p.names) {
				r.fail()
			}
			at.rules = append(at.rules, c)
		}
		at.objects, at.online = uint32(r.uint(1<<32-1)), uint32(r.uint(1<<32-1))
		p.ring[slot(at.from)] = at
	}
	return num, p, r.err
}
