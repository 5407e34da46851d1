package live

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

const (
	chunkBits = 12
	chunkSize = 1 << chunkBits
	maxNum    = 1 << 26 // far above any city; keeps a damaged number from taking all memory
)

// dense is an array by [charge.Num] that grows without moving its elements.
// One goroutine grows it while others read.
type dense[T any] struct {
	chunks atomic.Pointer[[]*[chunkSize]T]
	end    atomic.Uint32 // one above the largest number grown to
}

// at returns number n's element, or nil when the array does not reach it.
func (d *dense[T]) at(n charge.Num) *T {
	chunks := d.chunks.Load()
	if i := int(n >> chunkBits); n != 0 && chunks != nil && i < len(*chunks) {
		if c := (*chunks)[i]; c != nil {
			return &c[n%chunkSize]
		}
	}
	return nil
}

// grow returns number n's element and makes room for it; nil for 0 and absurd numbers.
func (d *dense[T]) grow(n charge.Num) *T {
	if n == 0 || n >= maxNum {
		return nil
	}
	var chunks []*[chunkSize]T
	if old := d.chunks.Load(); old != nil {
		chunks = *old
	}
	i := int(n >> chunkBits)
	if i >= len(chunks) || chunks[i] == nil {
		next := make([]*[chunkSize]T, max(i+1, len(chunks)))
		copy(next, chunks)
		next[i] = new([chunkSize]T)
		d.chunks.Store(&next)
		chunks = next
	}
	if n >= d.end.Load() {
		d.end.Store(n + 1)
	}
	return &chunks[i][n%chunkSize]
}

// chunkCount returns how many chunks there are, empty ones included.
func (d *dense[T]) chunkCount() int { return int(d.end.Load()+chunkSize-1) / chunkSize }

const lockCount = 256

// stripe is one of the short locks for details, on a cache line of its own.
type stripe struct {
	sync.Mutex
	_ [56]byte
}

func (s *State) lockOf(n charge.Num) *sync.Mutex { return &s.locks[n%lockCount].Mutex }

// interner keeps one copy of words that many objects share, such as models.
type interner map[string]string

const maxInterned = 4096

func (in interner) of(w string) string {
	if w == "" {
		return ""
	}
	if have, ok := in[w]; ok {
		return have
	}
	w = strings.Clone(w)
	if len(in) < maxInterned {
		in[w] = w
	}
	return w
}
