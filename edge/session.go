package edge

import (
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/tracing"
)

// outlet is what a session does to the world. The connection implements it, and
// tests do.
type outlet interface {
	// send queues an envelope for the client. It borrows envelope and tells whether
	// there was room.
	send(k lime.Kind, envelope []byte) bool
	// authenticate has the session's authenticated called with the answer, soon.
	authenticate(r auth.Request)
	// attach has the session's attached called with its place, soon.
	attach(a Arrival)
	// enter has the session's entered called with a seat in a room, attend its attends when
	// it is told who is there, and occupants its method of that name with who is, soon.
	enter(e RoomEntry)
	attend(n room.Name, seat Seat)
	occupants(at RoomAddress, r roomRequest)
	// publish publishes an envelope, which it borrows, to a room. later says that the
	// session's published is called with the id, soon.
	publish(at RoomAddress, envelope []byte, id string, s *tracing.Span) (later bool, err error)
	// end sends one more envelope, which it borrows, and closes the connection with a
	// WebSocket code. Nothing gets between or behind, of whoever it is.
	end(last []byte, code ws.StatusCode)
	// secure has the connection encrypted behind what was sent, and the session's secured
	// called, soon.
	secure()
	// answered takes the id of a response, and tells whether the connection had asked.
	answered(id []byte) bool
	// expires has the session's expiring and expired called when it is time; zero is never.
	expires(at time.Time)
	// certified tells whether the client has shown a certificate in TLS that holds.
	certified() bool
	// count counts an envelope that was not passed on.
	count(why dropReason)
	// unestablished counts a session that has ended before it was established: with a
	// reason's code, or 0 when the client has left.
	unestablished(why lime.Code)
}

// sessionRules are what all sessions of an edge have in common.
type sessionRules struct {
	id           string   // of the edge
	domains      []string // the first is the default
	name         func(n lime.Node, session string) (lime.Packed, bool)
	options      []string // the schemes, as they are offered
	uncertified  []string // the same for clients without a certificate
	encryption   []string // what a session over TCP may choose of; none when there is no choice
	envelopeRate int      // a second; negative is no limit
	maxEnvelope  int      // bytes
	byteRate     int
	rooms        roomRules
	presences    *presences
	dialects     []string // domains in which nobody logs in with LIME
	tracer       *tracing.Tracer
	ignored      *ignored // nil for nobody
}

// session is LIME's state machine for one client, sans-IO: it is given envelopes,
// answers and the passing of time, and acts through its outlet. It never blocks,
// and belongs to its connection's loop.
//
//	new ─▶ negotiating ─▶ authenticating ─▶ established ─▶ finishing ─▶ finished
//	 │  ─────────────────▶      │                │             │
//	 └───────────┴──────────────┴────────────────┴─────────────┴──────▶ failed
//
// It negotiates over TCP only: a WebSocket's encryption is settled before the session
// begins, and two of the real clients cannot bear the question.
type session struct {
	rules *sessionRules
	out   outlet

	member Member      // nil until there is a place
	who    lime.Packed // the node, none until it is assigned; behind it the session's id, none until the first envelope of ours
	aside  *aside      // nil for most

	envelopes, bytes bucket

	state     lime.State // none before the client's new
	rank      lime.Rank
	waiting   bool // for the answer of out.authenticate or out.attach
	guest     bool
	ownDomain bool // the client's domain is one of ours, and not that of a gateway
	overTCP   bool // and not over WebSocket
	shunned   bool // it is among those that are ignored
	floods    bool // for long, so that what it says has a price
}

// envelope takes one envelope, whose header is in t. It borrows both.
func (s *session) envelope(t *scratch, b []byte) {
	h := &t.header
	switch {
	case s.state.Ended():
	case h.Kind == lime.KindUnknown:
		s.fail(lime.CodeValidationError, "The object is no envelope: it has no content, event, method or state")
	case h.Kind == lime.KindSession:
		s.control(h, b)
	case s.state == lime.StateEstablished:
		s.exchange(t, b)
	default:
		s.fail(lime.CodeSessionInvalidActionForState, "Only session envelopes are allowed before the session is established")
	}
}

// control takes a session envelope. The server moves the state, the client asks.
func (s *session) control(h *lime.Header, b []byte) {
	if s.who.Tag() != "" && h.State != lime.StateNew && string(h.ID) != s.who.Tag() {
		s.fail(lime.CodeSessionError, "The id is not that of this session") // L-SES-23
		return
	}
	refused := s.state.Move(h.State)
	switch {
	case refused != nil: // L-SES-26, L-SES-27
		s.failFor(refused, "")
	case h.State == lime.StateNew:
		s.state = lime.StateNew
		s.greet()
	case h.State == lime.StateNegotiating && s.state == lime.StateNegotiating && !s.waiting:
		s.choose(b)
	case h.State == lime.StateAuthenticating && s.state == lime.StateAuthenticating && !s.waiting:
		s.credentials(h, b)
	case h.State == lime.StateFinishing:
		s.state = lime.StateFinishing
		s.finish()
	default: // what only the server may say, or what it is about to answer
		s.fail(lime.CodeSessionInvalidActionForState,
			"A client cannot ask for "+h.State.String()+" now")
	}
}

// finish ends an established session in peace: the client asked for it, or was
// silent for too long (L-TRN-10).
func (s *session) finish() {
	s.leave()
	s.state = lime.StateFinished
	s.out.end(s.words(&lime.Session{State: s.state}), ws.StatusNormalClosure)
}

// stop ends the session because the server stops: L-FIN-05. One that is not yet
// established can only fail.
func (s *session) stop() {
	switch {
	case s.state.Ended():
	case s.state.CanMove(lime.StateFinished):
		s.finish()
	default:
		s.fail(lime.CodeSessionError, "The server is stopping")
	}
}

// malformed ends the session because of what came from the client, with the
// WebSocket's code for it.
func (s *session) malformed(why string, code ws.StatusCode) {
	s.failWith(&lime.Reason{Code: lime.CodeValidationError, Description: why}, code)
}

// late ends a session that was not established in time: L-SES-28.
func (s *session) late() {
	s.fail(lime.CodeSessionNegotiationTimeout, "The session was not established in time")
}

// end fails the session for a reason that routing has.
func (s *session) end(why *lime.Reason) { s.failWith(why, ws.StatusNormalClosure) }

// lost is told that the connection is gone, which ends the session like a finish:
// L-FIN-04.
func (s *session) lost() {
	s.leave()
	if s.state.Ended() {
		return
	}
	if !s.begun() {
		s.out.unestablished(0)
	}
	s.state = lime.StateFailed
}

// failFor ends the session because of an error, whose own text stays here unless
// it is a reason.
func (s *session) failFor(err error, otherwise string) {
	var reason *lime.Reason
	if !errors.As(err, &reason) {
		reason = &lime.Reason{Code: lime.CodeSessionError, Description: otherwise}
	}
	s.failWith(reason, ws.StatusNormalClosure)
}

func (s *session) fail(code lime.Code, why string) {
	s.failWith(&lime.Reason{Code: code, Description: why}, ws.StatusNormalClosure)
}

// failWith ends the session from whatever state with failed, after which nothing is
// sent: L-FIN-03.
func (s *session) failWith(why *lime.Reason, status ws.StatusCode) {
	if s.state.Ended() {
		return
	}
	if s.who.Tag() == "" {
		s.who = lime.Tagged(rand.Text())
	}
	s.leave()
	if !s.begun() {
		s.out.unestablished(why.Code)
	}
	s.state = lime.StateFailed
	s.out.end(s.words(&lime.Session{State: s.state, Reason: why}), status)
}

// begun tells whether the session is established, or was before it began to finish.
func (s *session) begun() bool {
	return s.state == lime.StateEstablished || s.state == lime.StateFinishing
}

// leave gives the places in routing and in rooms up.
func (s *session) leave() {
	s.exitAll()
	if s.member != nil {
		s.member.Leave()
		s.member = nil
	}
}

// say sends a session envelope that is not the last.
func (s *session) say(e *lime.Session) {
	t := newText()
	defer t.done()
	t.b = s.appendWords(t.b, e)
	s.out.send(lime.KindSession, t.b)
}

// words returns a session envelope that is the last.
func (s *session) words(e *lime.Session) []byte { return s.appendWords(nil, e) }

// appendWords appends a session envelope with what all of them carry: L-SES-01.
func (s *session) appendWords(dst []byte, e *lime.Session) []byte {
	e.ID = s.who.Tag()
	e.From = s.server()
	if s.state != lime.StateAuthenticating && !s.who.IsZero() {
		e.To = s.who.Node()
	}
	return e.AppendJSON(dst)
}

// role is what the session may route beyond its own node.
func (s *session) role() lime.Role { return s.rank.Role() }

// server is the node under which the edge speaks to this client. What the client
// proposes for itself is not known to be a domain of ours, and a gateway's is none.
func (s *session) server() lime.Node {
	domain := s.rules.domains[0]
	if !s.who.IsZero() && s.ownDomain {
		domain = s.who.Domain()
	}
	return s.rules.server(domain)
}

// server is the edge's node in a domain.
func (r *sessionRules) server(domain string) lime.Node {
	return lime.Node{Identity: lime.Identity{Name: lime.Postmaster, Domain: domain}, Instance: "#" + r.id}
}

// ping is a command that asks the client whether it has read what came before; n is the
// number of a probe, or 0. There is no answer to it that would be none: LIME, ping.
func (s *session) ping(n uint32) []byte {
	c := lime.Command{
		ID: pingPrefix + strconv.FormatUint(uint64(n), 10), From: s.server(), To: s.who.Node(),
		Method: lime.MethodGet, URI: "/ping",
	}
	return c.AppendJSON(nil)
}
