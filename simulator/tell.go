package simulator

import (
	"context"
	"encoding/json"
	"os"
	"time"
)

const tellEvery = time.Second

// keepTelling keeps StatsFile up to date until halt is over.
func (s *Simulator) keepTelling(halt context.Context) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-halt.Done():
			return
		case <-tick.C:
		}
		err := s.tell()
		if err != nil && !failed {
			s.log.Warn("the simulator's figures cannot be written", "err", err)
		}
		failed = err != nil
	}
}

// tell writes Stats to StatsFile, whole or not at all.
func (s *Simulator) tell() error {
	if s.cfg.StatsFile == "" {
		return nil
	}
	b, err := json.Marshal(s.Stats())
	if err != nil {
		return err
	}
	tmp := s.cfg.StatsFile + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, s.cfg.StatsFile)
}
