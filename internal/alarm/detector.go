package alarm

import (
	"maps"
	"slices"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// World is what a [Detector] asks of the live state, in its own goroutine.
type World interface {
	Parties(f func(Party))     // those that are registered
	Stations(f func(*Station)) // all of them; the value is valid during the call
	// Reported counts a station's piles that have ever reported.
	Reported(station charge.Num) int
	// Pile returns in which station a pile is; false when in none.
	Pile(num charge.Num) (station charge.Num, stationID, stationName string, ok bool)
	Vehicle(num charge.Num) bool // there is such a vehicle
	// FindVehicle returns a maker's vehicle and its newest report, with
	// min(ts, received) of it, which is 0 when it has none.
	FindVehicle(party charge.Num, vin string) (num charge.Num, r charge.VehicleReport, at charge.Millis, ok bool)
	// SamePile and SameVehicle report whether a taken report has the values of
	// the one before it, but for its time.
	SamePile(num charge.Num, r *charge.PileReport) bool
	SameVehicle(num charge.Num, r *charge.VehicleReport) bool
	// Faults and Alarms are for a start: what is in fault, or has an alarm of
	// at least a level or one of these flags, by its newest report.
	Faults(f func(num, party charge.Num, id string, at charge.Millis))
	Alarms(least uint8, flags uint64, f func(num, party charge.Num, r *charge.VehicleReport, at charge.Millis))
}

// Party is one party and what is counted of it now.
type Party struct {
	Num    charge.Num
	Kind   charge.PartyKind
	Online int           // piles that are not offline, or vehicles online
	Busy   int           // of these: charging or driving, so that values must change
	Last   charge.Millis // its newest taken report
}

// Station is one station and its piles by state.
type Station struct {
	Num, Party            charge.Num
	ID, Name              string
	Total, Offline, Fault int
	Last                  charge.Millis // newest taken report
}

// Health is how our own parts are.
type Health struct {
	Absent        bool // reports cannot reach us, by our own fault
	InfluxLag     time.Duration
	InfluxDropped uint64 // points refused for good since the start
	SpoolPct      int
	SpoolFull     bool
	DiskKnown     bool
	DiskFree      int64 // bytes
	ShardsDropped uint64
	RegistryLag   uint64 // records
	RegistryErr   string
	SnapshotAge   time.Duration
	BrokerAway    bool
	BrokerErr     string
	ClockJump     time.Duration // of the last look, by which the wall clock moved too far
	Differences   []Difference
	Suspects      []Suspect
}

// Difference is an account that does not add up.
type Difference struct {
	Of   string // which check, and of which party
	Text string
}

// Suspect is a party whose positions seem to be in another coordinate system
// than it says, as rule geo.crs-suspect of package quality finds.
type Suspect struct {
	Party charge.Num
	Shift int8 // 1: GCJ-02 without saying so; -1: WGS-84 said to be GCJ-02
	Votes int  // meetings of a pile and a vehicle that show it …
	Of    int  // … of so many
}

// Detector compares what is wrong with what is open. It belongs to the
// goroutine that applies records.
type Detector struct {
	lim   Limits
	rules map[string]Rule
	book  *Book
	world World

	piles    hot
	vehicles hot
	parties  map[charge.Num]*partyTrack

	looked   charge.Millis // last Judge
	until    charge.Millis // nobody is called silent before
	before   Health        // of the last Judge
	happened []happening
	pending  map[Key]wait             // wrong, but not for long enough
	wrongIn  map[uint64]uint32        // open, and wrong in that round
	ending   map[uint64]charge.Millis // open, but no longer wrong since then

	// Of one look.
	now     charge.Millis
	round   uint32
	folded  map[Key]string      // what an incident covers, and its rule
	reasons map[Key]string      // why something is no longer wrong
	here    map[charge.Num]bool // parties
	faulty  map[charge.Num]bool // stations with an incident
	held    map[charge.Num]int  // alarms that are open, by party
	events  []record.AlarmEvent
	unsaid  int // not raised for want of room
}

type wait struct {
	since charge.Millis
	round uint32
}

// NewDetector returns a Detector that compares with book.
func NewDetector(lim Limits, book *Book, world World) *Detector {
	d := &Detector{
		lim: lim, book: book, world: world, rules: map[string]Rule{},
		piles: newHot(), vehicles: newHot(), parties: map[charge.Num]*partyTrack{},
		pending: map[Key]wait{}, wrongIn: map[uint64]uint32{}, ending: map[uint64]charge.Millis{}, folded: map[Key]string{}, reasons: map[Key]string{},
		here: map[charge.Num]bool{}, faulty: map[charge.Num]bool{}, held: map[charge.Num]int{},
	}
	for _, r := range lim.Rules {
		d.rules[r.ID] = r
	}
	return d
}

// Begin looks at the world as the log left it, before the first tick judges
// who is stale: who is online there was online when we went.
func (d *Detector) Begin(now charge.Millis) {
	d.world.Parties(func(p Party) { d.track(p.Num).online(now, p.Online, d.lim.Baseline) })
	d.world.Faults(func(num, party charge.Num, id string, at charge.Millis) {
		d.piles.put(num, hotObject{party: party, id: id, since: at, at: at})
	})
	d.world.Alarms(d.lim.LeastLevel, thermalEvent, func(num, party charge.Num, r *charge.VehicleReport, at charge.Millis) {
		o := hotObject{party: party, id: r.VIN, since: at, at: at, level: d.levelOf(r), bits: r.Alarms}
		if r.Has&charge.HasAlarmLevel != 0 {
			o.said = r.AlarmLevel
		}
		d.vehicles.put(num, o)
	})
	for _, a := range d.book.open {
		switch a.Rule {
		case FeedDead:
			d.resume(a, now)
		case VehicleAlarm:
			d.hold(a)
		}
	}
	d.absent(now)
	d.looked = now
}

// absent gives everybody one stale limit: whom we could not hear is not silent.
func (d *Detector) absent(now charge.Millis) {
	d.until = max(d.until, now.Add(d.lim.StaleAfter+d.lim.Absence))
}

// Judge looks at everything and returns what must change in the book. The
// events must be in the book, or be given up, before it is called again; they
// are valid until then.
func (d *Detector) Judge(now charge.Millis, h Health) []record.AlarmEvent {
	d.now = now
	d.round++
	if now.Sub(d.looked) > d.lim.Absence {
		for _, p := range d.parties { // who was online when we went counts as if no time had passed
			n := p.most.of()
			p.most = most{}
			p.most.put(now, n, d.lim.Baseline)
		}
	}
	if h.Absent || now.Sub(d.looked) > d.lim.Absence || h.ClockJump >= d.lim.ClockJump || h.ClockJump <= -d.lim.ClockJump {
		d.absent(now)
	}
	d.looked = now
	d.events, d.unsaid = d.events[:0], 0
	clear(d.folded)
	clear(d.reasons)
	clear(d.here)
	clear(d.faulty)
	clear(d.held)
	for _, a := range d.book.open {
		d.held[a.Party]++
	}

	d.judgeOwn(&h)
	d.judgeParties()
	d.judgeSuspects(h.Suspects)
	d.judgeStations()
	d.judgePiles()
	d.judgeVehicles()
	if d.unsaid > 0 {
		d.wrong(record.AlarmEvent{Rule: OwnAlarms, Object: "alarms", Count: uint32(d.unsaid)})
	}
	d.sweep()
	d.before = h
	return d.events
}

// ownRoom is how many alarms beyond the bound are for incidents and our own parts.
const ownRoom = 1000

// wrong says that c is so now. It reports whether an alarm of it is open, or is
// raised in this look.
func (d *Detector) wrong(c record.AlarmEvent) bool {
	r := d.rules[c.Rule]
	c.Kind = r.Kind
	if c.Severity == 0 {
		c.Severity = uint8(r.Severity)
	}
	k := keyOf(&c)
	if a := d.book.byKey(k); a != nil {
		if d.wrongIn[a.ID] != d.round {
			d.wrongIn[a.ID] = d.round
			delete(d.ending, a.ID)
			d.update(a, &c)
		}
		return true
	}
	w, ok := d.pending[k]
	if !ok {
		w.since = d.now
	}
	twice := ok && w.round == d.round
	w.round = d.round
	d.pending[k] = w
	if d.now.Sub(w.since) < r.RaiseAfter {
		return false
	}
	if twice {
		return true
	}
	many := c.Kind == record.AlarmPile || c.Kind == record.AlarmVehicle || c.Kind == record.AlarmStation
	open := len(d.book.open) + len(d.events)
	if many && (open >= d.lim.MaxOpen || d.held[c.Party] >= d.lim.PartyOpen) || open >= d.lim.MaxOpen+ownRoom {
		d.unsaid++
		return false
	}
	if len(d.events) >= d.lim.MaxEvents {
		return false // with the next look
	}
	if c.Since == 0 {
		c.Since = w.since
	}
	c.Op = record.AlarmRaise
	d.held[c.Party]++
	d.events = append(d.events, c)
	return true
}

// update says how an open alarm is now, if that is news. When it began stays.
func (d *Detector) update(a *Alarm, c *record.AlarmEvent) {
	c.Since = a.Since
	worse := Severity(c.Severity) != a.Severity || c.Level > a.Level && a.Kind == record.AlarmVehicle
	other := c.Level != a.Level || c.Bits != a.Bits || c.Count != a.Count || c.Total != a.Total || c.Last != a.Last ||
		c.Text != a.Text || c.Name != a.Name || c.Station != a.Station
	if !worse && (!other || d.now.Sub(a.Updated) < d.lim.UpdateEvery) || len(d.events) >= d.lim.MaxEvents {
		return
	}
	c.Op, c.ID = record.AlarmUpdate, a.ID
	d.events = append(d.events, *c)
}

// fold says that an incident of rule covers k.
func (d *Detector) fold(k Key, rule string) { d.folded[k] = rule }

// sweep clears what is no longer wrong, and forgets what did not stay wrong.
func (d *Detector) sweep() {
	for k, w := range d.pending {
		if w.round != d.round || d.book.byKey(k) != nil {
			delete(d.pending, k)
		}
	}
	var over []record.AlarmEvent
	for id, a := range d.book.open {
		if d.wrongIn[id] == d.round {
			continue
		}
		since, known := d.ending[id]
		if !known {
			since = d.now
			d.ending[id] = since
		}
		reason, atOnce := d.why(a)
		if atOnce || d.now.Sub(since) >= d.rules[a.Rule].ClearAfter {
			over = append(over, record.AlarmEvent{Op: record.AlarmClear, ID: id, Rule: a.Rule, Party: a.Party,
				Kind: a.Kind, Object: a.Object, Severity: uint8(a.Severity), Since: a.Since, Text: reason})
		}
	}
	slices.SortFunc(over, func(a, b record.AlarmEvent) int { return compare(a.ID, b.ID) })
	d.events = append(d.events, over[:min(len(over), max(0, d.lim.MaxEvents-len(d.events)))]...)
	closed := func(id uint64) bool { return d.book.open[id] == nil }
	if len(d.wrongIn) > len(d.book.open) {
		maps.DeleteFunc(d.wrongIn, func(id uint64, _ uint32) bool { return closed(id) })
	}
	if len(d.ending) > len(d.book.open) {
		maps.DeleteFunc(d.ending, func(id uint64, _ charge.Millis) bool { return closed(id) })
	}
}

// why says why an open alarm is no longer wrong, and whether it is cleared
// without waiting.
func (d *Detector) why(a *Alarm) (reason string, atOnce bool) {
	k := a.key()
	switch {
	case d.folded[k] != "":
		return ReasonPartOf + d.folded[k], true
	case d.reasons[k] != "":
		return d.reasons[k], true
	case a.Party != 0 && !d.here[a.Party]:
		return ReasonGone, true
	}
	return ReasonEnded, false
}

// share returns part as a share of the whole, 0 of nothing.
func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
