package live

import "github.com/dianchi-platform/dianchi/internal/charge"

// wheelSlots is how many seconds the wheel holds; a later deadline waits in
// the last slot and is looked at again there.
const wheelSlots = 1024

// ref names a pile (num·2) or a vehicle (num·2 + 1).
type ref uint32

// wheel holds, by second, which objects to look at for staleness. An object is
// in it at most once: a report only moves its deadline, and the object is put
// where it belongs when its old slot comes up. So a report costs nothing here.
type wheel struct {
	slots [wheelSlots][]ref
	next  int64 // the second to look at first; its slot may be looked at again
}

func (w *wheel) reset() { *w = wheel{} }

// put adds an object that goes stale after deadline.
func (w *wheel) put(r ref, deadline charge.Millis) {
	at := max(w.next, min(int64(deadline)/1000, w.next+wheelSlots-1))
	w.slots[at%wheelSlots] = append(w.slots[at%wheelSlots], r)
}

// turn looks at every object whose slot is not after at. check returns the
// object's deadline, and false when it is stale now and leaves the wheel.
func (w *wheel) turn(at charge.Millis, check func(ref) (charge.Millis, bool)) {
	end := int64(at) / 1000
	if end-w.next >= wheelSlots { // a long pause, or the first tick: every slot is due
		w.next = end - wheelSlots + 1
	}
	for ; ; w.next++ {
		slot := &w.slots[w.next%wheelSlots]
		due := *slot
		*slot = due[:0] // what stays in this second is written where it was read already
		for _, r := range due {
			if deadline, ok := check(r); ok {
				w.put(r, deadline)
			}
		}
		if w.next >= end {
			return
		}
	}
}
