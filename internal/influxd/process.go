package influxd

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// logBound is the size in bytes at which influxd's log is put aside; one older
// file is kept.
const logBound = 8 << 20

// takeLock locks the folder for one influxd. A nil file without an error means
// that one lives. The lock belongs to the open file, so a child that inherits it
// holds it until it ends, whatever becomes of us.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock of InfluxDB: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("cannot lock the folder of InfluxDB: %w", err)
}

// freePort returns want if it is free on the loopback, else a port that is.
func freePort(want int) (int, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", want))
	if err != nil && want != 0 {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return 0, fmt.Errorf("cannot find a free port for InfluxDB: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// place is what is kept of a launched influxd, so that a later start finds it.
type place struct {
	port, pid int
	born      string // start time as the kernel tells it, against reused pids; "" where it does not
}

func (d *Daemon) loadPlace() (p place) {
	b, err := os.ReadFile(d.path("influxd.pid"))
	if err != nil {
		return place{}
	}
	fmt.Sscanf(string(b), "port=%d pid=%d born=%s", &p.port, &p.pid, &p.born)
	return p
}

func (d *Daemon) savePlace(p place) error {
	return writeFile(d.path("influxd.pid"), fmt.Sprintf("port=%d pid=%d born=%s\n", p.port, p.pid, p.born))
}

// signal sends sig to the process, if it still is the one that was launched.
func (p place) signal(sig syscall.Signal) {
	if p.pid > 1 && bornAt(p.pid) == p.born {
		syscall.Kill(p.pid, sig)
	}
}

// bornAt returns the start time of a process in the kernel's ticks, "" if unknown.
func bornAt(pid int) string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	s := string(b)
	if i := strings.LastIndexByte(s, ')'); i >= 0 { // the name before it may hold blanks
		if f := strings.Fields(s[i+1:]); len(f) > 19 {
			return f[19] // field 22 of proc_pid_stat(5)
		}
	}
	return ""
}

// launch starts influxd with the lock in its hands. It must be called from a
// goroutine that is bound to its thread: Pdeathsig follows the thread.
func (d *Daemon) launch(bin string, lock *os.File) (place, *exec.Cmd, error) {
	port, err := freePort(d.loadPlace().port)
	if err != nil {
		return place{}, nil, err
	}
	if err := writeFile(d.path("influxd.conf"), d.conf(port)); err != nil {
		return place{}, nil, fmt.Errorf("cannot write the configuration of InfluxDB: %w", err)
	}
	if err := sealWAL(d.path("wal")); err != nil {
		return place{}, nil, err
	}
	p := place{port: port}
	if err := d.savePlace(p); err != nil {
		return place{}, nil, fmt.Errorf("cannot write the place of InfluxDB: %w", err)
	}
	rotate(d.path("influxd.log"))
	out, err := os.OpenFile(d.path("influxd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return place{}, nil, fmt.Errorf("cannot open the log of InfluxDB: %w", err)
	}
	defer out.Close()

	cmd := exec.Command(bin, "run", "-config", d.path("influxd.conf"))
	cmd.Dir = d.cfg.Dir
	cmd.Env = []string{
		"HOME=" + d.path("."), "PATH=" + os.Getenv("PATH"),
		"GOMEMLIMIT=" + strconv.FormatUint(sizesFor(d.memory()).limit, 10),
	}
	cmd.Stdout, cmd.Stderr = out, out // a file, not a pipe: it outlives us
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = childAttr()
	if err := cmd.Start(); err != nil {
		return place{}, nil, fmt.Errorf("cannot start %s: %w", bin, err)
	}
	p.pid, p.born = cmd.Process.Pid, bornAt(cmd.Process.Pid)
	if err := d.savePlace(p); err != nil {
		d.log.Warn("the pid of InfluxDB could not be kept", "err", err)
	}
	return p, cmd, nil
}

// watchLock returns a channel that closes once no influxd holds the lock.
func (d *Daemon) watchLock(stop <-chan struct{}) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		for {
			if f, err := takeLock(d.path("influxd.lock")); f != nil || err != nil {
				if f != nil {
					f.Close()
				}
				close(gone)
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return gone
}

// rotate puts the log at path aside once it has reached its bound. The writer
// appends, so cutting the file under it is safe; what it writes between the copy
// and the cut is lost.
func rotate(path string) {
	st, err := os.Stat(path)
	if err != nil || st.Size() < logBound {
		return
	}
	in, err := os.Open(path)
	if err != nil {
		return
	}
	defer in.Close()
	out, err := os.OpenFile(path+".1", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, err = io.Copy(out, io.LimitReader(in, 2*logBound))
	if errors.Join(err, out.Close()) == nil {
		os.Truncate(path, 0)
	}
}
