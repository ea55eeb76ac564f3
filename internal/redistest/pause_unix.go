//go:build unix

package redistest

import (
	"os"
	"syscall"

	"limegrove/internal/jobcontrol"
)

// Pause makes the process stand still: connections stay, and nothing is answered from when
// Pause returns.
func (s *Server) Pause() { s.child("stop", jobcontrol.Stop) }

// Resume ends a Pause.
func (s *Server) Resume() {
	s.child("continue", func(child *os.Process) error { return child.Signal(syscall.SIGCONT) })
}

func (s *Server) child(what string, do func(*os.Process) error) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := do(s.run.cmd.Process); err != nil {
		s.t.Fatalf("%s redis-server: %v", what, err)
	}
}
