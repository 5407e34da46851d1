package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// worker is a process that is told what to do by lines of JSON, and answers
// each with one. It ends when its standard input does.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// order is one line to a worker.
type order struct {
	Do      string // see serve, clients and the peer
	N       int
	Bytes   int
	Seconds float64
	Addr    string
	Peer    bool
}

// answer is one line from a worker; each order has its own members.
type answer struct {
	Error string
	Addr  string

	// Of the server.
	Sends, Frames, Bytes, Skipped, Dropped, Made uint64

	// Of the clients.
	Messages, Wire uint64
	P50, P99, Max  float64 // milliseconds
	Open           int
	Lost           int
}

func startWorker(ctx context.Context, name string, args ...string) (*worker, answer, error) {
	w := &worker{cmd: exec.CommandContext(ctx, name, args...)}
	w.cmd.Stderr = os.Stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, answer{}, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, answer{}, err
	}
	w.out = bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		return nil, answer{}, err
	}
	a, err := w.read() // it says that it is there
	if err != nil {
		w.stop()
	}
	return w, a, err
}

// self starts this program in another role.
func self(ctx context.Context, c *config, role string, more ...string) (*worker, answer, error) {
	me, err := os.Executable()
	if err != nil {
		return nil, answer{}, err
	}
	args := []string{"--role", role, "--viewers", fmt.Sprint(c.viewers), "--pan", c.pan.String(), "--rate", fmt.Sprint(c.rate),
		"--piles", fmt.Sprint(c.piles), "--seed", fmt.Sprint(c.seed), fmt.Sprintf("--plain=%v", c.plain)}
	return startWorker(ctx, me, append(args, more...)...)
}

func (w *worker) read() (a answer, err error) {
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("%s ended: %w", w.cmd.Args[0], err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%.200q: %w", line, err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s", a.Error)
	}
	return a, nil
}

// do gives one order and returns the answer.
func (w *worker) do(o order) (answer, error) {
	b, _ := json.Marshal(o)
	if _, err := w.in.Write(append(b, '\n')); err != nil {
		return answer{}, err
	}
	return w.read()
}

func (w *worker) usage() (lab.Usage, error) { return lab.UsageOf(w.cmd.Process.Pid) }

// stop ends the process, by force when it does not heed.
func (w *worker) stop() {
	_ = w.in.Close()
	kill := time.AfterFunc(20*time.Second, func() { _ = w.cmd.Process.Kill() })
	_ = w.cmd.Wait() // what it has to say it said before
	kill.Stop()
}

// heed reads orders from standard input and answers them until it ends.
func heed(do func(order) answer) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := in.Decode(&o); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(do(o)); err != nil {
			return err
		}
	}
}
