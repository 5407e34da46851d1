package tail

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// SectionName is the name of a Book's section of a snapshot. It has the rules
// that were met; messages are of the moment and not kept.
const SectionName = "tail"

// partyMet is one party in the section.
type partyMet struct {
	Party charge.Num
	Met   []Met
}

// Section returns the section and the Seq that it holds for.
func (b *Book) Section() (seq uint64, body []byte, err error) {
	b.mu.Lock()
	seq = b.seq
	all := make([]partyMet, 0, len(b.parties))
	for _, num := range slices.Sorted(maps.Keys(b.parties)) {
		if met := b.parties[num].list(); len(met) > 0 {
			all = append(all, partyMet{num, met})
		}
	}
	b.mu.Unlock()
	body, err = json.Marshal(all)
	return seq, body, err
}

// LoadSection begins with a section.
func (b *Book) LoadSection(seq uint64, body []byte) error {
	var all []partyMet
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("cannot read which rules were met: %w", err)
	}
	b.Reset()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq = seq
	for _, x := range all {
		p := b.of(x.Party)
		for _, m := range x.Met {
			if len(p.met) < MaxRules {
				m.Samples = m.Samples[:min(len(m.Samples), Examples)]
				p.met[key{m.Rule, m.Action}] = &m
			}
		}
	}
	return nil
}

// Reset forgets everything.
func (b *Book) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq, b.parties = 0, map[charge.Num]*party{}
}
