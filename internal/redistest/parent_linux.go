package redistest

import (
	"os/exec"
	"syscall"
)

// endWithParent makes the process end when the test binary is killed or times
// out, so that no server is left behind.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
