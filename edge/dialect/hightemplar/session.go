package hightemplar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// session is one connection, from its request on.
type session struct {
	dialect *Dialect
	id      string

	// Set by Ask, which nobody overtakes.
	headers http.Header // of calls to the API; nil after it when there are no more
	client  *Client     // nil when the API does not let it in
	opened  []byte      // the first frame, until it is told
	user    string      // who it is; "" for nobody in particular

	// Owned by the connection's loop.
	open bool // its session is established, as the API was told if it wants to be

	mu  sync.Mutex
	had map[dialect.Subscription]*recently // nil while no trigger was to be told apart
}

// maxOpened is how long the first frame may be: some clients take no more.
const maxOpened = 1 << 20

// Ask asks the API. Whatever it answers but that the client may come in is a refusal: H-10.
func (s *session) Ask(ctx context.Context) {
	status, answer, body, err := s.dialect.cfg.API.Bootstrap(ctx, s.headers)
	if err != nil {
		return
	}
	allowed, authorized, err := Bootstrap(status, answer.Get("Content-Type"), body)
	if err != nil {
		s.dialect.cfg.API.Unreadable(err)
		return
	}
	if !authorized {
		return
	}
	c := NewClient(s.id, allowed, s.dialect.cfg.Subscriptions)
	c.legacy = s.dialect.cfg.Legacy
	opened := c.Opened()
	if len(opened) > maxOpened {
		s.dialect.cfg.API.Unreadable(fmt.Errorf("%w: the %d rooms do not fit a frame", ErrAPI, len(allowed)))
		return
	}
	if c.wild != nil {
		c.allowed = nil // there is the frame, and what they are looked up in
	}
	s.client, s.opened, s.user = c, opened, userOf(body, s.dialect.cfg.UserPath)
	if s.dialect.cfg.Notify {
		keepCookies(s.headers, answer)
	} else {
		s.headers = nil
	}
}

var refused = lime.NewReason(lime.CodeSessionAuthenticationFailed, "The backing API does not let the client in")

// Login is that of a dialect.
func (s *session) Login() dialect.Login {
	if s.client == nil {
		return dialect.Login{Refused: refused}
	}
	cfg := &s.dialect.cfg
	login := dialect.Login{Takes: nothing(), Rooms: cfg.Rooms, Literal: cfg.Wildcards&room.Subscriber == 0, Idle: cfg.Idle, Backlog: cfg.Backlog}
	if i, ok := cfg.identity(s.user); ok {
		login.Node.Identity = i
		// It shows, and what is sent to its identity is for other protocols.
		login.Presence = &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance}
	} else { // nobody knows the name
		login.Node.Identity = lime.Identity{Name: "guest-" + strings.ToLower(rand.Text()), Domain: cfg.Domain}
	}
	return login
}

// nothing is what a client takes of what is not published to its rooms, for which it has no
// frame. Of messages LIME has no word for nothing, and so it is a type that nobody sends.
func nothing() *lime.Capability {
	return &lime.Capability{ContentTypes: []string{"application/vnd.hightemplar.none"}, ResourceTypes: &[]string{}}
}

// identity is that of a user. It is not ok for nobody in particular.
func (c *Config) identity(user string) (i lime.Identity, ok bool) {
	if user == "" {
		return i, false
	}
	i, err := lime.ParseIdentity(string(lime.AppendEscapedName(nil, user)) + "@" + c.Domain)
	return i, err == nil
}

// userOf returns the text or the number to which a path leads in a JSON object; "" when there
// is none.
func userOf(body []byte, path []string) string {
	v := json.RawMessage(body)
	for _, name := range path {
		v = membersOf(v)[name]
	}
	switch k := kindOf(v); {
	case len(path) == 0:
	case k == '"':
		var text string
		if json.Unmarshal(v, &text) == nil {
			return text
		}
	case k == '-' || '0' <= k && k <= '9':
		return string(v)
	}
	return ""
}

// FromClient is that of a dialect.
func (s *session) FromClient(message []byte, binary bool) dialect.Said {
	said := s.client.FromClient(message, binary)
	for _, l := range said.Leave {
		s.dialect.counts.left(l.Room)
		s.forget(l)
	}
	if said.Pinged {
		s.notify(pathOnline)
	}
	if said.Status {
		said.Answer, _ = s.dialect.status().AppendStatus(nil) // numbers and a date can be written
	}
	all := dialect.Said{Answer: said.Answer, Leave: said.Leave, Close: said.Close}
	if said.Enter != (dialect.Subscription{}) {
		all.Enter = []dialect.Subscription{said.Enter}
	}
	return all
}

// Entered is that of a dialect.Subscriber.
func (s *session) Entered(ok bool) (answer []byte) {
	if n := s.client.entering.Room; ok && n != "" {
		s.dialect.counts.entered(n)
	}
	return s.client.Entered(ok)
}

// ToClient is that of a dialect: nothing but that the session is established.
func (s *session) ToClient(dst, envelope []byte) (frame []byte, ok bool) {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil || h.Kind != lime.KindSession || h.State != lime.StateEstablished {
		return dst, false
	}
	s.open = true
	s.dialect.counts.opened(1)
	s.notify(pathOnline)
	dst = append(dst, s.opened...)
	s.opened = nil
	return dst, true
}

// End is that of a dialect: only who is not let in is told anything.
func (s *session) End(*lime.Reason) (frame []byte, reason string) {
	if s.open {
		return nil, ""
	}
	return Refused(s.dialect.cfg.Legacy), ""
}

// Closed is that of a dialect.Closer.
func (s *session) Closed() {
	if !s.open {
		return
	}
	s.dialect.counts.opened(-1)
	for l := range s.client.subscriptions.all {
		if l != s.client.entering {
			s.dialect.counts.left(l.Room)
		}
	}
	s.notify(pathOffline)
}

// notify tells the API, if it wants to be told.
func (s *session) notify(path string) {
	if s.dialect.cfg.Notify {
		s.dialect.cfg.API.Notify(s.id, path, s.headers.Clone())
	}
}

// newID returns an id for a connection, which looks as those of the original do.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

var (
	_ dialect.Asker      = (*session)(nil)
	_ dialect.Subscriber = (*session)(nil)
	_ dialect.Closer     = (*session)(nil)
)
