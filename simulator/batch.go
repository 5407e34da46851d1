package simulator

import (
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// Sizes of messages.
const (
	batchSize    = 50       // reports in a message, as the contract recommends
	batchBytes   = 32 << 10 // about what 50 reports take at most
	mastersSize  = 500      // vehicles in a message of master data
	mastersBytes = 96 << 10 // of master data, well below the contract's 256 KiB
)

// batch is one message: a JSON array of n elements.
type batch struct {
	kind    charge.Payload
	n       int
	payload []byte
}

// batches keeps used buffers for the next message.
var batches = sync.Pool{New: func() any { return &batch{payload: make([]byte, 0, batchBytes)} }}

func newBatch(kind charge.Payload) *batch {
	b := batches.Get().(*batch)
	b.kind, b.n, b.payload = kind, 0, append(b.payload[:0], '[')
	return b
}

// element makes room for one more element; finish closes the array.
func (b *batch) element() {
	if b.n > 0 {
		b.payload = append(b.payload, ',')
	}
	b.n++
}

func (b *batch) finish() *batch {
	b.payload = append(b.payload, ']')
	return b
}

// sink sorts the city's reports into the parties' batches. It belongs to the
// goroutine that lets the city live.
type sink struct{ parties []*party }

var _ fleet.Sink = (*sink)(nil)

func (s *sink) Pile(i int, r *charge.PileReport) {
	if b := s.open(i, charge.Piles); b != nil {
		b.payload = report.AppendPile(b.payload, r)
		s.full(i, b)
	}
}

func (s *sink) Vehicle(i int, r *charge.VehicleReport) {
	if b := s.open(i, charge.Vehicles); b != nil {
		b.payload = report.AppendVehicle(b.payload, r)
		s.full(i, b)
	}
}

func (s *sink) Session(i int, r *charge.Session) {
	if b := s.open(i, charge.Sessions); b != nil {
		b.payload = report.AppendSession(b.payload, r)
		s.full(i, b)
	}
}

// open returns the party's batch of that kind with room for one element; nil
// while the party has not introduced itself yet.
func (s *sink) open(i int, kind charge.Payload) *batch {
	p := s.parties[i]
	if p == nil || !p.introduced.Load() {
		return nil
	}
	b := p.filling[kind]
	if b == nil {
		b = newBatch(kind)
		p.filling[kind] = b
	}
	b.element()
	return b
}

func (s *sink) full(i int, b *batch) {
	if b.n >= batchSize {
		s.parties[i].hand(b)
	}
}

// flush hands over all batches that are not empty.
func (s *sink) flush() {
	for _, p := range s.parties {
		if p == nil {
			continue
		}
		for _, b := range p.filling {
			if b != nil {
				p.hand(b)
			}
		}
	}
}

// deaf is a sink for what is left out.
type deaf struct{}

func (deaf) Pile(int, *charge.PileReport)       {}
func (deaf) Vehicle(int, *charge.VehicleReport) {}
func (deaf) Session(int, *charge.Session)       {}

// masters is what a party says of itself: its stations or its vehicles, kept
// as they go over the wire.
type masters struct{ list []*batch }

func (m *masters) station(s *charge.Station) {
	b := m.room(charge.Stations, batchSize)
	b.payload = report.AppendStation(b.payload, s)
}

func (m *masters) vehicle(v *charge.Vehicle) {
	b := m.room(charge.Fleet, mastersSize)
	b.payload = report.AppendFleet(b.payload, v)
}

// room returns the last batch if it has room for one more, else a new one.
func (m *masters) room(kind charge.Payload, size int) *batch {
	if n := len(m.list); n == 0 || m.list[n-1].n >= size || len(m.list[n-1].payload) > mastersBytes {
		m.list = append(m.list, &batch{kind: kind, payload: []byte{'['}})
	}
	b := m.list[len(m.list)-1]
	b.element()
	return b
}

// messages returns the master data as whole messages.
func (m *masters) messages() []*batch {
	for _, b := range m.list {
		if b.payload[len(b.payload)-1] != ']' {
			b.finish()
		}
	}
	return m.list
}
