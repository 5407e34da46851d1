package live

import "github.com/dianchi-platform/dianchi/internal/charge"

// loaded says up to which record each part of a loaded snapshot holds. Records
// up to max may be in some parts already and not in others.
type loaded struct {
	max      uint64
	stations uint64
	sums     uint64
	piles    []uint64 // by chunk of numbers
	vehicles []uint64
}

func of(seqs []uint64, n charge.Num) uint64 {
	if i := int(n >> chunkBits); i < len(seqs) {
		return seqs[i]
	}
	return 0
}

func (l *loaded) pile(n charge.Num) uint64    { return of(l.piles, n) }
func (l *loaded) vehicle(n charge.Num) uint64 { return of(l.vehicles, n) }
