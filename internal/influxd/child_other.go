//go:build !linux

package influxd

import "syscall"

// childAttr puts influxd into a process group of its own. Without Pdeathsig it
// outlives us and the next start adopts it.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
