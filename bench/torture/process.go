package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// programs are the files that the lanes run.
type programs struct{ dianchi, influxd, mosquitto string }

func findPrograms(ctx context.Context, dianchi string) (p programs, err error) {
	if p.influxd, err = filepath.Abs("bin/influxd"); err != nil {
		return p, err
	}
	if _, err := os.Stat(p.influxd); err != nil {
		return p, fmt.Errorf("there is no bin/influxd here; run `make influxd` in the root of the source tree")
	}
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
		if file, err := exec.LookPath(name); err == nil {
			p.mosquitto = file
		}
	}
	if p.mosquitto == "" {
		return p, fmt.Errorf("mosquitto is not installed; run: make deps-test")
	}
	if p.dianchi = dianchi; dianchi != "" {
		return p, nil
	}
	if p.dianchi, err = filepath.Abs("bin/dianchi"); err != nil {
		return p, err
	}
	say("building bin/dianchi")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", p.dianchi, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return p, fmt.Errorf("cannot build the program: %w: %s", err, out)
	}
	return p, nil
}

// process is a program that is killed and launched again. When it ends without
// our doing it is launched again after a second, as a service manager would.
type process struct {
	name string
	path string
	args []string
	env  []string
	log  string
	log2 *events
	lane string

	before func() error // each launch; may be nil

	mu       sync.Mutex
	cmd      *exec.Cmd
	gone     chan struct{} // closed when cmd has ended
	wanted   bool
	over     bool
	launches int
	selfEnds int // ends without our doing
}

// launcher starts processes from one thread that never ends: the kernel ties
// Pdeathsig to the thread that starts a child.
var launcher = sync.OnceValue(func() chan func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// start launches the process, unless it lives.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = true
	return p.launch()
}

func (p *process) launch() error {
	if p.cmd != nil || p.over {
		return nil
	}
	if p.before != nil {
		if err := p.before(); err != nil {
			return err
		}
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "DIANCHI_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(cmd.Env, p.env...)
	started := make(chan error)
	launcher() <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return err
	}
	p.launches++
	p.cmd, p.gone = cmd, make(chan struct{})
	go p.wait(cmd, p.gone)
	return nil
}

func (p *process) wait(cmd *exec.Cmd, gone chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = nil
	close(gone)
	if !p.wanted || p.over {
		return
	}
	p.selfEnds++
	p.log2.add(p.lane, "%s ended by itself: %v", p.name, err)
	time.AfterFunc(time.Second, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wanted {
			if err := p.launch(); err != nil {
				p.log2.add(p.lane, "%s cannot be launched: %v", p.name, err)
			}
		}
	})
}

// kill ends the process with SIGKILL and returns when it is gone.
func (p *process) kill() { p.halt(syscall.SIGKILL) }

func (p *process) halt(sig syscall.Signal) {
	p.mu.Lock()
	p.wanted = false
	cmd, gone := p.cmd, p.gone
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(sig) // it may be gone already
	_ = cmd.Process.Signal(syscall.SIGCONT)
	select {
	case <-gone:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		<-gone
	}
}

// end stops the process for good.
func (p *process) end() {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.halt(syscall.SIGTERM)
}

// signal sends sig if the process lives.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sig) // it may be gone already
	}
}

func (p *process) counts() (launches, selfEnds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.launches, p.selfEnds
}

// freePort returns a port of the loopback that is free now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
