//go:build unix && !linux

package jobcontrol

import (
	"os"
	"syscall"
)

// Stop asks a child of this process to stand still. Here nothing tells when it does.
func Stop(child *os.Process) error { return child.Signal(syscall.SIGSTOP) }
