package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// peer has the centrifuge library publish what was recorded, over and over, to
// viewers that look at the same and move as often.
func peer(ctx context.Context, c *config, tr *trace, r *report) error {
	dir, err := os.MkdirTemp("", "push-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lab.Say("building the program of the centrifuge library")
	program, file := filepath.Join(dir, "peer"), filepath.Join(dir, "trace.json")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	build.Dir = filepath.Join("bench", "push", "centrifuge")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build it: %w: %s", err, out)
	}
	b, err := json.Marshal(tr.revs)
	if err == nil {
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return err
	}
	server, at, err := startWorker(ctx, program, file)
	if err != nil {
		return err
	}
	clients, _, err := self(ctx, c, "clients")
	if err != nil {
		server.stop()
		return err
	}
	p := &bed{server, clients}
	defer p.stop()
	if err := all(clients, order{Do: "open", N: c.viewers, Addr: at.Addr, Peer: true}, order{Do: "see"}, order{Do: "move"}); err != nil {
		return err
	}
	lab.Say("centrifuge: push")
	w, err := p.measure(ctx, min(c.duration, time.Minute))
	if err != nil {
		return err
	}
	r.peer = turns{w}
	return nil
}
