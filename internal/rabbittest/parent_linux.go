package rabbittest

import (
	"os/exec"
	"syscall"
)

// endWithParent gives a process a group of its own, and has it end when the test binary is
// killed or times out, so that no server is left behind.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// kill ends the process and those that it has started.
func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // it may have ended
