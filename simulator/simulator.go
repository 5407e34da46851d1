// Package simulator publishes a simulated city over MQTT as its parties would:
// one ordinary client for each operator and maker, with its own password.
//
// The city is simulator/fleet. A [Simulator] turns its reports into batches of
// 50, sends them with QoS 1, keeps what is not acknowledged and sends it again,
// byte for byte, after a connection was lost. A platform that is slow is not
// outrun: what does not fit into a party's bounded queue is skipped and counted.
package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// Config sets what is simulated and where it is sent.
type Config struct {
	Broker   string            // URL of the platform's MQTT endpoint: tcp://, ssl://, ws:// or wss://
	TLS      *tls.Config       // for ssl:// and wss://; nil trusts what the system trusts
	Accounts map[string]string // passwords by slug; a party without one stays silent
	City     *city.City        // nil is Kunming
	Vehicles int
	Piles    int
	Cadence  time.Duration // every object reports each Cadence; 0 is the cadence of real parties
	Seed     uint64
	Party    string       // only this party publishes; "" is all of them
	Faults   fleet.Faults // bad data that is mixed in; see fleet.UsualFaults

	StatsFile string // Stats are written there as JSON each second and at the end; "" is nowhere
}

// Times of the loop that lets the city live.
const (
	stepEvery  = 100 * time.Millisecond
	flushEvery = 500 * time.Millisecond // the longest a report waits for its batch to fill
	mostBehind = 10 * time.Second       // farther behind (the machine slept), the past is left out
)

// Simulator is a city's parties. Its methods may be called from several goroutines.
type Simulator struct {
	cfg     Config
	log     *slog.Logger
	parties []*party // by index in fleet.Parties; nil where silent
	ready   atomic.Bool
	behind  atomic.Uint64 // how often the past was left out
	cancel  context.CancelFunc
	halt    context.CancelFunc
	living  sync.WaitGroup // the loop
	sending sync.WaitGroup // the parties
	telling sync.WaitGroup // the writer of StatsFile
}

// New returns a Simulator that does nothing until Start.
func New(cfg Config, log *slog.Logger) *Simulator {
	if cfg.City == nil {
		cfg.City = city.Kunming()
	}
	return &Simulator{cfg: cfg, log: log}
}

// Start begins to build the city, to connect and to publish, and returns at
// once. Its error names what in the configuration cannot be.
func (s *Simulator) Start(context.Context) error {
	city := s.fleetConfig()
	if err := city.Validate(); err != nil {
		return fmt.Errorf("cannot simulate: %w", err)
	}
	if s.cfg.Broker == "" {
		return errors.New("cannot simulate: a broker's URL is needed")
	}
	all := fleet.Parties()
	known := 0
	s.parties = make([]*party, len(all))
	for i, p := range all {
		password, ok := s.cfg.Accounts[p.Slug]
		if ok {
			known++
		}
		if ok && (s.cfg.Party == "" || s.cfg.Party == p.Slug) {
			s.parties[i] = newParty(p, s.cfg.Broker, s.cfg.TLS, password, s.log.With("party", p.Slug))
		}
	}
	if s.cfg.Party != "" && s.parties[fleet.PartyIndex(s.cfg.Party)] == nil {
		return fmt.Errorf("cannot simulate: party %s has no password", s.cfg.Party)
	}
	if known == 0 {
		return errors.New("cannot simulate: no party has a password")
	}
	ctx, cancel := context.WithCancel(context.Background())
	halt, stop := context.WithCancel(context.Background())
	s.cancel, s.halt = cancel, stop
	if err := s.tell(); err != nil {
		return fmt.Errorf("cannot write the simulator's figures: %w", err)
	}
	s.telling.Go(func() { s.keepTelling(halt) })
	s.living.Go(func() { s.live(ctx, halt) })
	return nil
}

// Stop ends the city's life, waits until what is on its way is acknowledged or
// ctx is over, and disconnects. Its error says how much was left unacknowledged.
func (s *Simulator) Stop(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	s.living.Wait()
	done := make(chan struct{})
	go func() {
		s.sending.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.halt()
	<-done
	s.telling.Wait()
	err := s.tell()
	if left := s.Stats().pending(); left > 0 {
		return fmt.Errorf("%d reports were not acknowledged", left)
	}
	return err
}

func (s *Simulator) fleetConfig() fleet.Config {
	return fleet.Config{City: s.cfg.City, Seed: s.cfg.Seed, Vehicles: s.cfg.Vehicles, Piles: s.cfg.Piles,
		Start: charge.At(time.Now()), Cadence: s.cfg.Cadence, Party: s.cfg.Party, Faults: s.cfg.Faults}
}

// live builds the city, lets the parties connect, and then lets the city live
// by the wall clock until ctx is over. The parties go on until they have sent
// all or halt is over.
func (s *Simulator) live(ctx, halt context.Context) {
	defer s.closeParties()
	f, err := fleet.New(s.fleetConfig())
	if err != nil {
		s.log.Error("the city could not be built", "err", err)
		return
	}
	s.describe(f)
	for _, p := range s.parties {
		if p != nil {
			s.sending.Go(func() { p.run(halt) })
		}
	}
	s.log.Info("the simulated city lives", "vehicles", s.cfg.Vehicles, "piles", s.cfg.Piles, "broker", s.cfg.Broker)
	s.ready.Store(true)

	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	sink := &sink{parties: s.parties}
	var flushed time.Time
	for {
		select {
		case <-ctx.Done():
			sink.flush()
			return
		case now := <-tick.C:
			to := charge.At(now)
			if to.Sub(f.Now()) > mostBehind {
				s.behind.Add(1)
				f.Step(to.Add(-stepEvery), deaf{})
			}
			f.Step(to, sink)
			if now.Sub(flushed) >= flushEvery {
				sink.flush()
				flushed = now
			}
		}
	}
}

// describe hands each party its master data.
func (s *Simulator) describe(f *fleet.Fleet) {
	for i, st := range f.Stations {
		if p := s.parties[i]; p != nil {
			p.masters.station(st)
		}
	}
	for i, v := range f.Vehicles {
		if p := s.parties[i]; p != nil {
			p.masters.vehicle(v)
		}
	}
}

// closeParties tells the parties that nothing more will come.
func (s *Simulator) closeParties() {
	for _, p := range s.parties {
		if p != nil {
			close(p.queue)
			close(p.closing)
		}
	}
}
