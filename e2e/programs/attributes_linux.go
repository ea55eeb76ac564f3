package programs

import "syscall"

// Attributes make a process end with this one, and keep a terminal's signals from it.
func Attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
