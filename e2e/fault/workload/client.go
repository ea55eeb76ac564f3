package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"limegrove/e2e/fault/history"
	"limegrove/lime"
)

const (
	tick       = 250 * time.Millisecond // between two looks at what is due
	presenceID = "presence"
)

// client is one of the people.
type client struct {
	workload *Workload
	role     role
	node     string
	patience time.Duration // for an answer, until the session is given up

	// Owned by live.
	random    *rand.Rand
	logins    int
	left      bool // the last session has ended by its will
	abandoned []*wire

	out outbox
}

func newClient(w *Workload, r role, random *rand.Rand) *client {
	node := r.node(w.cfg.Domain)
	c := &client{workload: w, role: r, node: node, random: random}
	c.patience = c.between(8*time.Second, 20*time.Second)
	c.out = outbox{
		node: node, window: w.cfg.Window, numbers: map[string]int{}, count: func(n int) { w.count(0, n) },
	}
	return c
}

func (c *client) identity() string { return c.role.name + "@" + c.workload.cfg.Domain }

// live has the client come, go and come again until ctx is done.
func (c *client) live(ctx context.Context) {
	var readers sync.WaitGroup
	defer readers.Wait()
	defer func() {
		for _, w := range c.abandoned {
			w.close()
		}
	}()
	for ctx.Err() == nil {
		s := c.connect(ctx, &readers, -1)
		for s != nil {
			s = c.attend(ctx, &readers, s)
		}
		if c.left && !c.settling() {
			c.wait(ctx, c.absence())
		}
		c.left = false
	}
}

// absence is for how long the client wants to be away when it has left.
func (c *client) absence() time.Duration {
	if c.role.temper == sleeper {
		return 24 * time.Hour // or until all is to be quiet
	}
	return c.between(2*time.Second, 15*time.Second)
}

// wait waits, or until all is to be quiet, or ctx is done.
func (c *client) wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-c.workload.settling:
	case <-time.After(d):
	}
}

func (c *client) settling() bool {
	select {
	case <-c.workload.settling:
		return true
	default:
		return false
	}
}

// between draws a time.
func (c *client) between(least, most time.Duration) time.Duration {
	return least + time.Duration(c.random.Int64N(int64(most-least)))
}

// Back-off between two tries to log in.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// connect logs in at any edge but one until it succeeds; nil when ctx is done. It goes from
// an edge that takes no connection to the next at once, as from one of a name's addresses
// to another, and pauses when none does or a login has failed. The session's reader is one
// of readers.
func (c *client) connect(ctx context.Context, readers *sync.WaitGroup, not int) *session {
	for again := firstPause; ctx.Err() == nil; again = min(2*again, lastPause) {
		w, edge := c.dial(ctx, not)
		if w != nil {
			s, err := c.login(ctx, w, edge)
			if err == nil {
				readers.Go(s.read)
				s.askPresence()
				return s
			}
			w.close()
		}
		pause(ctx, c.between(again/2, again))
	}
	return nil
}

// dial opens a connection to the first that takes it, of the edges but one in any order;
// nil when none does.
func (c *client) dial(ctx context.Context, not int) (w *wire, edge int) {
	edges := c.workload.cfg.Edges
	for _, edge = range c.random.Perm(len(edges)) {
		if edge == not || ctx.Err() != nil {
			continue
		}
		url := edges[edge].URL
		if c.role.tcp && edges[edge].TCP != "" {
			url = edges[edge].TCP
		}
		if w, err := dial(ctx, url); err == nil {
			return w, edge
		}
	}
	return nil, 0
}

func (c *client) login(ctx context.Context, w *wire, edge int) (*session, error) {
	established, err := w.login(ctx, c.node)
	if err != nil {
		return nil, err
	}
	c.logins++
	s := &session{
		client: c, name: fmt.Sprintf("%s#%d", c.node, c.logins), id: established.ID, edge: edge, wire: w,
		gone: make(chan struct{}), again: make(chan struct{}, 1),
	}
	c.workload.record(history.Event{
		Kind: history.Established, Session: s.name, Node: established.To.String(), ID: established.ID,
		Edge: c.workload.cfg.Edges[edge].Name,
	})
	return s, nil
}

// askPresence makes the session available; the answer comes to the reader.
func (s *session) askPresence() {
	set := lime.Command{
		ID: presenceID, Method: lime.MethodSet, URI: "/presence", Type: lime.MediaPresence,
		Resource: []byte(`{"status":"available"}`),
	}
	if s.record(history.Event{Kind: history.Asked, Text: string(lime.StatusAvailable)}) {
		s.write(ws.OpText, set.AppendJSON(nil))
	}
}
