package client

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// session is one of a client's, from established on. One goroutine reads and one writes;
// both end with it.
type session struct {
	client  *Client
	wire    *wire
	address string
	number  uint64 // among the client's, from 1
	id      string // LIME's
	node    lime.Node
	server  lime.Node
	out     *outbox
	proofs  proofs
	running sync.WaitGroup

	held atomic.Int64 // since when nothing is read, because the queue is full: a wire.heard.age; 0 while it is
	open atomic.Bool  // publications may be sent: what comes first was said

	done chan struct{} // closed when it has ended

	mu       sync.Mutex
	cause    error // why it has ended
	farewell ws.StatusCode
	calls    map[string]call // requests without an answer, by id

	// Owned by the reader.
	header lime.Header

	// Owned by the writer.
	turn   bool  // of fill: who is first
	pinged int64 // when something was last heard, at the last ping; negative before that
}

// begin starts a session that was established.
func (c *Client) begin(w *wire, a address, established *lime.Session, proposed lime.Node) *session {
	done := make(chan struct{})
	s := &session{
		client: c, wire: w, address: a.text, number: c.sessions, id: established.ID, node: established.To, server: established.From,
		out: newOutbox(w, &c.cfg, done), done: done, calls: map[string]call{}, pinged: -1,
	}
	if s.node.IsZero() { // some servers leave it out
		s.node = proposed
	}
	if w.frames != nil {
		w.frames.control = s.control
	}
	w.heard.note()
	s.running.Go(s.read)
	s.running.Go(s.write)
	return s
}

// end ends the session for the first cause. Over WebSocket the last word is a Close frame
// with a code, 0 for none.
func (s *session) end(cause error, farewell ws.StatusCode) {
	s.mu.Lock()
	if s.cause != nil {
		s.mu.Unlock()
		return
	}
	s.cause, s.farewell = cause, farewell
	s.mu.Unlock()
	s.out.close(s.lost())
	close(s.done)
	// These wake who reads or writes; that the connection has ended already is fine.
	_ = s.wire.heard.SetReadDeadline(time.Unix(1, 0))
	_ = s.wire.heard.SetWriteDeadline(time.Now().Add(farewellTime))
}

// why is the cause of the end; nil before.
func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// lost is for who waits for an answer in a session that has ended.
func (s *session) lost() error {
	if cause := s.why(); !errors.Is(cause, ErrClosed) {
		return fmt.Errorf("%w: %w", ErrLost, cause)
	}
	return ErrClosed
}

// read takes what comes until the end.
func (s *session) read() {
	for {
		b, err := s.wire.in.next()
		if err == nil {
			err = s.take(b)
		}
		if err != nil {
			s.end(err, farewellTo(err))
			return
		}
	}
}

// farewellTo is the code of the Close frame for an end: RFC 6455, section 7.4.1.
func farewellTo(err error) ws.StatusCode {
	switch {
	case errors.As(err, new(*SessionError)), errors.Is(err, ErrClosed):
		return ws.StatusNormalClosure
	case errors.Is(err, ErrTooLong):
		return ws.StatusMessageTooBig
	case errors.Is(err, ErrProtocol):
		return ws.StatusProtocolError
	}
	return 0
}

// hold notes that the reader waits for room, or no longer does.
func (s *session) hold(waits bool) {
	if !waits {
		s.held.Store(0)
		return
	}
	s.held.Store(int64(max(s.wire.heard.age(), 1)))
	s.out.ring() // who looks after the silence looks again
}

// heldFor is for how long nothing was read; 0 while it is.
func (s *session) heldFor() time.Duration {
	since := time.Duration(s.held.Load())
	if since == 0 {
		return 0
	}
	return max(s.wire.heard.age()-since, 1)
}

// owed tells whether somebody waits for an answer of the server's.
func (s *session) owed() bool {
	s.mu.Lock()
	calls := len(s.calls)
	s.mu.Unlock()
	return calls > 0 || s.client.publications.waiting() || s.client.requests.waiting()
}

// take takes an envelope, which it borrows.
func (s *session) take(b []byte) error {
	h := &s.header
	if _, err := h.Scan(b); err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	switch h.Kind {
	case lime.KindMessage:
		return s.takeMessage(b)
	case lime.KindNotification:
		return s.takeNotification(b)
	case lime.KindCommand:
		return s.takeCommand(b)
	case lime.KindSession:
		return s.takeSession(b)
	}
	s.client.drop(DropMalformed)
	return nil
}

// takeSession takes the server's last word: there is no other once a session is
// established (L-FIN-06).
func (s *session) takeSession(b []byte) error {
	word, err := lime.DecodeSession(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if !word.State.Ended() {
		return fmt.Errorf("%w: %s once the session is established", ErrProtocol, word.State)
	}
	return &SessionError{During: lime.StateEstablished, State: word.State, Reason: word.Reason}
}

// control takes a frame of WebSocket's own.
func (s *session) control(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		return s.proofs.ask(func() func() error {
			payload := append([]byte(nil), payload...)
			return func() error { return s.out.control(ws.OpPong, payload) }
		})
	case ws.OpClose:
		return closed(payload)
	}
	return nil // a pong has been heard
}

// await waits for both goroutines.
func (s *session) await() {
	<-s.done
	s.running.Wait()
}
