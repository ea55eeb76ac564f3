package routing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"limegrove/lime"
	"limegrove/room"
)

// client is a session of a test: it keeps what it is delivered.
type client struct {
	*Member
	e       *testEdge
	node    string
	session string
	routing atomic.Bool // it is in Member.Route

	mu      sync.Mutex
	got     []string // as said, see describe
	raw     [][]byte
	ended   *lime.Reason
	refuse  error
	written int // of got, by Flush

	silent bool     // answers no probe
	probes []uint32 // those that are not answered
	reads  bool     // is not held
	holds  int

	granted []room.Grants
}

func (c *client) Deliver(envelope []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	c.got = append(c.got, describe(envelope))
	c.raw = append(c.raw, slices.Clone(envelope))
	return nil
}

// Flush writes what there is, and answers a probe, as a client's WebSocket does.
func (c *client) Flush() {
	c.mu.Lock()
	c.written = len(c.got)
	silent := c.silent
	c.mu.Unlock()
	if !silent {
		c.Answer()
	}
}

// Answer answers the probes that there are.
func (c *client) Answer() {
	c.mu.Lock()
	probes := c.probes
	c.probes = nil
	c.mu.Unlock()
	for _, n := range probes {
		c.Proved(n)
	}
}

// Silent has the client answer no probe, or answer again.
func (c *client) Silent(on bool) {
	c.mu.Lock()
	c.silent = on
	c.mu.Unlock()
	if !on {
		c.Answer()
	}
}

func (c *client) Probe(n uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	c.probes = append(c.probes, n)
	return nil
}

// Pass passes nothing on, but sees when it is called.
func (c *client) Pass(any, []byte) (bool, error) {
	if !c.routing.Load() {
		c.e.w.Errorf("%s is to pass something on while it routes nothing", c.node)
	}
	return false, nil
}

func (c *client) Hold(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads = !on
	if on {
		c.holds++
	}
}

func (c *client) Granted(g room.Grants) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.granted = append(c.granted, g)
}

func (c *client) End(why *lime.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = why
	}
}

// describe says in short what an envelope is: "from>to: content" for a message,
// "id event code" for a notification, "id method status code" for a command.
func describe(envelope []byte) string {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return "malformed: " + string(envelope)
	}
	switch h.Kind {
	case lime.KindMessage:
		m, err := lime.DecodeMessage(envelope)
		if err != nil {
			return err.Error()
		}
		return strings.Trim(string(m.Content), `"`)
	case lime.KindNotification:
		n, err := lime.DecodeNotification(envelope)
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", n.ID, n.Event, code(n.Reason)))
	case lime.KindCommand:
		c, err := lime.DecodeCommand(envelope)
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", c.ID, c.Method, c.Status, code(c.Reason)))
	}
	return "unexpected: " + string(envelope)
}

func code(r *lime.Reason) string {
	if r == nil {
		return ""
	}
	return fmt.Sprint(int(r.Code))
}

// arrive attaches a session without activating it.
func (e *testEdge) arrive(node string, guest bool) (*client, error) {
	e.w.sessions++
	c := &client{e: e, node: node, session: fmt.Sprintf("s%d", e.w.sessions)}
	m, err := e.Attach(context.Background(), Arrival{Node: lime.MustParseNode(node), Session: c.session, Guest: guest}, c)
	c.Member = m
	return c, err
}

// Authority logs a session in that has authority over its domain, and says so.
func (e *testEdge) Authority(node string, role lime.Role, p lime.Presence) *client {
	e.w.Helper()
	e.w.sessions++
	c := &client{e: e, node: node, session: fmt.Sprintf("s%d", e.w.sessions)}
	m, err := e.Attach(context.Background(), Arrival{Node: lime.MustParseNode(node), Session: c.session, Role: role}, c)
	if err != nil {
		e.w.Fatal(err)
	}
	c.Member = m
	c.Activate()
	c.SetPresence(&p)
	return c
}

// Guest logs a guest in.
func (e *testEdge) Guest(node string) *client {
	e.w.Helper()
	return e.login(node, true)
}

// Login logs somebody with an account in, who sets the presence that was given.
func (e *testEdge) Login(node string, p ...lime.Presence) *client {
	e.w.Helper()
	c := e.login(node, false)
	for _, p := range p {
		c.SetPresence(&p)
	}
	return c
}

func (e *testEdge) login(node string, guest bool) *client {
	e.w.Helper()
	c, err := e.arrive(node, guest)
	if err != nil {
		e.w.Fatalf("%s arrives on %s: %v", node, e.name, err)
	}
	c.Activate()
	return c
}

// Say sends a message without an id.
func (c *client) Say(to, text string) {
	c.e.w.Helper()
	c.mustRoute(to, fmt.Sprintf(`{"from":%q,"to":%q,"type":"text/plain","content":%q}`, c.node, to, text))
}

// SayID sends a message that its sender wants to hear of.
func (c *client) SayID(id, to, text string) {
	c.e.w.Helper()
	c.mustRoute(to, fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"type":"text/plain","content":%q}`, id, c.node, to, text))
}

func (c *client) mustRoute(to, envelope string) {
	c.e.w.Helper()
	if err := c.route(to, envelope); err != nil {
		c.e.w.Fatalf("%s sends %s: %v", c.node, envelope, err)
	}
}

func (c *client) route(to, envelope string) error {
	var h lime.Header
	if _, err := h.Scan([]byte(envelope)); err != nil {
		return err
	}
	v, err := lime.ParseNodeView([]byte(to))
	if err != nil {
		return err
	}
	c.routing.Store(true)
	defer c.routing.Store(false)
	return c.Route(v, &h, []byte(envelope))
}

// command sends a command to the server.
func (c *client) command(envelope string) error {
	var h lime.Header
	if _, err := h.Scan([]byte(envelope)); err != nil {
		return err
	}
	return c.Command(&h, []byte(envelope))
}

// Got is what was delivered and written so far.
func (c *client) Got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got[:c.written])
}

// Want waits for exactly these envelopes since the last Want, in this order.
func (c *client) Want(why string, envelopes ...string) {
	c.e.w.Helper()
	c.want(why, slices.Clone[[]string], envelopes)
}

// WantSorted is Want for what comes in any order.
func (c *client) WantSorted(why string, envelopes ...string) {
	c.e.w.Helper()
	c.want(why, func(s []string) []string { return slices.Sorted(slices.Values(s)) }, envelopes)
}

func (c *client) want(why string, order func([]string) []string, envelopes []string) {
	c.e.w.Helper()
	eventually(c.e.w, fmt.Sprintf("%s: %s gets %q", why, c.node, envelopes), func() bool {
		return len(c.Got()) >= len(envelopes)
	})
	c.e.w.settle()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(order(c.got), order(envelopes)) {
		c.e.w.Errorf("%s: %s has %q, want %q", why, c.node, c.got, envelopes)
	}
	if c.written != len(c.got) {
		c.e.w.Errorf("%s: %d of %d envelopes were written", why, c.written, len(c.got))
	}
	c.got, c.raw, c.written = nil, nil, 0
}

// WantNothing checks that nothing came.
func (c *client) WantNothing(why string) {
	c.e.w.Helper()
	c.Want(why)
}

// WantEnd waits for the session's end.
func (c *client) WantEnd(why string, reason lime.Code) {
	c.e.w.Helper()
	eventually(c.e.w, why+": "+c.node+" ends", func() bool { return c.Ended() != nil })
	if got := c.Ended().Code; got != reason {
		c.e.w.Errorf("%s: %s ended with %v, want %v", why, c.node, got, reason)
	}
}

// WantAlive checks that the session goes on.
func (c *client) WantAlive(why string) {
	c.e.w.Helper()
	if r := c.Ended(); r != nil {
		c.e.w.Errorf("%s: %s ended: %v", why, c.node, r)
	}
}

// Ended is why the session has ended, or nil.
func (c *client) Ended() *lime.Reason {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Refuse has the session take no more.
func (c *client) Refuse(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = err
}
