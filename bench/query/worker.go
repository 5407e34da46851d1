package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// worker is this program in another role. It is told what to do by lines of
// JSON, answers each with one, and ends when its standard input does.
type worker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// order is one line to a worker.
type order struct {
	// To the clients.
	Kind    string // http, fixed, live, fixed-live, geo or full
	Addr    string
	Filter  string // of the query string, or members of the message
	Seconds float64
	Clients int

	// To the server: what the fixed answers are to be as large as, in bytes.
	Body int
}

// reply is one line from a worker.
type reply struct {
	Error string

	// Of the server.
	Addr, Bare string

	// Of the clients.
	Answers, Bytes int
	Short          int     // answers with fewer than ten stations
	Seconds        float64 // that it took
	P50, P99       float64 // milliseconds
	Body           int     // bytes of a usual answer's body

	Inside []insideRow `json:",omitempty"`
}

func self(ctx context.Context, c *config, role string, more ...string) (*worker, reply, error) {
	me, err := os.Executable()
	if err != nil {
		return nil, reply{}, err
	}
	args := []string{"--role", role, "--rate", fmt.Sprint(c.rate), "--rounds", fmt.Sprint(c.rounds)}
	w := &worker{cmd: exec.CommandContext(ctx, me, append(args, more...)...)}
	w.cmd.Stderr = os.Stderr
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, reply{}, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, reply{}, err
	}
	w.out = bufio.NewReader(out)
	if err := w.cmd.Start(); err != nil {
		return nil, reply{}, err
	}
	hello, err := w.read() // it says that it is there
	if err != nil {
		w.stop()
	}
	return w, hello, err
}

func (w *worker) read() (a reply, err error) {
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return a, fmt.Errorf("%s ended: %w", w.cmd.Args[0], err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%.200q: %w", line, err)
	}
	if a.Error != "" {
		err = errors.New(a.Error)
	}
	return a, err
}

func (w *worker) do(o order) (reply, error) {
	b, _ := json.Marshal(o) // it is numbers and strings
	if _, err := w.in.Write(append(b, '\n')); err != nil {
		return reply{}, err
	}
	return w.read()
}

// stop ends the process, by force when it does not heed.
func (w *worker) stop() {
	_ = w.in.Close()
	kill := time.AfterFunc(20*time.Second, func() { _ = w.cmd.Process.Kill() })
	_ = w.cmd.Wait() // what it has to say it said before
	kill.Stop()
}

// heed says hello, then answers orders until standard input ends.
func heed(hello reply, do func(order) reply) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	if err := out.Encode(hello); err != nil {
		return err
	}
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
