package alarm

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// hot is the objects of one kind whose newest report is an alarm. A bit an
// object says whether it is one, so that other reports cost next to nothing.
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
	since, at charge.Millis // first and newest of these reports: min(ts, received)
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
			if d.cools(it.Num, r) {
				d.vehicles.drop(it.Num)
			}
			continue
		}
		d.heat(&d.vehicles, it.Num, rec.Party, r.VIN, min(r.TS, rec.Received), level, r.Alarms)
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
// more: by its level, or of a thermal event by its flags.
func (d *Detector) cools(n charge.Num, r *charge.VehicleReport) bool {
	return r.Has&charge.HasAlarmLevel != 0 ||
		r.Has&charge.HasAlarms != 0 && d.vehicles.has(n) && d.vehicles.objects[n].bits&thermalEvent != 0
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
			continue
		}
		severity := Warning
		if o.level >= 3 {
			severity = Critical
		}
		d.wrong(record.AlarmEvent{Rule: VehicleAlarm, Severity: uint8(severity), Party: o.party, Object: o.id,
			Level: o.level, Bits: o.bits, Since: o.since, Last: silent})
	}
}

// silent reports whether an object's newest report is stale, and whether it is
// too old to say anything.
func (d *Detector) silent(at charge.Millis) (silent, forget bool) {
	age := d.now.Sub(at)
	return age > d.lim.StaleAfter, age > d.lim.ForgetAfter
}
