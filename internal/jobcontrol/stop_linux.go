package jobcontrol

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Stop returns when every thread of a child of this process stands still, or when the child
// has ended; an error tells that it had ended before. SIGCONT has it go on.
func Stop(child *os.Process) error {
	if err := child.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		// WNOWAIT leaves the news where it is, and the child's end to who waits for it.
		err := unix.Waitid(unix.P_PID, child.Pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ECHILD): // it has ended meanwhile
			return nil
		default:
			return err
		}
	}
}
