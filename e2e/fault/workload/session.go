package workload

import (
	"sync"

	"github.com/gobwas/ws"

	"limegrove/e2e/fault/history"
	"limegrove/lime"
)

// session is one of a client's. Its reader records what comes; the client's own
// goroutine sends.
type session struct {
	client *client
	name   string // in the history
	id     string // LIME's
	edge   int
	wire   *wire
	gone   chan struct{} // closed when nothing is read any more

	again chan struct{} // holds one: something has failed and is to be sent again

	// Owned by the reader.
	header lime.Header
	texts  int

	mu       sync.Mutex
	over     bool          // Ended was recorded: nothing counts any more
	leaving  bool          // the client wants to be away
	replaced bool          // by one of the client's own
	there    bool          // it is available
	stalled  chan struct{} // closed when reading goes on; nil while it does
}

// end records the end of the session and closes its connection, unless it is abandoned.
func (s *session) end(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.over = true
	switch {
	case s.replaced:
		why = history.Replaced
	case s.leaving: // the server may say that it has finished before the client has recorded so
		why = history.Left
	}
	s.client.workload.record(history.Event{Kind: history.Ended, Session: s.name, Text: why})
	if s.there {
		s.client.workload.count(-1, 0)
	}
	s.client.out.left(s)
	if s.stalled != nil {
		close(s.stalled)
	}
	if why != history.Abandoned {
		s.wire.close()
	}
}

// record records an event of the session unless that is over.
func (s *session) record(e history.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	e.Session = s.name
	s.client.workload.record(e)
	return true
}

// write sends an envelope; an error is the end.
func (s *session) write(op ws.OpCode, b []byte) {
	if err := s.wire.write(op, b); err != nil {
		s.end(history.Cut)
	}
}

// stall stops the reading.
func (s *session) stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over && s.stalled == nil {
		s.stalled = make(chan struct{})
	}
}

// goOn ends a stall.
func (s *session) goOn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled != nil && !s.over {
		close(s.stalled)
		s.stalled = nil
	}
}

// pass waits while the reading is stopped.
func (s *session) pass() {
	s.mu.Lock()
	stalled := s.stalled
	s.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
}

// read reads until the end.
func (s *session) read() {
	defer close(s.gone)
	for {
		s.pass()
		op, payload, err := s.wire.read()
		s.pass() // what came during a stall was not read yet, for all that others can see
		switch {
		case err != nil:
			s.end(history.Cut)
			return
		case op == ws.OpPing:
			if !s.isOver() {
				s.write(ws.OpPong, payload)
			}
		case op == ws.OpClose:
			s.end(history.Cut)
			return
		case op == ws.OpText:
			s.envelope(payload)
		}
		if s.isOver() {
			return
		}
	}
}

func (s *session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}
