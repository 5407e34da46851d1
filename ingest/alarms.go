package ingest

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// watch looks every few seconds at what is wrong, and puts what changes into
// the log; the book changes when that record comes back from disk.
type watch struct {
	p        *Pipeline
	book     *alarm.Book
	detector *alarm.Detector
	next     charge.Millis // when to look again; the committer's
	busy     atomic.Bool   // events are on their way to the log
	upTo     atomic.Uint64 // the record that the last of them stand in
	health   atomic.Pointer[alarm.Health]
	snapped  atomic.Int64 // Unix ms of the newest snapshot, or of the start
}

func newWatch(p *Pipeline) *watch {
	w := &watch{p: p, book: alarm.NewBook()}
	lim := p.cfg.Alarms
	if lim.Rules == nil {
		lim = alarm.Default()
	}
	lim.StaleAfter = p.cfg.StaleAfter
	w.detector = alarm.NewDetector(lim, w.book, world{p.deps.Live})
	w.health.Store(&alarm.Health{})
	w.snapped.Store(time.Now().UnixMilli())
	return w
}

// Alarms returns the book of alarms as of the last revision.
func (p *Pipeline) Alarms() *alarm.View { return p.commit.watch.book.View() }

// look judges once in a while. The committer calls it after a tick.
func (w *watch) look(at charge.Millis, applied uint64) {
	if at < w.next || w.busy.Load() || applied < w.upTo.Load() {
		return
	}
	w.next = at.Add(w.p.cfg.AlarmEvery)
	events := w.detector.Judge(at, *w.health.Load())
	if len(events) == 0 {
		return
	}
	var bodies [][]byte
	for some := range slices.Chunk(events, record.MaxAlarms) {
		rec := record.Record{Kind: record.Alarms, Received: at, Alarms: some}
		bodies = append(bodies, rec.Append(nil))
	}
	w.busy.Store(true)
	w.p.running.Go(func() {
		defer w.busy.Store(false)
		ctx, cancel := context.WithTimeout(w.p.ctx, time.Minute) // then it is judged anew
		defer cancel()
		err := w.p.whenReady(ctx, func() {
			for _, body := range bodies {
				w.p.append(body, ack{})
			}
			w.upTo.Store(w.p.judge.appended)
		})
		if err != nil && w.p.open.Err() == nil {
			w.p.log.Warn("alarms wait for the log", "changes", len(events), "err", err)
		}
	})
}

// AckAlarm puts on record that somebody has seen an open alarm, and returns it
// as it then is, once readers see it so.
func (p *Pipeline) AckAlarm(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	w := p.commit.watch
	if err := open(w.book.View().Find(id), id); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	rec := record.Record{Kind: record.Alarms, Received: charge.At(time.Now()),
		Alarms: []record.AlarmEvent{{Op: record.AlarmAck, ID: id, By: by, Text: note}}}
	body := rec.Append(nil)
	var seq uint64
	if err := p.whenReady(ctx, func() { p.append(body, ack{}); seq = p.judge.appended }); err != nil {
		return nil, charge.Errorf(charge.NotReady, "the acknowledgement cannot be kept at present")
	}
	for w.book.View().Seq < seq {
		select {
		case <-ctx.Done():
			return nil, charge.Errorf(charge.NotReady, "the acknowledgement is not on disk yet")
		case <-time.After(20 * time.Millisecond):
		}
	}
	a := w.book.View().Find(id)
	switch err := open(a, id); {
	case err == nil && a.Acked != 0: // by us, or by somebody else right after
		return a, nil
	case err == nil:
		return nil, charge.Errorf(charge.NotReady, "the acknowledgement is not on record")
	case a != nil && a.Acked == rec.Received: // it was cleared right after
		return a, nil
	default:
		return nil, err
	}
}

// open returns why a cannot be acknowledged, if it cannot.
func open(a *alarm.Alarm, id uint64) error {
	switch {
	case a == nil:
		return charge.Errorf(charge.NotFound, "there is no alarm %s", alarm.IDString(id))
	case a.Cleared != 0:
		return charge.Errorf(charge.Conflict, "alarm %s was cleared at %s", alarm.IDString(id), a.Cleared)
	}
	return nil
}

// feel asks our own parts how they are, until Stop. That may take a while, so
// the committer does not do it.
func (w *watch) feel() {
	every := time.NewTicker(w.p.cfg.AlarmEvery)
	defer every.Stop()
	was := time.Now()
	var jump time.Duration
	var jumped time.Time
	for {
		now := time.Now()
		// The wall clock against the monotonic one.
		if by := now.Round(0).Sub(was.Round(0)) - now.Sub(was); by.Abs() >= time.Second {
			jump, jumped = by, now
		}
		was = now
		var h alarm.Health
		if f := w.p.deps.Health; f != nil {
			h = f()
		}
		if now.Sub(jumped) < 3*w.p.cfg.AlarmEvery {
			h.ClockJump = jump
		}
		s := w.p.deps.Spool.Stats()
		h.SpoolPct = int(s.Bytes * 100 / cmp.Or(s.MaxBytes, 1))
		h.SpoolFull = s.Full
		h.Absent = h.Absent || h.BrokerAway || w.p.Stalled() != 0
		for _, x := range w.p.Suspects() {
			h.Suspects = append(h.Suspects, alarm.Suspect(x))
		}
		h.SnapshotAge = now.Sub(time.UnixMilli(w.snapped.Load()))
		w.health.Store(&h)
		select {
		case <-every.C:
		case <-w.p.open.Done():
			return
		}
	}
}

// world is live as the detector asks it.
type world struct{ live *live.State }

func (w world) Parties(f func(alarm.Party)) {
	for _, r := range w.live.Operators() {
		f(alarm.Party{Num: r.Num, Kind: charge.Operator, Online: r.Piles.Total - r.Piles.Offline, Busy: r.Piles.Charging,
			Last: r.LastReportAt})
	}
	for _, r := range w.live.Makers() {
		f(alarm.Party{Num: r.Num, Kind: charge.Maker, Online: r.Vehicles.Online,
			Busy: r.Vehicles.Driving + r.Vehicles.Charging, Last: r.LastReportAt})
	}
}

func (w world) Stations(f func(*alarm.Station)) {
	var s alarm.Station
	w.live.EachSite(func(site *live.Site) {
		c := site.Counts()
		s = alarm.Station{Num: site.Num, Party: site.Party, ID: site.ID, Name: site.Name,
			Total: c.Total, Offline: c.Offline, Fault: c.Fault, Last: site.UpdatedAt()}
		f(&s)
	})
}

func (w world) Reported(station charge.Num) int { return w.live.ReportedPiles(station) }

func (w world) Pile(n charge.Num) (station charge.Num, id, name string, ok bool) {
	site, _ := w.live.PileSite(n)
	if site == nil {
		return 0, "", "", false
	}
	return site.Num, site.ID, site.Name, true
}

func (w world) Vehicle(n charge.Num) bool { return w.live.HasVehicle(n) }

func (w world) FindVehicle(party charge.Num, vin string) (charge.Num, charge.VehicleReport, charge.Millis, bool) {
	return w.live.VehicleOf(party, vin)
}

func (w world) SamePile(n charge.Num, r *charge.PileReport) bool { return w.live.SamePile(n, r) }

func (w world) SameVehicle(n charge.Num, r *charge.VehicleReport) bool {
	return w.live.SameVehicle(n, r)
}

func (w world) Faults(f func(num, party charge.Num, id string, at charge.Millis)) {
	w.live.EachFault(f)
}

func (w world) Alarms(level uint8, flags uint64, f func(num, party charge.Num, r *charge.VehicleReport, at charge.Millis)) {
	w.live.EachAlarm(level, flags, f)
}
