package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"limegrove/lime"
)

// Client is a node that stays in session: when a session is lost it begins another with
// the same node. All its methods may be called from any goroutine.
type Client struct {
	// Set by Dial and not changed.
	cfg          Config
	servers      []address
	inbox        *inbox
	duplicates   *duplicates
	publications *publications
	requests     *requests
	idPrefix     string
	ctx          context.Context // ends with the client; handlers run in it
	cancel       context.CancelFunc
	done         chan struct{} // closed when nothing of it runs any more
	handled      chan struct{} // closed when no handler runs any more
	supervised   chan struct{} // closed when there will be no other session
	hurry        chan struct{} // has room for one wish that a pause ends

	drops drops
	ids   atomic.Uint64

	// Owned by who connects: Dial, then run.
	nextTry  int    // of servers
	sessions uint64 // so many were begun

	mu       sync.Mutex
	node     lime.Node // proposed, and then assigned
	presence *lime.Presence
	chosen   lime.Events
	status   Status
	session  *session      // nil while there is none
	changed  chan struct{} // closed and replaced when session or ended changes
	closing  bool          // nothing new is begun
	ended    error         // why there will be no other session
}

// Dial connects to a server, logs in and says what Config wants said first. url is
// ws://host:port/path, wss:// likewise, or net.tcp://host:port, where an absent port is
// LIME's own, 55321. It tries url and then each of Config.Servers once; ctx bounds that
// and nothing later.
//
// The client ends with Close or Shutdown, or by itself: see Done. An error tells of each
// server; errors.As finds a *lime.Reason, a *SessionError or an *HTTPError in it.
func Dial(ctx context.Context, url string, cfg Config) (*Client, error) {
	c, err := newClient(url, cfg)
	if err != nil {
		return nil, err
	}
	go c.handle()
	s, err := c.round(ctx, 0)
	if err != nil {
		c.stop(ErrClosed)
		close(c.supervised) // a handler may be closing the client already
		<-c.handled
		close(c.done)
		c.is(Status{State: StateEnded, Err: err})
		return nil, err
	}
	go c.live(s)
	return c, nil
}

// Start is Dial for a program that begins while the network may be away, as one with a Store
// does: it connects behind the program's back, again and again as after a lost session, and what is
// sent meanwhile waits. An error is one of cfg or of the Store. Done and Err tell when the server
// does not let the client in, and Config.OnStatus each try.
func Start(url string, cfg Config) (*Client, error) {
	c, err := newClient(url, cfg)
	if err != nil {
		return nil, err
	}
	go c.handle()
	go c.live(nil)
	return c, nil
}

// newClient makes a client that nothing runs of.
func newClient(url string, cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, inbox: newInbox(cfg.Queue), duplicates: newDuplicates(cfg.DuplicateWindow),
		publications: newPublications(&cfg), requests: newRequests(cfg.Requests), idPrefix: rand.Text() + "-", node: cfg.Node,
		presence: cfg.Presence, chosen: cfg.Events, changed: make(chan struct{}),
		done: make(chan struct{}), handled: make(chan struct{}), supervised: make(chan struct{}),
		hurry: make(chan struct{}, 1),
	}
	for _, text := range append([]string{url}, cfg.Servers...) {
		a, err := parseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
		c.servers = append(c.servers, a)
	}
	if err := c.restore(); err != nil {
		return nil, err
	}
	if err := c.restoreArrivals(); err != nil {
		return nil, err
	}
	c.inbox.use(cfg.Handler.kinds())
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// live follows one session by another, and waits for the handlers at the end.
func (c *Client) live(s *session) {
	defer close(c.done)
	c.run(s)
	close(c.supervised)
	<-c.handled
	c.cancel()
}

// Node returns the client's own address, as the server has assigned it.
func (c *Client) Node() lime.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.node
}

// Server returns the address of the server that the client is in session with; zero
// while there is none.
func (c *Client) Server() lime.Node {
	if s := c.online(); s != nil {
		return s.server
	}
	return lime.Node{}
}

// Done is closed when the client has ended and nothing of it runs any more, handlers
// included.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err tells why the client has ended, ErrClosed after Close and Shutdown; nil before.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// Close ends the client at once. What waits to be sent may be lost, publications end
// with ErrClosed, and the server learns of it by the end of the connection. It does not
// wait for a handler that runs, whose context ends; Done does. It may be called twice.
func (c *Client) Close() {
	c.stop(ErrClosed)
	<-c.supervised
}

// stop ends the session that there is and has no other begun.
func (c *Client) stop(why error) {
	c.mu.Lock()
	c.closing = true
	c.endLocked(why)
	s := c.session
	c.mu.Unlock()
	c.inbox.close(why, errors.Is(why, ErrClosed))
	c.cancel()
	if s != nil {
		s.end(why, farewellTo(why))
	}
}

// endLocked notes the first reason why there will be no other session.
func (c *Client) endLocked(why error) {
	if c.ended == nil {
		c.ended = why
		c.tellLocked()
	}
}

// tellLocked wakes those who wait for a change.
func (c *Client) tellLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// online returns the session that there is; nil for none.
func (c *Client) online() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// await waits for a session.
func (c *Client) await(ctx context.Context) (*session, error) {
	for {
		c.mu.Lock()
		s, changed, ended, closing := c.session, c.changed, c.ended, c.closing
		c.mu.Unlock()
		switch {
		case ended != nil:
			return nil, ended
		case closing:
			return nil, ErrClosed
		case s != nil && s.why() == nil:
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// newID makes an id that nobody else has.
func (c *Client) newID() string { return c.idPrefix + strconv.FormatUint(c.ids.Add(1), 10) }
