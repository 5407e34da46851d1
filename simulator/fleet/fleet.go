// Package fleet is the simulated city itself: its stations, piles and
// vehicles, what they do, and what they report.
//
// It is pure: no I/O, no goroutine, no clock of its own. The same [Config] and
// the same moments give the same bytes, however the time between is cut into
// steps. Behaviour follows docs/simulator.md; every figure that is set rather
// than known stands in profile.go and parties.go.
//
// A [Fleet] is driven by events (a car arrives, a session ends, a pile breaks)
// and by visits (each object has its turn to report). Between events all is in
// closed form, so an object costs nothing until it has something to say.
package fleet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
)

// Config sets a simulated city.
type Config struct {
	City     *city.City
	Seed     uint64
	Vehicles int
	Piles    int
	Start    charge.Millis // where the first step begins; the day is already under way then
	Cadence  time.Duration // every object reports each Cadence; 0 is the cadence of real parties
	Party    string        // only this party's reports come out; "" is all of them
	Faults   Faults        // bad data that is mixed in
}

// Limits of a simulated city.
const (
	MaxObjects = 2_000_000 // vehicles, and piles
	MinCadence = 100 * time.Millisecond
	MaxCadence = time.Hour
)

// Sink takes what the city reports, in order of time. The party is an index
// into [Parties]; what the pointers point at is valid during the call only.
type Sink interface {
	Pile(party int, r *charge.PileReport)
	Vehicle(party int, r *charge.VehicleReport)
	Session(party int, s *charge.Session)
}

// Fleet is one simulated city. It is not safe for concurrent use.
type Fleet struct {
	cfg    Config
	rng    *rand.Rand
	clock  clock
	plane  plane
	waters []water

	districts []district
	stations  []station
	piles     []pile
	vehicles  []vehicle
	sessions  []session
	idle      []int32 // free places in sessions
	grid      grid
	depots    []int32 // stations that are bus depots
	publics   []int32 // piles of public stations, where cars of the city's others charge
	names     names
	links     []int64 // per operator: until when its link to the platform is down, ms

	queue    queue
	now      int64 // everything before it has happened
	orders   uint64
	only     int // the party that is heard, -1 for all
	pileTurn turns
	carTurn  turns
	out      reporter
}

// New builds the city and lets it live up to cfg.Start, so that its first
// step finds it in the middle of its day.
func New(cfg Config) (*Fleet, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Start <= 0 {
		return nil, errors.New("a city needs a moment to start at")
	}
	f := &Fleet{cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x6469616e636869)), clock: clock{zone: cfg.City.Zone}, only: -1}
	if cfg.Party != "" {
		f.only = PartyIndex(cfg.Party)
	}
	f.plane = newPlane(cfg.City.BuiltUp.Center())
	for _, ring := range cfg.City.Water {
		f.waters = append(f.waters, newWater(&f.plane, ring))
	}
	f.links = make([]int64, len(operators))
	f.layDistricts()
	f.buildStations()
	f.buildVehicles()
	f.grid = newGrid(f)
	f.pileTurn = newTurns(len(f.piles), cfg.Cadence, pileVisit)
	f.carTurn = newTurns(len(f.vehicles), cfg.Cadence, carVisit)
	f.out = newReporter(f)

	f.now = f.anchor(int64(cfg.Start))
	f.wake()
	f.happen(int64(cfg.Start))
	f.pileTurn.seek(f.now)
	f.carTurn.seek(f.now)
	return f, nil
}

// Validate names everything in c that cannot be.
func (c *Config) Validate() error {
	var errs []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	require(c.City != nil && len(c.City.Districts) > 0, "a city with districts is needed")
	require(c.Vehicles >= 0 && c.Vehicles <= MaxObjects, "vehicles must be 0 to %d, not %d", MaxObjects, c.Vehicles)
	require(c.Piles >= 0 && c.Piles <= MaxObjects, "piles must be 0 to %d, not %d", MaxObjects, c.Piles)
	require(c.Cadence == 0 || c.Cadence >= MinCadence && c.Cadence <= MaxCadence,
		"cadence must be %s to %s, not %s", MinCadence, MaxCadence, c.Cadence)
	require(c.Party == "" || PartyIndex(c.Party) >= 0, "party %q is none of the simulated city's: %s", c.Party, slugs())
	return errors.Join(errs...)
}

// anchor returns the moment from which the city lives up to start: a local
// 0, 6, 12 or 18 o'clock six to twelve hours before, so that simulators of
// several parties started about the same time see the same city.
func (f *Fleet) anchor(start int64) int64 {
	into := f.clock.dayMS(start) % (6 * hour)
	return start - into - 6*hour
}

// Now returns the moment up to which everything has happened.
func (f *Fleet) Now() charge.Millis { return charge.Millis(f.now) }

// Step lets the city live up to the moment to and hands what is reported on
// the way to out, in order of time; visits due at to itself are the next
// step's.
func (f *Fleet) Step(to charge.Millis, out Sink) {
	f.out.sink = out
	end := int64(to)
	for {
		at, cars := f.pileTurn.next, false
		if f.carTurn.next < at {
			at, cars = f.carTurn.next, true
		}
		if at >= end {
			break
		}
		f.happen(at)
		f.out.release(at)
		if cars {
			f.visitCar(at)
		} else {
			f.visitPile(at)
		}
	}
	f.happen(end)
	f.out.release(end)
	f.out.sink = nil
}

// happen lets all events up to the moment at, inclusive, take place.
func (f *Fleet) happen(at int64) {
	for len(f.queue) > 0 && f.queue[0].at <= at {
		e := f.queue.pop()
		f.now = max(f.now, e.at)
		f.out.release(f.now)
		f.event(e)
	}
	f.now = max(f.now, at)
}
