package e2e

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the process end when the test binary is killed or times
// out, so that nothing is left behind.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
