package edge

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/edge/dialect"
	"limegrove/lime"
)

// speaks is a client of a dialect, on its connection.
type speaks struct {
	dialect.Client
	rooms  dialect.Subscriber // the client as that; nil when it is none
	framed dialect.Framed     // likewise
	login  dialect.Login
	counts dialectCounters

	// Owned by the connection's loop.
	awaiting bool    // of the session, or of a room: nothing is taken before
	greeted  bool    // of a Framed: its first frame has come
	held     []byte  // of a message in fragments
	binary   bool    // that message is
	spoke    instant // when the client has said something
	seats    map[dialect.Subscription]Seat
	entering []dialect.Subscription // the rooms to be entered next

	overrun atomic.Bool // there was no room for what a room has brought
}

// dialectOf returns the dialect that is spoken on a path, or nil. A slash at its end does
// not matter.
func (e *Edge) dialectOf(path string) *spoken {
	path, _, _ = strings.Cut(path, "?")
	return e.dialects[strings.TrimSuffix(path, "/")]
}

// spoken is a dialect of an edge.
type spoken struct {
	dialect.Dialect
	counts dialectCounters
}

// openDialect has the dialect of the request's path, if there is one, take the client. It
// tells whether the request goes on.
func (c *conn) openDialect(head []byte) bool {
	if len(c.edge.dialects) == 0 {
		return true
	}
	_, target, _ := bytes.Cut(head[:max(bytes.IndexByte(head, '\r'), 0)], []byte{' '})
	target, _, _ = bytes.Cut(target, []byte{' '})
	d := c.edge.dialectOf(string(target))
	if d == nil {
		return true
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		c.reject(rejectMalformed)
		return false
	}
	client, refusal := d.Open(r)
	if refusal != nil {
		c.rejectWith(rejectDialect, fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\n",
			refusal.Status, http.StatusText(refusal.Status), refusal.Text))
		return false
	}
	c.particular().speaks = &speaks{Client: client, counts: d.counts, awaiting: true}
	c.speaks().rooms, _ = client.(dialect.Subscriber)
	c.edge.metrics.lime[c.shown.stage()].Dec()
	d.counts.stages[c.shown.stage()].Inc()
	return true
}

// beginDialect begins the session of a client that has said all that there is to say, when
// who has to be asked has answered.
func (c *conn) beginDialect() {
	c.steer()
	asker, ok := c.speaks().Client.(dialect.Asker)
	if !ok {
		c.loginDialect()
		return
	}
	began := c.turn().Now
	c.elsewhere(c.edge.asking, func(w *worker) {
		// A connection that has ended needs no answer.
		if most := c.edge.cfg.Load().LoginPatience; most > 0 && time.Since(began) > most {
			_ = c.back(func() { c.session.failFor(errBusy, "") })
			return
		}
		asker.Ask(w.ctx)
		_ = c.back(c.loginDialect)
	}, func(err error) { c.session.failFor(err, "") })
}

// loginDialect begins the session, unless it has failed meanwhile.
func (c *conn) loginDialect() {
	if c.session.state.Ended() {
		return
	}
	c.speaks().login = c.speaks().Login()
	if n := c.speaks().login.Backlog; n > 0 {
		c.socket.SetQueueLimit(n)
	}
	c.session.enterAs(&c.speaks().login)
}

// established lets the client of a dialect go on.
func (k *speaks) established(c *conn) {
	k.counts.sessions.Inc()
	if ender, ok := k.Client.(dialect.Ender); ok {
		ender.Ends(func() { _ = c.back(c.session.stop) }) // one that is gone has ended
	}
	c.goOn()
}

// closed is told that the connection is gone.
func (k *speaks) closed() {
	k.exit()
	if closer, ok := k.Client.(dialect.Closer); ok {
		closer.Closed()
	}
}

// dialectMessage takes a part of a message, and the whole of it when fin says that it is the last.
func (c *conn) dialectMessage(s *scratch, op ws.OpCode, fin bool, payload []byte) {
	k := c.speaks()
	if op != ws.OpContinuation {
		k.binary = op == ws.OpBinary
	}
	if !fin || k.held != nil {
		if len(k.held)+len(payload) > c.maxEnvelope() {
			c.session.malformed(tooLong(c.maxEnvelope()), ws.StatusMessageTooBig)
			return
		}
		k.held = append(k.held, payload...)
		if !fin {
			return
		}
		payload, k.held = k.held, nil
	}
	if !utf8.Valid(payload) { // RFC 6455, section 8.1; a dialect's binary messages are text, too
		c.session.malformed("The message is not UTF-8", ws.StatusInvalidFramePayloadData)
		return
	}
	c.dialectSays(s, payload, k.binary)
}

// dialectSays takes what the client has said.
func (c *conn) dialectSays(s *scratch, message []byte, binary bool) {
	k := c.speaks()
	k.counts.messages.Inc()
	k.spoke = s.now
	s.envelopes++ // or as good as one
	said := k.FromClient(message, binary)
	if said.Proved > 0 {
		c.has(said.Proved)
	}
	// What becomes an envelope is counted as that.
	if said.Envelope == nil &&
		(!c.session.envelopes.take(s.now, 1, c.edge.cfg.Load().EnvelopeRate) || !c.session.bytes.take(s.now, len(message), c.edge.cfg.Load().ByteRate)) {
		if k.rooms == nil {
			c.count(dropRate)
			return
		}
		c.flooding = true // its answers are told apart by their order: none may be missing
	}
	if said.Drop != "" {
		k.counts.dropped.WithLabelValues(said.Drop).Inc()
	}
	if said.Close {
		c.session.finish()
		return
	}
	k.leave(said.Leave)
	if said.Answer != nil && !c.answerDialect(said.Answer) {
		return
	}
	if len(said.Enter) > 0 {
		k.entering = said.Enter
		c.subscribe()
		return
	}
	if said.Envelope == nil {
		return
	}
	if _, err := s.header.Scan(said.Envelope); err != nil {
		k.counts.dropped.WithLabelValues(dropDialect).Inc()
		return
	}
	s.note()
	c.session.envelope(s, said.Envelope)
}

// dropDialect is the label of what a dialect has made no envelope of that is one.
const dropDialect = "no_envelope"

// answerDialect queues an answer, and tells whether the connection goes on: that of a client
// whose answers are told apart by their order is cut when there is no room for one.
func (c *conn) answerDialect(answer []byte) bool {
	if c.sendFrame(answer) {
		return true
	}
	c.count(dropQueueFull)
	if c.speaks().rooms == nil {
		return true
	}
	c.cut()
	return false
}

// translated returns the frame for an envelope. It is not ok when there is none: because the
// dialect has no words for it, which is counted, or because there is nothing to say.
func (k *speaks) translated(envelope []byte) (frame []byte, ok bool) {
	frame, ok = k.ToClient(nil, envelope)
	if !ok {
		k.counts.untold.Inc()
	}
	return frame, ok && len(frame) > 0
}

// goOn takes what the client of a dialect says again. Meanwhile it could not be heard.
func (c *conn) goOn() {
	c.speaks().awaiting = false
	c.heardAgain(c.edge.instant(c.turn().Now))
	c.steer()
	c.arm()
}

// awaits tells whether nothing is taken of the client for now: of one of a dialect, or one of whom something is inflated.
func (c *conn) awaits() bool {
	return c.phase == open && (c.deflates.is(inWorker) || c.speaks() != nil && c.speaks().awaiting)
}

// last is what the client is told in place of the session's last envelope.
func (k *speaks) last(envelope []byte) (frame []byte, reason string) {
	var e lime.Session
	if envelope != nil {
		_ = json.Unmarshal(envelope, &e) // it is our own
	}
	frame, reason = k.End(e.Reason)
	if most := ws.MaxControlFramePayloadSize - 2; len(reason) > most { // RFC 6455, section 5.5
		reason = strings.ToValidUTF8(reason[:most], "")
	}
	return frame, reason
}

// enterAs begins the session of a client of a dialect, for which there is nothing to
// negotiate.
func (s *session) enterAs(login *dialect.Login) {
	s.who = lime.Tagged(rand.Text())
	own := s.gets()
	own.as = login
	s.state = lime.StateAuthenticating
	switch {
	case login.Refused != nil:
		s.failWith(login.Refused, ws.StatusNormalClosure)
		return
	case login.Token == "" && !login.Asked:
		own.instance = login.Node.Instance
		s.authenticated(auth.Grant{Identity: login.Node.Identity, Guest: true, Rooms: login.Rights, Credential: login.Credential, Expires: login.Expires}, nil) // it may be anybody
		return
	case fold(s.rules.options, string(auth.SchemeExternal)) == "":
		s.fail(lime.CodeSessionAuthenticationFailed, "Tokens are not looked at here")
		return
	}
	var credentials json.RawMessage
	if login.Token != "" {
		var err error
		if credentials, err = json.Marshal(map[string]string{"token": login.Token}); err != nil {
			s.fail(lime.CodeSessionAuthenticationFailed, "The token cannot be read")
			return
		}
	}
	s.ask(auth.Request{Scheme: auth.SchemeExternal, Node: login.Node, Credentials: credentials})
}
