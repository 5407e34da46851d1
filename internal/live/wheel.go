package live

import "github.com/dianchi-platform/dianchi/internal/charge"

// wheelSlots is how many seconds the wheel holds; a later deadline waits in
// the last slot and is looked at again there.
const wheelSlots = 1024

// ref names a pile (num·2) or a vehicle (num·2 + 1).
type ref uint32

// noSlot is the slot of what the wheel does not hold; slots count from 1.
const noSlot = 0

// wheel holds, by second, which objects to look at for staleness. A report
// only moves its object's deadline, and the object is put where it belongs when
// its old slot comes up: so a report costs nothing here. Of an object's entries
// only the one in the slot that it remembers counts.
type wheel struct {
	slots [wheelSlots][]ref
	next  int64 // the second to look at first; its slot may be looked at again
}

func (w *wheel) reset() { *w = wheel{} }

// second returns when an object that goes stale after deadline is looked at.
func (w *wheel) second(deadline charge.Millis) int64 {
	return max(w.next, min(int64(deadline)/1000, w.next+wheelSlots-1))
}

// put makes sure that the object is looked at no later than when it goes
// stale; slot is what it remembers, and what put returned last.
func (w *wheel) put(r ref, deadline charge.Millis, slot uint16) uint16 {
	at := w.second(deadline)
	if slot != noSlot && w.secondOf(slot) <= at {
		return slot
	}
	return w.add(r, at)
}

// secondOf returns when a slot comes up next.
func (w *wheel) secondOf(slot uint16) int64 {
	return w.next + (int64(slot)-1-w.next%wheelSlots+wheelSlots)%wheelSlots
}

func (w *wheel) add(r ref, at int64) uint16 {
	w.slots[at%wheelSlots] = append(w.slots[at%wheelSlots], r)
	return uint16(at%wheelSlots) + 1
}

// turn looks at every object whose slot is not after at. check is given the
// slot; it returns the object's deadline, or false when the entry does not
// count or the object is stale now; move tells the object its new slot.
func (w *wheel) turn(at charge.Millis, check func(ref, uint16) (charge.Millis, bool), move func(ref, uint16)) {
	end := int64(at) / 1000
	if end-w.next >= wheelSlots { // a long pause, or the first tick: every slot is due
		w.next = end - wheelSlots + 1
	}
	for ; ; w.next++ {
		slot := &w.slots[w.next%wheelSlots]
		due := *slot
		*slot = due[:0] // what stays in this second is written where it was read already
		for _, r := range due {
			if deadline, ok := check(r, uint16(w.next%wheelSlots)+1); ok {
				move(r, w.add(r, w.second(deadline)))
			}
		}
		if w.next >= end {
			return
		}
	}
}
