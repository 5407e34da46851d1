package live

import (
	"hash/maphash"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// index finds numbers by a hash of the object's id. It keeps no ids itself:
// the caller says whether a number is the one meant. About 12 bytes an object.
type index struct {
	seed  maphash.Seed
	mu    sync.RWMutex
	slots []uint64 // 0 empty; else the hash's upper half, then the number; number 0 is a former entry
	used  int      // slots that are not empty
	live  int
}

func (x *index) reset() {
	x.seed = maphash.MakeSeed()
	x.slots, x.used, x.live = make([]uint64, 64), 0, 0
}

// hash mixes an owner into id's hash; it is never 0 in its upper half.
func (x *index) hash(owner charge.Num, id string) uint64 {
	h := maphash.String(x.seed, id) ^ uint64(owner)*0x9e3779b97f4a7c15
	return h | 1<<63
}

// find returns the first number under hash h that is the one meant, or 0.
func (x *index) find(h uint64, is func(charge.Num) bool) charge.Num {
	x.mu.RLock()
	defer x.mu.RUnlock()
	mask := uint64(len(x.slots) - 1)
	for i := h >> 32 & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if n := charge.Num(x.slots[i]); n != 0 && x.slots[i]>>32 == h>>32 && is(n) {
			return n
		}
	}
	return 0
}

// put adds n under h. The caller makes sure that it is not there yet.
func (x *index) put(h uint64, n charge.Num) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if (x.used+1)*4 > len(x.slots)*3 {
		x.rebuild()
	}
	x.add(h&^0xffffffff | uint64(n))
}

func (x *index) add(slot uint64) {
	mask := uint64(len(x.slots) - 1)
	i := slot >> 32 & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = slot
	x.used++
	x.live++
}

// remove takes n away from under h.
func (x *index) remove(h uint64, n charge.Num) {
	x.mu.Lock()
	defer x.mu.Unlock()
	mask := uint64(len(x.slots) - 1)
	for i := h >> 32 & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if x.slots[i] == h&^0xffffffff|uint64(n) {
			x.slots[i] = h &^ 0xffffffff // a former entry: the search goes on over it
			x.live--
			return
		}
	}
}

// rebuild makes room and forgets former entries.
func (x *index) rebuild() {
	old := x.slots
	size := len(old)
	if x.live*2 >= size {
		size *= 2
	}
	x.slots, x.used, x.live = make([]uint64, size), 0, 0
	for _, slot := range old {
		if charge.Num(slot) != 0 {
			x.add(slot)
		}
	}
}
