package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/api"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// server is the product's API over a city that reports; the same loop writes the floor.
type server struct {
	city *city
	api  *api.API
	rate int

	mu    sync.Mutex
	mode  string // "push", "floor", or "quiet" for the city alone
	floor *floor
	sent  answer         // by the floor
	busy  sync.WaitGroup // writing the floor
}

// serve is the role of the server. Orders: push, floor (Bytes), quiet, stats,
// profile (on with Addr a file, off without).
func serve(ctx context.Context, c *config) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := &server{city: newCity(c.piles, c.seed, charge.At(time.Now())), rate: c.rate}
	runtime.GC()
	dir := auth.New(auth.Config{}, log, nil)
	dir.Set(s.city.parties, nil)
	cfg := api.Default()
	cfg.Addr, cfg.MaxViewers = "127.0.0.1:0", 19_900
	s.api = api.New(cfg, log, api.Deps{Live: s.city.state, Auth: dir, Instance: "bench"})
	if err := s.api.Start(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.feed(ctx)
	}()
	fmt.Printf("{\"Addr\":%q}\n", s.api.Addr())
	err := heed(s.obey)
	cancel()
	<-done
	stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = s.api.Stop(stop) // the clients are gone; nothing depends on a clean end
	return err
}

func (s *server) obey(o order) (a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch o.Do {
	case "push", "quiet":
		if s.mode == "floor" {
			s.mu.Unlock()
			s.busy.Wait()
			s.mu.Lock()
			if err := s.floor.finish(); err != nil {
				return answer{Error: err.Error()}
			}
		}
		s.mode = o.Do
	case "floor":
		fl, err := newFloor(s.api.Addr(), o.Bytes)
		if err != nil {
			return answer{Error: err.Error()}
		}
		s.mode, s.floor = o.Do, fl
	case "profile":
		if o.Addr == "" {
			pprof.StopCPUProfile()
			break
		}
		f, err := os.Create(o.Addr)
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			return answer{Error: err.Error()}
		}
	case "stats":
		st := s.api.Stats()
		return answer{Sends: st.Sends + s.sent.Sends, Frames: st.Frames + s.sent.Frames, Bytes: st.FrameBytes + s.sent.Bytes,
			Skipped: st.Skipped, Dropped: st.Dropped, Made: st.FramesMade, Open: st.Viewers}
	default:
		return answer{Error: "unknown order " + o.Do}
	}
	return a
}

// feed has the city report and closes a revision each second, as the committer does.
func (s *server) feed(ctx context.Context) {
	const slices = 20
	tick := time.NewTicker(time.Second / slices)
	defer tick.Stop()
	last := uint64(time.Now().Unix())
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		s.city.report(s.rate/slices, charge.At(now))
		if uint64(now.Unix()) == last {
			continue
		}
		last = uint64(now.Unix())
		rev := s.city.state.Tick(last, charge.At(time.Now()))
		s.mu.Lock()
		mode, fl := s.mode, s.floor
		s.mu.Unlock()
		switch mode {
		case "push":
			s.api.Hub().Revision(rev)
		case "floor":
			s.busy.Wait() // two turns must not meet in one socket
			s.busy.Go(func() {
				sent := fl.write()
				s.mu.Lock()
				defer s.mu.Unlock()
				s.sent.Sends += sent.Sends
				s.sent.Frames += sent.Frames
				s.sent.Bytes += sent.Bytes
			})
		}
	}
}
