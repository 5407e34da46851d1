package fleet

import (
	"hash/fnv"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// monday is a working day's local clock.
func monday(hour int) charge.Millis {
	return charge.At(time.Date(2026, 11, 23, hour, 0, 0, 0, city.Kunming().Zone))
}

// newFleet returns a city of n vehicles and n piles unless cfg says otherwise.
func newFleet(tb testing.TB, n int, cfg Config) *Fleet {
	tb.Helper()
	if cfg.City == nil {
		cfg.City = city.Kunming()
	}
	if cfg.Vehicles == 0 && cfg.Piles == 0 {
		cfg.Vehicles, cfg.Piles = n, n
	}
	if cfg.Start == 0 {
		cfg.Start = monday(8)
	}
	f, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// listener is a sink that calls what is set.
type listener struct {
	pile    func(party int, r *charge.PileReport)
	vehicle func(party int, r *charge.VehicleReport)
	session func(party int, s *charge.Session)
}

func (l *listener) Pile(party int, r *charge.PileReport) {
	if l.pile != nil {
		l.pile(party, r)
	}
}

func (l *listener) Vehicle(party int, r *charge.VehicleReport) {
	if l.vehicle != nil {
		l.vehicle(party, r)
	}
}

func (l *listener) Session(party int, s *charge.Session) {
	if l.session != nil {
		l.session(party, s)
	}
}

// digest is a sink that hashes every byte that would go over the wire, by party.
type digest struct {
	sums  map[int]uint64
	count int
	buf   []byte
}

func newDigest() *digest { return &digest{sums: map[int]uint64{}} }

func (d *digest) add(party int) {
	h := fnv.New64a()
	h.Write(d.buf)
	d.sums[party] = d.sums[party]*1099511628211 ^ h.Sum64()
	d.count++
}

func (d *digest) Pile(party int, r *charge.PileReport) {
	d.buf = report.AppendPile(d.buf[:0], r)
	d.add(party)
}

func (d *digest) Vehicle(party int, r *charge.VehicleReport) {
	d.buf = report.AppendVehicle(d.buf[:0], r)
	d.add(party)
}

func (d *digest) Session(party int, s *charge.Session) {
	d.buf = append(append(d.buf[:0], s.ID...), byte(s.EnergyFen), byte(len(s.Bands)))
	d.add(party)
}
