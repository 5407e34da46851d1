package lab

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Process is a program of ours whose output goes to a file.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	err  error // of Wait; valid once done is closed
	over bool  // Stop was called
}

// Launch starts a program without the DIANCHI_ settings of who calls us, but with env.
func Launch(log string, env []string, name string, args ...string) (*Process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &Process{cmd: exec.Command(name, args...), log: log, done: make(chan struct{})}
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

// PID returns the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended reports whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Wait waits until the process has ended by itself and returns an error unless
// it did so cleanly.
func (p *Process) Wait() error {
	<-p.done
	p.over = true
	return p.unclean()
}

// Stop asks the program to end and returns an error unless it does so cleanly.
// A second call does nothing.
func (p *Process) Stop() error {
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
	return p.unclean()
}

// Signal sends the process a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill pulls the plug.
func (p *Process) Kill() {
	p.over = true
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *Process) unclean() error {
	if p.err != nil {
		return fmt.Errorf("%s did not end cleanly: %w; its last words:\n%s", p.cmd.Args[0], p.err, p.Tail())
	}
	return nil
}

// Used returns the CPU time of a process that has ended.
func (p *Process) Used() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Find returns what the first group of re matches in the log, "" when nothing does.
func (p *Process) Find(re *regexp.Regexp) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return ""
	}
	if m := re.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return ""
}

// Tail returns the end of the log.
func (p *Process) Tail() string {
	b, _ := os.ReadFile(p.log) // a log that cannot be read has no last words
	return string(b[max(0, len(b)-2000):])
}
