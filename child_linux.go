package main

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the kernel end the child when we are killed.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
