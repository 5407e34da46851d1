package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// Between launches of a part that keeps ending.
const (
	leastBackOff = 500 * time.Millisecond
	mostBackOff  = 5 * time.Second
)

// child is a part that runs as a process of its own and is launched again when it ends.
type child struct {
	name string
	args []string
	env  []string
	log  *slog.Logger

	cancel  context.CancelFunc
	running sync.WaitGroup
}

func (c *child) start() {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.running.Go(func() {
		backOff := leastBackOff
		for ctx.Err() == nil {
			began := time.Now()
			err := c.once(ctx)
			if ctx.Err() != nil {
				return
			}
			if time.Since(began) > time.Minute {
				backOff = leastBackOff
			}
			c.log.Error("part ended and is launched again", "part", c.name, "err", err, "in", backOff)
			select {
			case <-ctx.Done():
			case <-time.After(backOff):
			}
			backOff = min(2*backOff, mostBackOff)
		}
	})
}

// once runs the process until it ends or ctx does.
func (c *child) once(ctx context.Context) error {
	runtime.LockOSThread() // endWithParent goes by the thread that launches
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, c.args...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 3 * time.Second
	endWithParent(cmd)
	r, w := io.Pipe()
	cmd.Stderr = w
	cmd.Stdout = w
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(r); lines.Scan(); {
			os.Stderr.WriteString(c.name + ": " + lines.Text() + "\n")
		}
		_, _ = io.Copy(io.Discard, r) // after a line that is too long: unread, the child would stand still
	}()
	err = cmd.Run()
	w.Close()
	<-done
	return err
}

func (c *child) stop(context.Context) error {
	c.cancel()
	c.running.Wait()
	return nil
}
