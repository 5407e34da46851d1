package influxd

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestKilledChildIsReadyAgainInTenSeconds(t *testing.T) {
	cfg := testConfig(t)
	d := start(t, cfg)
	waitFor(t, "ready", 30*time.Second, d.Ready)
	for range 2 {
		pid := d.Stats().PID
		syscall.Kill(pid, syscall.SIGKILL)
		waitFor(t, "ready again", 10*time.Second, func() bool { return d.Ready() && d.Stats().PID != pid })
	}
	if n := d.Stats().Launches; n != 3 {
		t.Errorf("launches = %d, want 3", n)
	}
}

func TestHungChildIsReplaced(t *testing.T) {
	cfg := testConfig(t)
	cfg.StopGrace = 200 * time.Millisecond
	d := New(cfg, slog.New(slog.DiscardHandler))
	d.hang = time.Second
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Stop(context.Background()) })
	waitFor(t, "ready", 30*time.Second, d.Ready)
	pid := d.Stats().PID
	syscall.Kill(pid, syscall.SIGSTOP)
	waitFor(t, "another one ready", 30*time.Second, func() bool { return d.Ready() && d.Stats().PID != pid })
	if pids := living(cfg.Dir); len(pids) != 1 {
		t.Errorf("living: %v", pids)
	}
}

func TestOneInfluxdThroughKillsOfThePlatform(t *testing.T) {
	cfg := testConfig(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stop, most := make(chan struct{}), make(chan int, 1)
	go func() {
		m := 0
		for {
			select {
			case <-stop:
				most <- m
				return
			default:
				m = max(m, len(living(cfg.Dir)))
				time.Sleep(2 * time.Millisecond)
			}
		}
	}()
	for i := range 12 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), asPlatform+"="+cfg.Dir, "DIANCHI_INFLUXD="+cfg.BinPath)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i*i*20+5) * time.Millisecond) // from before the launch to after readiness
		cmd.Process.Kill()
		cmd.Wait()
	}
	d := start(t, cfg)
	waitFor(t, "ready", 30*time.Second, d.Ready)
	close(stop)
	if m := <-most; m != 1 {
		t.Errorf("up to %d influxd lived at once, want 1", m)
	}
	if pids := living(cfg.Dir); len(pids) != 1 || pids[0] != d.Stats().PID {
		t.Errorf("living %v, want %d alone", pids, d.Stats().PID)
	}
}

func TestAdoption(t *testing.T) {
	cfg := testConfig(t)
	first := New(cfg, slog.New(slog.DiscardHandler))
	err := os.MkdirAll(cfg.Dir, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if first.password, err = loadPassword(first.path("password")); err != nil {
		t.Fatal(err)
	}
	lock, err := takeLock(first.path("influxd.lock"))
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	runtime.LockOSThread() // Pdeathsig follows the thread
	defer runtime.UnlockOSThread()
	p, cmd, err := first.launch(cfg.BinPath, lock)
	lock.Close()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	d := start(t, cfg)
	waitFor(t, "ready", 30*time.Second, d.Ready)
	if s := d.Stats(); s.PID != p.pid || s.Adopted != 1 || s.Launches != 0 {
		t.Fatalf("stats = %+v, want pid %d adopted", s, p.pid)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the adopted influxd outlived Stop")
	}
}
