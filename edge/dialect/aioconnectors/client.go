package aioconnectors

import (
	"crypto/rand"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// client is one connection.
type client struct {
	cfg          *Config
	introduction introduction
	rights       room.Rules
	tries        *tries         // of all connectors
	live         *live          // likewise
	firsts       *firsts        // likewise
	reviews      *atomic.Uint64 // likewise
	prefix       string         // of the ids of its envelopes

	// Set by Greet and Ask, before anybody else knows of the connection.
	name       string         // the connector's
	from       netip.AddrPort // where it is
	service    string         // who takes what is for its server; "" for nobody
	refused    *lime.Reason   // why it is not let in; nil when it is
	wants      wish           // of who has to be asked about
	ignoredAs  int            // frames that came before the one that counts
	credential string         // what it is let in by; "" for none
	expires    time.Time      // when that counts no more; zero for never
	looked     uint64         // how many reviews there were when it was let in
	parting    []byte         // a frame that it is sent in place of a session; nil for none

	// Owned by the connection's loop.
	count    uint64 // of envelopes
	topics   map[string]room.Name
	entering []dialect.Subscription // some of them, which are not confirmed yet

	mu       sync.Mutex
	counts   func(credential string) bool // whether that does; nil where nobody is asked
	release  func()                       // what is held for that; nil for nothing
	takeBack func()                       // what was given to it, unless it is told; nil for nothing
	closed   bool
	welcome  []byte // a frame that it is sent when the session begins; nil for none
	server   string // what the connector calls its server
	unacked  []unacked
	asked    map[string]struct{} // types of which it has sent a request; maxTypes at most
	requests requests            // of others, to it
}

// unacked is a message that the connector wants to hear of.
type unacked struct {
	number    uint64 // in the id of its envelope
	transport int64
	kind      string
	request   string // its request_id as JSON; "" for none
}

const (
	// maxUnacked bounds the messages that wait to be acknowledged. Connectors wait after each.
	maxUnacked = 256
	maxTypes   = 1024
)

func (d *Stream) client() *client {
	c := &client{
		cfg: &d.cfg, rights: d.rights, tries: &d.tries, live: &d.live, firsts: &d.firsts, reviews: &d.reviews,
		prefix: strings.ToLower(rand.Text()[:16]) + "-", server: d.cfg.Server,
	}
	switch {
	case d.cfg.Certificates != nil:
		c.introduction = byCertificate{}
	case d.cfg.Tokens:
		c.introduction = byToken{}
	case d.cfg.TLS:
		c.introduction = encrypted
	default:
		c.introduction = inClear
	}
	return c
}

// Ends is that of a dialect.Ender.
func (c *client) Ends(end func()) {
	c.live.add(c, end)
	// Since it was asked for. Lists are looked at when others are in force alone.
	if !c.entitled() || c.reviews.Load() != c.looked && !c.admitted() {
		end()
	}
}

// Closed is that of a dialect.Closer.
func (c *client) Closed() {
	c.live.remove(c)
	c.mu.Lock()
	c.closed = true
	release, takeBack := c.release, c.takeBack
	c.release, c.takeBack = nil, nil
	c.mu.Unlock()
	if release != nil {
		release()
	}
	if takeBack != nil {
		takeBack()
	}
}

// holds has release be called when the connection is gone, and counts tell until then.
func (c *client) holds(counts func(credential string) bool, release func()) {
	c.mu.Lock()
	closed := c.closed
	c.counts = counts
	if !closed {
		c.release = release
	}
	c.mu.Unlock()
	if closed {
		release()
	}
}

// gives notes a frame that the connector is told last. When it cannot be, back takes back what it gives.
func (c *client) gives(frame []byte, back func()) {
	c.mu.Lock()
	closed := c.closed
	c.parting = frame
	if !closed {
		c.takeBack = back
	}
	c.mu.Unlock()
	if closed {
		back()
	}
}

// entitled tells whether what the connector was let in by counts. It is cheap.
func (c *client) entitled() bool {
	c.mu.Lock()
	counts := c.counts
	c.mu.Unlock()
	if c.cfg.Certificates != nil {
		counts = c.cfg.Certificates.Counts
	}
	return c.credential == "" || counts == nil || counts(c.credential)
}

// admitted tells whether the connector is let in.
func (c *client) admitted() bool {
	return c.entitled() && (c.cfg.Registry == nil || c.cfg.Registry.Admits(c.name, c.from.Addr()))
}

// ignored tells whether nothing is taken of the connector, and told to it.
func (c *client) ignored() bool { return c.cfg.Registry != nil && c.cfg.Registry.Ignores(c.name) }

// Size is that of a dialect.
func (c *client) Size(b []byte) (n int, err error) { return size(b) }

// serverName is what the connector calls its server.
func (c *client) serverName() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// nextID returns the id of a new envelope.
func (c *client) nextID() string {
	c.count++
	return c.prefix + strconv.FormatUint(c.count, 36)
}

// numberOf undoes nextID; 0 for an id of somebody else.
func (c *client) numberOf(id []byte) uint64 {
	digits, ok := strings.CutPrefix(string(id), c.prefix)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(digits, 36, 64)
	if err != nil {
		return 0
	}
	return n
}

// owe notes that a message is to be acknowledged when it is stored. It is not ok when too many
// are.
func (c *client) owe(u unacked) (ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unacked) >= maxUnacked {
		return false
	}
	c.unacked = append(c.unacked, u)
	return true
}

// appendAckFor appends the acknowledgement of the first message that is, if it is owed.
func (c *client) appendAckFor(dst []byte, is func(*unacked) bool) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.unacked {
		if is(&c.unacked[i]) {
			dst = appendAck(dst, c.server, c.unacked[i].transport)
			c.unacked = append(c.unacked[:i], c.unacked[i+1:]...)
			break
		}
	}
	return dst
}

// appendAck appends the acknowledgement of a message.
func appendAck(dst []byte, server string, transport int64) []byte {
	w := write(dst, kindAck)
	w.text("source_id", server)
	w.raw("transport_id", strconv.AppendInt(nil, transport, 10))
	w.headed()
	w.part(nil)
	return w.done()
}

// probeMark begins the request_id of our own pings.
const probeMark = "limegrove-"

// Probe is that of a dialect. Connectors answer pings themselves.
func (c *client) Probe(dst []byte, n uint32) []byte {
	w := write(dst, kindPing)
	w.text("source_id", c.serverName())
	w.text("destination_id", c.name)
	w.raw("await_response", []byte("true"))
	w.text("request_id", probeMark+strconv.FormatUint(uint64(n), 10))
	w.headed()
	w.part(nil)
	return w.done()
}

// proved returns the number of the probe that a ping's response_id answers; 0 for none.
func proved(id string) uint32 {
	digits, ok := strings.CutPrefix(id, probeMark)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

var (
	_ dialect.Framed = (*client)(nil)
	_ dialect.Ender  = (*client)(nil)
	_ dialect.Closer = (*client)(nil)
)
