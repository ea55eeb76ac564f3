package edge

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/room"
	"limegrove/tracing"
)

// dialogue is a session and what it does to the world. It is the session's outlet,
// and holds everything that is sent against the rules that hold always.
type dialogue struct {
	t       testing.TB
	session session
	scratch scratch
	now     time.Time
	full    bool // the client's queue takes nothing

	certificate bool      // the client has shown one
	expiry      time.Time // what was told of it last

	sent       []string // what the client has not looked at yet
	logins     []auth.Request
	arrivals   []Arrival
	entering   []RoomEntry
	attending  []room.Name
	asking     []roomRequest
	published  []string                                // room, a space, and the envelope
	publishing func(id string) (later bool, err error) // nil: at once
	closed     []ws.StatusCode
	securing   int         // how often it was asked for
	pings      []string    // the ids of responses; those that begin with ours are to pings
	failures   []lime.Code // of sessions that were not established
	dropped    map[dropReason]int
	member     *fakeMember

	reached lime.State // the furthest that was told
}

// fakeMember is a place in routing that writes down what it is asked for.
type fakeMember struct {
	active   bool
	left     int
	routed   []string // destination, a space, and the envelope
	commands []string
	fails    error // of Route and Command
	presence lime.Presence
	takes    lime.Capability
	gateway  string // a domain that there is one for
	events   lime.Events
	receipts []string                                // what Receipt was given
	knows    string                                  // the id of the message whose sender it finds
	acts     func(owner string, h *lime.Header) bool // for whom it may act
	proved   []uint32
	drained  int
}

func (m *fakeMember) Activate()       { m.active = true }
func (m *fakeMember) Leave()          { m.left++ }
func (m *fakeMember) Proved(n uint32) { m.proved = append(m.proved, n) }
func (m *fakeMember) Drained()        { m.drained++ }
func (m *fakeMember) Settle(func())   {}

func (m *fakeMember) Route(to lime.NodeView, _ *lime.Header, envelope []byte) error {
	if d := strings.ToLower(string(to.Domain)); d != "example.org" && d != "example.net" && d != m.gateway {
		return reasonForeign // as routing does when there is no gateway
	}
	m.routed = append(m.routed, to.Node().String()+" "+string(envelope))
	return m.fails
}

func (m *fakeMember) Command(_ *lime.Header, envelope []byte) error {
	m.commands = append(m.commands, string(envelope))
	return m.fails
}

func (m *fakeMember) Receipt(h *lime.Header, envelope []byte) bool {
	m.receipts = append(m.receipts, string(envelope))
	return string(h.ID) == m.knows
}

func (m *fakeMember) MayActFor(owner lime.NodeView, h *lime.Header) bool {
	return m.acts != nil && m.acts(owner.Node().String(), h)
}

func (m *fakeMember) SetReceipts(e lime.Events) { m.events = e }
func (m *fakeMember) Receipts() lime.Events     { return m.events }

func (m *fakeMember) SetCapability(c *lime.Capability) { m.takes = *c }
func (m *fakeMember) Capability() lime.Capability      { return m.takes }

func (m *fakeMember) SetPresence(p *lime.Presence) { m.presence = *p }
func (m *fakeMember) Presence() lime.Presence      { return m.presence }
func (m *fakeMember) Instances() []string          { return []string{"Home", "desk"} }

// The addresses of most dialogues. Ana's has capitals, so that spelling shows.
const (
	anaNode = "Ana@example.org/Home"
	server  = "postmaster@example.org/#e1"
)

// newDialogue begins a session that nobody has spoken in yet.
func newDialogue(t testing.TB) *dialogue {
	d := &dialogue{
		t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		dropped: map[dropReason]int{}, member: &fakeMember{},
	}
	d.session.out = d
	d.session.rules = &sessionRules{
		id: "e1", name: new(switchboard).Name, presences: new(presences), domains: []string{"example.org", "Example.NET"},
		options: []string{"guest", "plain"}, uncertified: []string{"guest", "plain"}, envelopeRate: 1000, maxEnvelope: 512 << 10, byteRate: 1 << 20,
	}
	return d
}

// established begins a session of ana.
func established(t testing.TB) *dialogue {
	d := newDialogue(t)
	d.to(lime.StateEstablished)
	return d
}

// to brings a new session to a state, and has the client look at all that was sent.
func (d *dialogue) to(state lime.State) {
	d.t.Helper()
	if state >= lime.StateAuthenticating {
		d.says(`{"state":"new"}`)
	}
	if state >= lime.StateEstablished {
		d.says(`{"id":"$id","from":"` + anaNode + `","state":"authenticating","scheme":"plain","authentication":{"password":"czNjcmV0"}}`)
		d.grant(anaGrant)
		d.place()
	}
	if state == lime.StateFinished {
		d.says(`{"id":"$id","state":"finishing"}`)
	}
	if state == lime.StateFailed {
		d.session.late()
	}
	d.sent = nil
	if d.session.state != state {
		d.t.Fatalf("the session is %v, not %v", d.session.state, state)
	}
}

// says has the client send one envelope; $id is the session's id. Its bytes are
// gone afterwards, so that a borrowed slice that was kept shows.
func (d *dialogue) says(envelope string) {
	d.t.Helper()
	b := []byte(strings.ReplaceAll(envelope, "$id", d.session.who.Tag()))
	n, err := d.scratch.header.Scan(b)
	if err != nil {
		d.t.Fatalf("%s: %v", envelope, err)
	}
	d.scratch.now = instant(d.now.UnixNano())
	d.session.envelope(&d.scratch, b[:n])
	for _, gone := range [][]byte{b, d.scratch.from, d.scratch.to, d.scratch.pp, d.scratch.envelope, d.scratch.mended} {
		for i := range gone[:cap(gone)] {
			gone[:cap(gone)][i] = '!'
		}
	}
}

// hears takes the next envelope that the client was sent.
func (d *dialogue) hears(sentence, pattern string) {
	d.t.Helper()
	if len(d.sent) == 0 {
		d.t.Fatalf("%s: nothing was sent, not %s", sentence, pattern)
	}
	got := d.sent[0]
	d.sent = d.sent[1:]
	if err := match([]byte(got), strings.ReplaceAll(pattern, "$id", d.session.who.Tag())); err != nil {
		d.t.Errorf("%s: %v, in %s", sentence, err, got)
	}
}

func (d *dialogue) hearsNothing(sentence string) {
	d.t.Helper()
	for _, s := range d.sent {
		d.t.Errorf("%s: %s", sentence, s)
	}
	d.sent = nil
}

// hearsFailed takes a failed envelope with a code, after which the transport is
// closed and nothing else is sent.
func (d *dialogue) hearsFailed(sentence string, code lime.Code) {
	d.t.Helper()
	d.hears(sentence, fmt.Sprintf(`{"id":"*","from":"%s","state":"failed","reason":{"code":%d,"description":"*"}}`, server, code))
	d.hearsNothing(sentence)
	if len(d.closed) != 1 {
		d.t.Errorf("%s: the transport was closed %d times", sentence, len(d.closed))
	}
	if d.session.state != lime.StateFailed {
		d.t.Errorf("%s: the session is %v", sentence, d.session.state)
	}
}

// asked takes the login that is under way.
func (d *dialogue) asked() auth.Request {
	d.t.Helper()
	if len(d.logins) == 0 {
		d.t.Fatal("nobody was asked to authenticate")
	}
	r := d.logins[0]
	d.logins = d.logins[1:]
	return r
}

// grant answers the login that is under way.
func (d *dialogue) grant(g auth.Grant) {
	d.t.Helper()
	d.asked()
	d.session.authenticated(g, nil)
}

// arrived takes the arrival that is under way.
func (d *dialogue) arrived() Arrival {
	d.t.Helper()
	if len(d.arrivals) == 0 {
		d.t.Fatal("nobody was asked for a place")
	}
	a := d.arrivals[0]
	d.arrivals = d.arrivals[1:]
	return a
}

// place answers the arrival that is under way.
func (d *dialogue) place() {
	d.t.Helper()
	d.arrived()
	d.session.attached(d.member, nil)
}

// routes takes the next envelope that was handed to routing.
func (d *dialogue) routes(sentence, to, pattern string) {
	d.t.Helper()
	if len(d.member.routed) == 0 {
		d.t.Errorf("%s: nothing was routed", sentence)
		return
	}
	destination, envelope, _ := strings.Cut(d.member.routed[0], " {")
	d.member.routed = d.member.routed[1:]
	if destination != to {
		d.t.Errorf("%s: it goes to %s, not %s", sentence, destination, to)
	}
	if err := match([]byte("{"+envelope), pattern); err != nil {
		d.t.Errorf("%s: %v, in {%s", sentence, err, envelope)
	}
}

// commands takes the next command that was handed to the routers.
func (d *dialogue) commands(sentence, pattern string) {
	d.t.Helper()
	if len(d.member.commands) == 0 {
		d.t.Errorf("%s: no command was handed on", sentence)
		return
	}
	got := d.member.commands[0]
	d.member.commands = d.member.commands[1:]
	if err := match([]byte(got), pattern); err != nil {
		d.t.Errorf("%s: %v, in %s", sentence, err, got)
	}
}

// handsOnNothing looks after each refusal.
func (d *dialogue) handsOnNothing(sentence string) {
	d.t.Helper()
	if n := len(d.member.routed) + len(d.member.commands); n != 0 {
		d.t.Errorf("%s: %q %q", sentence, d.member.routed, d.member.commands)
	}
	d.member.routed, d.member.commands = nil, nil
}

func (d *dialogue) wantDropped(sentence string, why dropReason, n int) {
	d.t.Helper()
	if d.dropped[why] != n {
		d.t.Errorf("%s: %d are counted as %s, not %d", sentence, d.dropped[why], why, n)
	}
}

func (d *dialogue) send(k lime.Kind, envelope []byte) bool {
	d.t.Helper()
	if len(d.closed) > 0 || d.reached.Ended() {
		d.t.Errorf("L-FIN-03: sent after the end: %s", envelope)
	}
	checkServerWords(d.t, envelope)
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		d.t.Errorf("the session sends %s: %v", envelope, err)
	}
	if h.Kind != k {
		d.t.Errorf("%s is sent as a %s", envelope, k)
	}
	if h.Kind == lime.KindSession {
		if h.State < d.reached {
			d.t.Errorf("L-FIN-06: from %v back to %v", d.reached, h.State)
		}
		if h.State == lime.StateAuthenticating && d.reached == h.State {
			d.t.Errorf("L-SES-30: a roundtrip, in which lime-js and lime-python hang: %s", envelope)
		}
		if h.State == lime.StateEstablished && d.reached != lime.StateAuthenticating {
			d.t.Errorf("L-SES-04: from %v to established", d.reached)
		}
		d.reached = h.State
	}
	if d.full {
		return false
	}
	d.sent = append(d.sent, string(envelope))
	return true
}

func (d *dialogue) expires(at time.Time)                   { d.expiry = at }
func (d *dialogue) certified() bool                        { return d.certificate }
func (d *dialogue) authenticate(r auth.Request)            { d.logins = append(d.logins, r) }
func (d *dialogue) attach(a Arrival)                       { d.arrivals = append(d.arrivals, a) }
func (d *dialogue) secure()                                { d.securing++ }
func (d *dialogue) enter(e RoomEntry)                      { d.entering = append(d.entering, e) }
func (d *dialogue) attend(n room.Name, seat Seat)          { d.attending = append(d.attending, n) }
func (d *dialogue) occupants(_ RoomAddress, r roomRequest) { d.asking = append(d.asking, r) }
func (d *dialogue) count(why dropReason)                   { d.dropped[why]++ }
func (d *dialogue) unestablished(why lime.Code)            { d.failures = append(d.failures, why) }

func (d *dialogue) end(last []byte, code ws.StatusCode) {
	d.t.Helper()
	full := d.full
	d.full = false // there is room for the last words
	d.send(lime.KindSession, last)
	d.full = full
	d.closed = append(d.closed, code)
}

func (d *dialogue) answered(id []byte) bool {
	d.pings = append(d.pings, string(id))
	return strings.HasPrefix(string(id), pingPrefix)
}

var errOurs = errors.New("dial tcp 10.0.0.1:4222: secret details")

var anaGrant = auth.Grant{Identity: lime.MustParseIdentity("Ana@example.org"), Role: lime.RoleMember}

func itoa(c lime.Code) string { return strconv.Itoa(int(c)) }

func (d *dialogue) publish(at RoomAddress, envelope []byte, id string, _ *tracing.Span) (later bool, err error) {
	d.published = append(d.published, fmt.Sprintf("%s %s %s", at.Domain, at.Name, envelope))
	if d.publishing == nil {
		return false, nil
	}
	return d.publishing(id)
}
