package fleet

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// reporter is the way out: it spoils reports as [Faults] says, keeps back what
// is to leave late, and makes bills. Its buffers are reused.
type reporter struct {
	f       *Fleet
	sink    Sink // nil while the city lives up to its start
	seed    uint64
	faults  Faults
	faulty  bool
	pile    charge.PileReport
	vehicle charge.VehicleReport
	session charge.Session
	bands   []charge.SessionBand
	late    []late  // a heap by due
	tariffs []*bill // by station's role and fee
	serial  uint64
}

// late is a report that leaves when it is due, later than it was made.
type late struct {
	due     int64
	serial  uint64 // order among equals
	party   int
	isPile  bool
	pile    charge.PileReport
	vehicle charge.VehicleReport
}

// bill is a tariff with the service fee it stands for.
type bill struct {
	role    role
	service uint8
	tariff  charge.Tariff
}

func newReporter(f *Fleet) reporter {
	return reporter{f: f, seed: f.cfg.Seed, faults: f.cfg.Faults, faulty: f.cfg.Faults != (Faults{})}
}

// Objects in the draws of faults: vehicles stand above the piles.
func vehicleObject(id int32) uint64 { return uint64(id) | 1<<40 }

// sendPile hands out o.pile, the report of a pile.
func (o *reporter) sendPile(party int, id int32) {
	if o.sink == nil {
		return
	}
	r := &o.pile
	if !o.faulty {
		o.sink.Pile(party, r)
		return
	}
	object, at := uint64(id), int64(r.TS)
	r.TS += charge.Millis(o.skew(object))
	o.spoilPile(object, r)
	if o.hits(o.faults.OutOfOrder, object, at, saltOrder) {
		o.keep(late{due: at + o.gap(true) + keptBack, party: party, isPile: true, pile: *r})
		return
	}
	o.sink.Pile(party, r)
	if o.hits(o.faults.Duplicates, object, at, saltDuplicate) {
		o.sink.Pile(party, r)
	}
}

// sendVehicle hands out o.vehicle, the report of a vehicle.
func (o *reporter) sendVehicle(party int, id int32) {
	if o.sink == nil {
		return
	}
	r := &o.vehicle
	if !o.faulty {
		o.sink.Vehicle(party, r)
		return
	}
	object, at := vehicleObject(id), int64(r.TS)
	r.TS += charge.Millis(o.skew(object))
	if end := o.outage(object, at); end != 0 {
		o.keep(late{due: end, party: party, vehicle: *r})
		return
	}
	o.spoilVehicle(object, r)
	if o.hits(o.faults.OutOfOrder, object, at, saltOrder) {
		o.keep(late{due: at + o.gap(false) + keptBack, party: party, vehicle: *r})
		return
	}
	o.sink.Vehicle(party, r)
	if o.hits(o.faults.Duplicates, object, at, saltDuplicate) {
		o.sink.Vehicle(party, r)
	}
}

// gap returns how long it takes until an object's next report is surely out.
func (o *reporter) gap(pile bool) int64 {
	if c := o.f.cfg.Cadence.Milliseconds(); c > 0 {
		return c
	}
	if pile {
		return pilesBeat * pileVisit.Milliseconds()
	}
	return carVisit.Milliseconds()
}

// keep puts a report aside until it is due. Strings in it are the city's own
// or orders' ids: both outlive it.
func (o *reporter) keep(l late) {
	o.serial++
	l.serial = o.serial
	o.late = append(o.late, l)
	for i := len(o.late) - 1; i > 0; {
		up := (i - 1) / 2
		if !o.late[i].before(&o.late[up]) {
			break
		}
		o.late[i], o.late[up] = o.late[up], o.late[i]
		i = up
	}
}

func (l *late) before(m *late) bool { return l.due < m.due || l.due == m.due && l.serial < m.serial }

// release hands out what was kept back and is due by the moment at.
func (o *reporter) release(at int64) {
	for o.sink != nil && len(o.late) > 0 && o.late[0].due <= at {
		l := o.late[0]
		last := len(o.late) - 1
		o.late[0] = o.late[last]
		o.late[last] = late{}
		o.late = o.late[:last]
		for i := 0; ; {
			least := 2*i + 1
			if least >= last {
				break
			}
			if least+1 < last && o.late[least+1].before(&o.late[least]) {
				least++
			}
			if !o.late[least].before(&o.late[i]) {
				break
			}
			o.late[i], o.late[least] = o.late[least], o.late[i]
			i = least
		}
		if l.isPile {
			o.sink.Pile(l.party, &l.pile)
		} else {
			o.sink.Vehicle(l.party, &l.vehicle)
		}
	}
}

// bill hands out the record of a session that has just ended: energy split at
// the edges of the price bands, each amount rounded to a fen, half up.
func (o *reporter) bill(index int32) {
	f := o.f
	s := &f.sessions[index]
	st := &f.stations[f.piles[s.pile].station]
	if o.sink == nil || !f.hears(int(st.party)) {
		return
	}
	t := o.tariff(st)
	b := charge.Session{ID: s.id, PileID: f.names.pile(s.pile), Start: charge.Millis(s.start), End: charge.Millis(s.stop),
		ParkingFen: -1, StopReason: int16(s.reason)}
	if s.vehicle != none {
		b.VIN = f.names.vin(s.vehicle)
	}
	o.bands = o.bands[:0]
	before := int64(0) // hundredths of a kWh up to here
	for from := s.start; from < s.stop; {
		to := s.stop
		price, _ := f.cfg.City.Price(t, charge.Millis(from))
		if price.Until != 0 {
			to = min(to, int64(price.Until))
		}
		soc, _ := s.curve.at(to - s.start)
		if to == s.stop {
			soc = s.soc1
		}
		upTo := int64(math.Round(s.curve.kwh(soc-s.soc0) * 100))
		n := upTo - before
		band := charge.SessionBand{From: charge.Millis(from), To: charge.Millis(to), EnergyKWh: float64(n) / 100,
			EnergyFen: fen(n, price.EnergyE4), ServiceFen: fen(n, price.ServiceE4)}
		o.bands = append(o.bands, band)
		b.EnergyFen += band.EnergyFen
		b.ServiceFen += band.ServiceFen
		before, from = upTo, to
	}
	b.EnergyKWh, b.TotalFen, b.Bands = float64(before)/100, b.EnergyFen+b.ServiceFen, o.bands
	o.session = b
	o.sink.Session(int(st.party), &o.session)
}

// fen returns what n hundredths of a kWh cost at a price in yuan × 10,000 a kWh.
func fen(n, priceE4 int64) int64 { return (n*priceE4 + 5000) / 10000 }

// tariff returns the prices of a station, made once for all alike.
func (o *reporter) tariff(s *station) *charge.Tariff {
	for _, b := range o.tariffs {
		if b.role == s.role && b.service == s.service {
			return &b.tariff
		}
	}
	b := &bill{s.role, s.service, o.f.tariff(s)}
	o.tariffs = append(o.tariffs, b)
	return &b.tariff
}
