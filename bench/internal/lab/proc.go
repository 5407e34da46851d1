package lab

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// ticksPerSecond is the unit of CPU times in /proc, USER_HZ of proc(5).
const ticksPerSecond = 100

// Usage is what a process has used since it began, and its memory now.
type Usage struct {
	CPU     float64 // seconds
	RSS     uint64  // bytes now
	Peak    uint64  // bytes at most, ever
	Written uint64  // bytes that it made the disk write
}

// UsageOf reads it from /proc.
func UsageOf(pid int) (u Usage, err error) {
	dir := "/proc/" + strconv.Itoa(pid)
	b, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return u, err
	}
	if u.CPU, err = cpuOf(string(b)); err != nil {
		return u, err
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return u, err
	}
	u.RSS, u.Peak = field(string(status), "VmRSS:")<<10, field(string(status), "VmHWM:")<<10
	io, err := os.ReadFile(dir + "/io")
	if err != nil {
		return u, err
	}
	u.Written = field(string(io), "write_bytes:")
	return u, nil
}

// cpuOf returns the seconds of user and system time in a line of /proc/PID/stat.
func cpuOf(stat string) (float64, error) {
	if i := strings.LastIndexByte(stat, ')'); i >= 0 { // the name before it may hold blanks
		if f := strings.Fields(stat[i+1:]); len(f) > 12 {
			user, err1 := strconv.ParseUint(f[11], 10, 64) // fields 14 and 15
			sys, err2 := strconv.ParseUint(f[12], 10, 64)
			if err1 == nil && err2 == nil {
				return float64(user+sys) / ticksPerSecond, nil
			}
		}
	}
	return 0, fmt.Errorf("cannot read %q as /proc/PID/stat", stat)
}

// field returns the number after a name that begins a line, 0 when there is none.
func field(text, name string) uint64 {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// Busy returns the seconds of CPU that the whole machine has used, and those
// that its host took from it.
func Busy() (used, stolen float64, err error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	f := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(f) < 9 {
		return 0, 0, fmt.Errorf("cannot read %q as /proc/stat", line)
	}
	for i, s := range f[1:9] {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, 0, err
		}
		switch i {
		case 3, 4: // idle and waiting for the disk
		case 7:
			stolen += n / ticksPerSecond
		default:
			used += n / ticksPerSecond
		}
	}
	return used, stolen, nil
}

// ThisMachine is one line that says on what was measured, and which commit.
func ThisMachine() string {
	model := "unknown CPU"
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if name, v, ok := strings.Cut(sc.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	mem, _ := os.ReadFile("/proc/meminfo")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	return fmt.Sprintf("%s, %d cores, %.1f GiB, Linux %s, %s, Dianchi %s", model, runtime.NumCPU(),
		float64(field(string(mem), "MemTotal:"))/(1<<20), strings.TrimSpace(string(kernel)), runtime.Version(),
		strings.TrimSpace(string(commit)))
}
