package bachata

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"limegrove/lime"
)

// client is one socket of a channel.
type client struct {
	cfg     *Config
	channel string
	token   string // "" for none

	ready atomic.Bool // it was let in

	mu        sync.Mutex
	confirmed []string // ids of its messages, the last that 300 was said of; maxConfirmed at most
	next      int      // the one that makes place for another
}

// maxConfirmed is how many confirmations are remembered: of one message there may be two,
// that it was received and that it was consumed, and the client is told once.
const maxConfirmed = 64

func (c *Config) client(channel, token string) *client {
	return &client{cfg: c, channel: channel, token: token}
}

// ToClient is that of a dialect.
func (c *client) ToClient(dst, envelope []byte) (frame []byte, ok bool) {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return dst, false
	}
	switch h.Kind {
	case lime.KindSession:
		if h.State == lime.StateEstablished { // B-01
			c.ready.Store(true)
			return append(dst, transport(typeReady, nil)...), true
		}
	case lime.KindNotification:
		return c.notification(dst, &h)
	case lime.KindMessage:
		var m lime.Message
		if json.Unmarshal(envelope, &m) == nil {
			return c.message(dst, &m)
		}
	}
	return dst, false
}

// notification says what became of one of the client's messages.
func (c *client) notification(dst []byte, h *lime.Header) ([]byte, bool) {
	id := string(h.ID)
	switch h.Event {
	case lime.EventAccepted: // B-06
		return append(dst, transport(typeTaken, messageID(id))...), true
	case lime.EventReceived, lime.EventConsumed: // B-11
		if c.isConfirmed(id) {
			return dst, false
		}
		return append(dst, transport(typeDelivered, messageID(id))...), true
	}
	return dst, false
}

// isConfirmed tells whether a message was confirmed before, and notes that it is.
func (c *client) isConfirmed(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.confirmed, id) {
		return true
	}
	if len(c.confirmed) < maxConfirmed { // most never confirm as many
		c.confirmed = append(c.confirmed, id)
		return false
	}
	c.confirmed[c.next] = id
	c.next = (c.next + 1) % maxConfirmed
	return false
}

// message appends a message as its sender wrote it, or would have.
func (c *client) message(dst []byte, m *lime.Message) ([]byte, bool) {
	o, ok := parse(m.Content)
	switch {
	case m.Type != MediaMessage || !ok:
		o = c.compose(m)
	case isTransport(o.get("type")): // of a client of LIME that would speak as the server
		return dst, false
	}
	if c.cfg.SetFrom || !strings.EqualFold(m.From.Domain, c.cfg.Domain) { // B-10
		o.set("from", quoted(c.cfg.nameOf(m.From)))
	}
	return o.appendTo(dst), true
}

// compose makes a message of one that was none of bachata's, or nothing but text.
func (c *client) compose(m *lime.Message) (o object) {
	if m.ID != "" {
		o.set("id", messageID(m.ID))
	}
	kind := m.Type
	if kind == "text/plain" {
		kind = "text"
	}
	o.set("type", quoted(kind))
	o.set("dest", quoted(c.channel))
	if t := m.Metadata[metadataTime]; json.Valid([]byte(t)) {
		o.set("time", json.RawMessage(t))
	}
	o.set("data", m.Content)
	return o
}
