package alarm

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// hot is the objects of one kind that are in alarm by what they last said of it.
// A bit an object says whether it is one, so that other reports cost next to nothing.
type hot struct {
	bits    []uint64
	objects map[charge.Num]hotObject
}

type hotObject struct {
	party     charge.Num
	id        string // a pile's own id, or a VIN
	text      string // a pile's fault code, as far as it was heard since the start
	level     uint8
	bits      uint64
	since, at charge.Millis // first of these reports, and the newest of all: min(ts, received)

	// Of vehicles.
	said      uint8         // the level as it was given, which flag 23 may have raised
	worst     uint8         // highest level that the book does not have yet …
	worstBits uint64        // … and the flags with it
	told      bool          // the book has it all
	ended     charge.Millis // no longer in alarm, but the book does not have it all yet; 0: it is
	forgotten bool          // it was silent for so long that only a new alarm counts
}

func newHot() hot { return hot{objects: map[charge.Num]hotObject{}} }

func (h *hot) has(n charge.Num) bool {
	i := int(n >> 6)
	return i < len(h.bits) && h.bits[i]>>(n&63)&1 != 0
}

func (h *hot) put(n charge.Num, o hotObject) {
	i := int(n >> 6)
	if i >= len(h.bits) {
		h.bits = append(h.bits, make([]uint64, max(i+1-len(h.bits), len(h.bits)))...)
	}
	h.bits[i] |= 1 << (n & 63)
	h.objects[n] = o
}

func (h *hot) drop(n charge.Num) {
	if h.has(n) {
		h.bits[n>>6] &^= 1 << (n & 63)
		delete(h.objects, n)
	}
}

func (h *hot) dropParty(p charge.Num) {
	for n, o := range h.objects {
		if o.party == p {
			h.drop(n)
		}
	}
}

// Observe takes a record in, before live does. It costs a few nanoseconds a report.
func (d *Detector) Observe(rec *record.Record) {
	switch rec.Kind {
	case record.Message:
	case record.PartyGone:
		d.piles.dropParty(rec.Party)
		d.vehicles.dropParty(rec.Party)
		delete(d.parties, rec.Party)
		return
	default:
		return
	}
	p := d.track(rec.Party)
	p.findings(rec, d.lim.FindingsIn)
	for i := range rec.Piles {
		it := &rec.Piles[i]
		if it.Verdict != charge.Taken {
			continue
		}
		p.taken.add(rec.Received, 1, d.lim.FindingsIn)
		if !p.moved && !d.world.SamePile(it.Num, &it.Report) {
			p.moved = true
		}
		if it.Report.Status != charge.StatusFault {
			d.piles.drop(it.Num)
			continue
		}
		d.heat(&d.piles, it.Num, rec.Party, it.Report.ID, min(it.Report.TS, rec.Received), 0, 0)
		if f := it.Report.Fault; f != "" {
			if o := d.piles.objects[it.Num]; o.text != f {
				o.text = strings.Clone(clip(f))
				d.piles.objects[it.Num] = o
			}
		}
	}
	for i := range rec.Fleet {
		it := &rec.Fleet[i]
		if it.Verdict != charge.Taken {
			continue
		}
		p.taken.add(rec.Received, 1, d.lim.FindingsIn)
		if !p.moved && !d.world.SameVehicle(it.Num, &it.Report) {
			p.moved = true
		}
		r := &it.Report
		level := d.levelOf(r)
		if level < d.lim.LeastLevel {
			if d.vehicles.has(it.Num) {
				d.cool(it.Num, r, rec.Received)
			}
			continue
		}
		d.heat(&d.vehicles, it.Num, rec.Party, r.VIN, min(r.TS, rec.Received), level, r.Alarms)
		o := d.vehicles.objects[it.Num]
		if r.Has&charge.HasAlarmLevel != 0 {
			o.said = r.AlarmLevel
		}
		if level >= o.worst {
			o.worst, o.worstBits = level, r.Alarms
		}
		o.told, o.ended, o.forgotten = false, 0, false
		d.vehicles.objects[it.Num] = o
	}
}

// thermalEvent is flag 23 of GB/T 32960.3-2025, which is always level 4.
const thermalEvent = 1 << 23

func (d *Detector) levelOf(r *charge.VehicleReport) uint8 {
	level := uint8(0)
	if r.Has&charge.HasAlarmLevel != 0 {
		level = r.AlarmLevel
	}
	if r.Has&charge.HasAlarms != 0 && r.Alarms&thermalEvent != 0 {
		level = 4
	}
	return level
}

// cools reports whether a report without an alarm says that there is none any
// more: by its level, or of a thermal event that only flags told by its flags.
func (d *Detector) cools(o *hotObject, r *charge.VehicleReport) bool {
	return r.Has&charge.HasAlarmLevel != 0 ||
		r.Has&charge.HasAlarms != 0 && o.bits&thermalEvent != 0 && o.said < d.lim.LeastLevel
}

// cool takes in a report without an alarm of a vehicle that is in alarm. What
// the book does not have yet stays until it does: an alarm that is over before
// the next look is raised all the same.
func (d *Detector) cool(n charge.Num, r *charge.VehicleReport, received charge.Millis) {
	o := d.vehicles.objects[n]
	switch {
	case o.ended != 0 || o.forgotten:
		return
	case !d.cools(&o, r): // it says nothing of it
		o.at = min(r.TS, received)
		if r.Has&charge.HasAlarms != 0 {
			o.bits = r.Alarms
			o.level = min(o.level, max(o.said, d.lim.LeastLevel))
		}
	case o.told || d.rules[VehicleAlarm].RaiseAfter > 0:
		d.vehicles.drop(n)
		return
	default:
		o.ended = received
	}
	d.vehicles.objects[n] = o
}

// hold keeps a vehicle's open alarm of before a start, unless its newest report
// says that it is over: most reports need not say a level.
func (d *Detector) hold(a *Alarm) {
	n, r, at, ok := d.world.FindVehicle(a.Party, a.Object)
	if !ok || d.vehicles.has(n) {
		return
	}
	o := hotObject{party: a.Party, id: a.Object, level: a.Level, bits: a.Bits, since: a.Since, at: at, told: true}
	if at == 0 { // none is known
		o.at = a.Updated
	} else if d.cools(&o, &r) {
		return
	}
	if a.Bits&thermalEvent == 0 {
		o.said = a.Level
	}
	d.vehicles.put(n, o)
}

func (d *Detector) heat(h *hot, n, party charge.Num, id string, at charge.Millis, level uint8, bits uint64) {
	o, ok := h.objects[n]
	if !ok || o.party != party {
		o = hotObject{party: party, id: strings.Clone(id), since: at}
	}
	o.at, o.level, o.bits = at, level, bits
	h.put(n, o)
}

// judgePiles says which piles are in fault.
func (d *Detector) judgePiles() {
	for n, o := range d.piles.objects {
		k := Key{PileFault, o.party, o.id}
		station, id, name, ok := d.world.Pile(n)
		if !ok || !d.here[o.party] {
			d.reasons[k] = ReasonGone
			d.piles.drop(n)
			continue
		}
		silent, forget := d.silent(o.at)
		if forget {
			d.reasons[k] = ReasonForgotten
			continue // a report makes it hot again, a start reads it once more
		}
		if d.faulty[station] {
			d.fold(k, StationFault)
			continue
		}
		d.wrong(record.AlarmEvent{Rule: PileFault, Party: o.party, Object: o.id, Station: id, Name: name, Text: o.text,
			Since: o.since, Last: silent})
	}
}

// judgeVehicles says which vehicles have an alarm.
func (d *Detector) judgeVehicles() {
	for n, o := range d.vehicles.objects {
		k := Key{VehicleAlarm, o.party, o.id}
		if !d.here[o.party] || !d.world.Vehicle(n) {
			d.reasons[k] = ReasonGone
			d.vehicles.drop(n)
			continue
		}
		silent, forget := d.silent(o.at)
		if forget {
			d.reasons[k] = ReasonForgotten
			o.forgotten = true
			d.vehicles.objects[n] = o
			continue
		}
		if o.ended != 0 && d.now.Sub(o.ended) > happensFor { // there is no room for it
			d.vehicles.drop(n)
			continue
		}
		level, bits := o.level, o.bits
		if o.worst > level {
			level, bits = o.worst, o.worstBits
		}
		severity := Warning
		if level >= 3 {
			severity = Critical
		}
		d.wrong(record.AlarmEvent{Rule: VehicleAlarm, Severity: uint8(severity), Party: o.party, Object: o.id,
			Level: level, Bits: bits, Since: o.since, Last: silent})
		switch a := d.book.byKey(k); {
		case o.told || a == nil || a.Level < level: // nothing new, or the event is on its way
		case o.ended != 0:
			d.vehicles.drop(n)
		default:
			o.told, o.worst, o.worstBits = true, 0, 0
			d.vehicles.objects[n] = o
		}
	}
}

// silent reports whether an object's newest report is stale, and whether it is
// too old to say anything.
func (d *Detector) silent(at charge.Millis) (silent, forget bool) {
	age := d.now.Sub(at)
	return age > d.lim.StaleAfter, age > d.lim.ForgetAfter
}
