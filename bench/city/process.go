package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// process is a program of ours whose output goes to a file.
type process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // of Wait; valid once done is closed
	over bool  // stop was called
}

// launch starts a program without the DIANCHI_ settings of who calls us, but with env.
func launch(log string, env []string, name string, args ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command(name, args...), log: log, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DIANCHI_") {
			p.cmd.Env = append(p.cmd.Env, e)
		}
	}
	p.cmd.Env = append(p.cmd.Env, env...)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the program to end and returns an error unless it does so cleanly.
// A second call does nothing.
func (p *process) stop() error {
	if p.over {
		return nil
	}
	p.over = true
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // if it is gone, done says so
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if p.err != nil {
		return fmt.Errorf("%s did not end cleanly: %w; its last words:\n%s", p.cmd.Args[0], p.err, p.tail())
	}
	return nil
}

// find returns what the first group of re matches in the log, "" when nothing does.
func (p *process) find(re *regexp.Regexp) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	if m := re.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return ""
}

func (p *process) tail() string {
	b, _ := os.ReadFile(p.log) // a log that cannot be read has no last words
	return string(b[max(0, len(b)-2000):])
}
