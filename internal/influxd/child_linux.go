package influxd

import "syscall"

// childAttr makes the kernel send SIGTERM to influxd when we die, so that it
// closes in order and the next start needs no replay; a group of its own keeps the
// terminal's Ctrl-C away from it, for its turn to stop comes after the writer's.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
