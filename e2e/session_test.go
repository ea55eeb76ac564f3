package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
)

// session is one side of a dialogue. Its methods fail the test; what they want is
// the text of the failure.
type session struct {
	t      testing.TB
	client Client
	node   string // as the server announced it
	server string // the server's node

	mu    sync.Mutex
	calls int
	inbox []Envelope    // that nobody has asked for yet
	gone  bool          // the connection has ended
	more  chan struct{} // closed and replaced when something comes
}

// dial makes a session that is not logged in.
func dial(t testing.TB, lib library) *session {
	s := &session{t: t, more: make(chan struct{})}
	s.client = lib(t, s)
	return s
}

// guest logs a guest in at an edge. The node is given without the domain.
func guest(t testing.TB, lib library, at *edge, node string) *session {
	t.Helper()
	return login(t, lib, at, node, "")
}

// login logs in at an edge and wants a session, which does not hear of accepted and
// dispatched: most scenarios have nothing to do with them.
func login(t testing.TB, lib library, at *edge, node, password string) *session {
	t.Helper()
	s := dial(t, lib)
	answer := s.login(at, node, password)
	if answer.State != "established" {
		t.Fatalf("%s logs in at %s: %s", node, at.name, answer)
	}
	s.setReceipts("failed", "received", "consumed")
	return s
}

// setReceipts chooses the events that the session hears of.
func (s *session) setReceipts(events ...string) {
	s.t.Helper()
	answer := s.call(Envelope{
		Method: "set", URI: "/receipt", Type: "application/vnd.lime.receipt+json", Resource: map[string]any{"events": events},
	})
	if answer.Status != "success" {
		s.t.Fatalf("%s chooses receipts: %s", s.node, answer)
	}
}

// refused tries to log in and wants to be told a reason why not.
func refused(t testing.TB, lib library, at *edge, node, password string) Reason {
	t.Helper()
	answer := dial(t, lib).login(at, node, password)
	if answer.State != "failed" || answer.Reason == nil {
		t.Fatalf("%s tries to log in at %s: %s", node, at.name, answer)
	}
	return *answer.Reason
}

func (s *session) login(at *edge, node, password string) Envelope {
	s.t.Helper()
	name, instance, _ := strings.Cut(node, "/")
	return s.loginAs(at, Login{Identity: name + "@" + domain, Instance: instance, Password: password})
}

func (s *session) loginAs(at *edge, who Login) Envelope {
	s.t.Helper()
	answer, err := s.client.Login(at.url, who)
	if err != nil {
		s.t.Fatalf("%s logs in at %s: %v", who.Identity, at.name, err)
	}
	s.node, s.server = answer.To, answer.From
	return answer
}

// identity is the session's node without the instance.
func (s *session) identity() string {
	identity, _, _ := strings.Cut(s.node, "/")
	return identity
}

// nameOf is the name of a session's identity.
func nameOf(s *session) string {
	name, _, _ := strings.Cut(s.node, "@")
	return name
}

func (s *session) send(e Envelope) {
	s.t.Helper()
	if err := s.client.Send(e); err != nil {
		s.t.Fatalf("%s sends %s: %v", s.node, e, err)
	}
}

// call sends a command and returns the response. It gives the command its id.
func (s *session) call(e Envelope) Envelope {
	s.t.Helper()
	s.mu.Lock()
	s.calls++
	e.ID = fmt.Sprintf("call-%d", s.calls)
	s.mu.Unlock()
	answer, err := s.client.Call(e)
	if err != nil {
		s.t.Fatalf("%s asks %s: %v", s.node, e, err)
	}
	if answer.ID != e.ID || answer.Method != e.Method || answer.To != s.node || answer.URI != "" { // L-CMD-01, L-CMD-02
		s.t.Fatalf("%s asks %s and gets %s", s.node, e, answer)
	}
	return answer
}

// get reads a resource of the server.
func (s *session) get(uri string) Envelope { return s.call(Envelope{Method: methodGet, URI: uri}) }

// finish ends the session in peace.
func (s *session) finish() {
	s.t.Helper()
	answer, err := s.client.Finish()
	if err != nil || answer.State != "finished" {
		s.t.Fatalf("%s finishes: %s, %v", s.node, answer, err)
	}
}

// want waits for an envelope that matches and takes it out of what has come, wherever
// in the order it is.
func (s *session) want(what string, match func(Envelope) bool) Envelope {
	s.t.Helper()
	return s.wantWithin(what, patience, match)
}

func (s *session) wantWithin(what string, within time.Duration, match func(Envelope) bool) Envelope {
	s.t.Helper()
	late := time.After(within)
	for {
		e, found, more := s.find(match)
		if found {
			return e
		}
		select {
		case <-more:
		case <-late:
			s.t.Fatalf("%s: not within %s; %s has got %v", what, within, s.node, s.received())
		}
	}
}

func (s *session) find(match func(Envelope) bool) (e Envelope, found bool, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range s.inbox {
		if match(e) {
			s.inbox = append(s.inbox[:i:i], s.inbox[i+1:]...)
			return e, true, nil
		}
	}
	return Envelope{}, false, s.more
}

// wantText waits for a message with a text.
func (s *session) wantText(what, content string) Envelope {
	s.t.Helper()
	return s.want(what, func(e Envelope) bool { return e.Content == content })
}

// wantFailed waits until a message is said to have failed.
func (s *session) wantFailed(what, id string, code lime.Code) Envelope {
	s.t.Helper()
	return s.want(what, func(e Envelope) bool { return e.ID == id && e.failedFor(code) })
}

// wantEnd waits for the server's last word and for the end of the connection.
func (s *session) wantEnd(what, state string) Envelope {
	s.t.Helper()
	e := s.want(what, func(e Envelope) bool { return e.State == state })
	eventually(s.t, what+": the connection ends", patience, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.gone {
			return fmt.Errorf("%s is connected", s.node)
		}
		return nil
	})
	return e
}

// wantNothingElse wants that nothing has come that was not asked for. What was sent
// before is known to have had its effect.
func (s *session) wantNothingElse(what string) {
	s.t.Helper()
	if rest := s.received(); len(rest) > 0 {
		s.t.Errorf("%s: %s has also got %v", what, s.node, rest)
	}
}

// received returns what has come and was not asked for.
func (s *session) received() []Envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Envelope(nil), s.inbox...)
}

// forget takes all that has come and was not asked for.
func (s *session) forget() (all []Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, s.inbox = s.inbox, nil
	return all
}

// take and closed: sink.
func (s *session) take(e Envelope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inbox = append(s.inbox, e)
	s.wake()
}

func (s *session) closed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.wake()
}

func (s *session) wake() {
	close(s.more)
	s.more = make(chan struct{})
}
