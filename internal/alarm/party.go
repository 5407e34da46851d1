package alarm

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// partyTrack is what is remembered of one party.
type partyTrack struct {
	most  most          // objects online
	taken window        // reports
	stuck window        // findings of status.unchanged
	moved bool          // since the last look, a value of some report differed from the one before
	still charge.Millis // since when nothing moved, though reports came; 0: it moves
}

const ruleUnchanged = charge.RuleUnchanged // of package quality

func (d *Detector) track(n charge.Num) *partyTrack {
	p := d.parties[n]
	if p == nil {
		p = &partyTrack{}
		d.parties[n] = p
	}
	return p
}

func (p *partyTrack) findings(rec *record.Record, within time.Duration) {
	for i := range rec.Rules {
		if r := &rec.Rules[i]; r.Rule == ruleUnchanged {
			p.stuck.add(rec.Received, int(r.Count), within)
		}
	}
}

func (p *partyTrack) online(now charge.Millis, n int, within time.Duration) {
	p.most.put(now, n, within)
}

// resume makes a party that was called dead before a start as dead as it was,
// until what it reports says otherwise.
func (d *Detector) resume(a *Alarm, now charge.Millis) {
	t, n := d.track(a.Party), 1
	if a.Total > 0 {
		n = d.lim.StuckFindings
		t.stuck.add(now, n, d.lim.FindingsIn)
	} else {
		t.still = a.Since
	}
	t.taken.add(now, n, d.lim.FindingsIn)
}

// parts is into how many pieces windows are cut.
const parts = 12

// window counts over the last so much time, to a twelfth.
type window struct {
	at    int64 // piece in which the newest count is
	count [parts]int
	sum   int
}

func (w *window) turn(now charge.Millis, within time.Duration) {
	at := int64(now) / max(1, within.Milliseconds()/parts)
	if at-w.at >= parts || at < w.at-parts {
		w.count, w.sum = [parts]int{}, 0
		w.at = at
	}
	for w.at < at {
		w.at++
		i := w.at % parts
		w.sum -= w.count[i]
		w.count[i] = 0
	}
}

func (w *window) add(now charge.Millis, n int, within time.Duration) {
	w.turn(now, within)
	w.count[w.at%parts] += n
	w.sum += n
}

// of returns what was counted within the time before now.
func (w *window) of(now charge.Millis, within time.Duration) int {
	w.turn(now, within)
	return w.sum
}

// most keeps the largest number of the last so much time, to a twelfth.
type most struct {
	at    int64
	value [parts]int
}

func (m *most) put(now charge.Millis, n int, within time.Duration) {
	at := int64(now) / max(1, within.Milliseconds()/parts)
	if at-m.at >= parts || at < m.at {
		m.value = [parts]int{}
		m.at = at
	}
	for m.at < at {
		m.at++
		m.value[m.at%parts] = 0
	}
	m.value[at%parts] = max(m.value[at%parts], n)
}

func (m *most) of() int {
	n := 0
	for _, v := range m.value {
		n = max(n, v)
	}
	return n
}

// judgeParties says who is silent or dead.
func (d *Detector) judgeParties() {
	d.world.Parties(func(p Party) {
		d.here[p.Num] = true
		t := d.track(p.Num)
		t.most.put(d.now, p.Online, d.lim.Baseline)
		d.judgeSilence(&p, t)
		d.judgeDeath(&p, t)
	})
}

// judgeSuspects says whose positions seem to be in another coordinate system.
func (d *Detector) judgeSuspects(all []Suspect) {
	for _, s := range all {
		if !d.here[s.Party] {
			continue
		}
		c := record.AlarmEvent{Rule: PartyCRS, Party: s.Party, Count: uint32(s.Votes), Total: uint32(s.Of), Bits: shiftGCJ}
		if s.Shift < 0 {
			c.Bits = shiftWGS
		}
		d.wrong(c)
	}
}

// Bits of party.crs.
const (
	shiftGCJ = 1 // GCJ-02 without saying so
	shiftWGS = 2 // WGS-84 said to be GCJ-02
)

func (d *Detector) judgeSilence(p *Party, t *partyTrack) {
	base, least, share := t.most.of(), d.lim.OperatorPiles, d.lim.SilentShare
	if p.Kind == charge.Maker {
		least = d.lim.MakerVehicles
	}
	open := d.book.byKey(Key{PartySilent, p.Num, ""})
	if open != nil {
		base, least, share = int(open.Total), 1, 1-d.lim.BackShare
		if d.now.Sub(open.Raised) > d.lim.ForgetAfter && p.Online > 0 { // the party has become smaller
			base = t.most.of()
		}
	} else if d.now < d.until {
		return
	}
	away := base - p.Online
	if base < least || float64(away) < share*float64(base) || away <= 0 {
		return
	}
	severity := Warning
	if base >= d.lim.ManyObjects {
		severity = Critical
	}
	d.wrong(record.AlarmEvent{Rule: PartySilent, Severity: uint8(severity), Party: p.Num, Count: uint32(away),
		Total: uint32(base), Since: p.Last})
}

// judgeDeath looks for a feed that goes on, but never says anything new.
func (d *Detector) judgeDeath(p *Party, t *partyTrack) {
	taken := t.taken.of(d.now, d.lim.FindingsIn)
	moved := t.moved || taken == 0 || p.Online < d.lim.DeadObjects
	t.moved = false
	if moved {
		t.still = 0
	} else if t.still == 0 {
		t.still = d.now
	}
	patience := d.lim.DeadAfter
	if p.Busy == 0 {
		patience = d.lim.DeadIdle
	}
	stuck := t.stuck.of(d.now, d.lim.FindingsIn)
	switch {
	case t.still != 0 && d.now.Sub(t.still) >= patience:
		d.wrong(record.AlarmEvent{Rule: FeedDead, Party: p.Num, Count: uint32(p.Online), Since: t.still})
	case stuck >= d.lim.StuckFindings && share(stuck, taken) >= d.lim.StuckShare:
		d.wrong(record.AlarmEvent{Rule: FeedDead, Party: p.Num, Count: uint32(p.Online), Total: uint32(stuck)})
	}
}

// judgeStations says which stations are silent or in fault. Where a whole party
// is silent its stations are part of that.
func (d *Detector) judgeStations() {
	d.world.Stations(func(s *Station) {
		if s.Total == 0 || !d.here[s.Party] {
			return
		}
		if s.Total >= d.lim.FaultPiles && share(s.Fault, s.Total) >= d.lim.FaultShare {
			d.faulty[s.Num] = d.wrong(record.AlarmEvent{Rule: StationFault, Party: s.Party, Object: s.ID, Name: s.Name,
				Count: uint32(s.Fault), Total: uint32(s.Total)})
		}
		if s.Offline < s.Total || s.Total < d.lim.StationPiles {
			return
		}
		k := Key{StationSilent, s.Party, s.ID}
		if d.silentParty(s.Party) {
			d.fold(k, PartySilent)
			return
		}
		open := d.book.byKey(k)
		if open == nil && d.now < d.until {
			return
		}
		if n := d.world.Reported(s.Num); n >= d.lim.StationPiles {
			d.wrong(record.AlarmEvent{Rule: StationSilent, Party: s.Party, Object: s.ID, Name: s.Name,
				Count: uint32(s.Total), Total: uint32(s.Total), Since: s.Last})
		}
	})
}

// silentParty reports whether a party's silence is an incident already.
func (d *Detector) silentParty(p charge.Num) bool {
	k := Key{PartySilent, p, ""}
	if d.book.byKey(k) != nil {
		return true
	}
	w, ok := d.pending[k]
	return ok && w.round == d.round && d.now.Sub(w.since) >= d.rules[PartySilent].RaiseAfter
}
