package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
	"limegrove/loadtest/protocol"
)

// Handler is told what becomes of clients in session. It is called by the loop alone, and must
// not block.
type Handler interface {
	// Ready tells that c is in session.
	Ready(t *poll.Turn, c *Client)
	// Event tells what has come for c, and when. It borrows e's bytes.
	Event(t *poll.Turn, c *Client, e *protocol.Event, now time.Duration)
	// Gone tells that c, which was in session, is no more, and why. Opening it again is for the
	// handler to decide.
	Gone(t *poll.Turn, c *Client, err error)
}

// Config is what an Engine needs to know.
type Config struct {
	Protocol protocol.Protocol
	Handler  Handler
	// Clients is how many there are, and First the number of the first of them among those of
	// all engines.
	Clients, First int
	// Server is where client i connects, by its number among all; From is the address that it
	// comes from, or the zero Addr.
	Server func(i int) netip.AddrPort
	From   func(i int) netip.Addr
	// TLS is how they connect; nil for none.
	TLS *tls.Config
	// Compress has them offer compression, and fail where it is not agreed on. What they say is not compressed.
	Compress bool
	// Epoch is the time from which all others are counted.
	Epoch time.Time
	// Patience bounds how long a client may take from its socket to its session. Default 60s.
	Patience time.Duration
	// Attempts is how often a client is opened before it has failed. Default 10.
	Attempts int
}

// Engine is the clients of one loop.
type Engine struct {
	cfg     Config
	traits  protocol.Traits
	group   *poll.Group
	clients []Client
	op      ws.OpCode // of messages
	scratch []byte    // headroom, and a message on its way out
	rests   map[*Client][]byte
	inflate inflater // of Config.Compress
	Opening Opening
}

// errNoSession says that a client cannot say anything.
var errNoSession = errors.New("the client is not in session")

// New makes an engine. Run serves it.
func New(cfg Config) (*Engine, error) {
	if cfg.Patience == 0 {
		cfg.Patience = time.Minute
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = 10
	}
	group, err := poll.NewGroup(poll.Config{
		Loops: 1, Linger: -1,
		// What a server does not take waits here: an open loop goes on, whatever it does.
		QueueLimit: maxQueued,
	})
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, traits: cfg.Protocol.Traits(), group: group, clients: make([]Client, cfg.Clients),
		op: ws.OpText, scratch: make([]byte, headroom), rests: map[*Client][]byte{},
	}
	if e.traits.Binary {
		e.op = ws.OpBinary
	}
	for i := range e.clients {
		e.clients[i] = Client{engine: e, number: uint32(cfg.First + i)}
	}
	e.Opening.engine = e
	return e, nil
}

// maxQueued bounds what waits for one socket, in bytes.
const maxQueued = 16 << 20

// Run serves the clients until ctx is done, and closes them then.
func (e *Engine) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, e.group.Close)()
	if err := e.group.Run(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, poll.ErrClosed) {
		return fmt.Errorf("clients: %w", err)
	}
	return nil
}

// Post has fn called by the loop. It is for anybody.
func (e *Engine) Post(fn func(*poll.Turn)) error { return e.group.Post(0, fn) }

// Now is the time since the epoch.
func (e *Engine) Now() time.Duration { return time.Since(e.cfg.Epoch) }

// Len is how many clients there are.
func (e *Engine) Len() int { return len(e.clients) }

// Traits are those of the protocol.
func (e *Engine) Traits() *protocol.Traits { return &e.traits }

// At returns the i-th client of this engine.
func (e *Engine) At(i int) *Client { return &e.clients[i] }

// Dial begins a connection of nobody's, to where client server connects and from where client source comes; see
// poll.Group.Dial.
func (e *Engine) Dial(server, source int, open poll.Opener) error {
	from, to := e.cfg.From(source), e.cfg.Server(server)
	if e.cfg.TLS != nil {
		return e.group.DialTLS(from, to, e.cfg.TLS, open)
	}
	return e.group.Dial(from, to, open)
}

// Request is the one that asks a server for a WebSocket. RFC 6455, section 4.1; the key is the one of its section
// 1.3, as nobody checks the answer.
func (e *Engine) Request(to netip.AddrPort) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", e.traits.Path, to)
	if e.traits.Subprotocol != "" {
		fmt.Fprintf(&b, "Sec-WebSocket-Protocol: %s\r\n", e.traits.Subprotocol)
	}
	if e.cfg.Compress {
		b.WriteString("Sec-WebSocket-Extensions: " + compression + "\r\n")
	}
	b.WriteString("\r\n")
	return []byte(b.String())
}

// jitter is a time between a half and the whole of d.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }
