package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/sirupsen/logrus"
)

// Cluster is this process's membership. Its methods may be called from anywhere.
type Cluster struct {
	// Set by Start and not changed.
	cfg     Config
	log     logrus.FieldLogger
	self    string // incarnation
	started time.Time
	gossip  string // host:port
	list    *memberlist.Memberlist
	ring    *memberlist.Keyring // nil without keys
	metrics *metrics
	closed  chan struct{}

	sessions atomic.Int64
	draining atomic.Bool
	changed  chan struct{} // has room for one; given to when draining changes

	// life is held by Leave and Close, so that neither meets the other half done.
	life sync.Mutex
	left atomic.Bool // Leave has begun; written under life
	shut atomic.Bool // Close has begun; likewise

	// announcing is held while metadata goes out, so that older never follows newer.
	announcing sync.Mutex

	// Guarded by mu, which is taken inside memberlist's own lock: nothing of
	// memberlist is called under it.
	mu       sync.Mutex
	members  map[string]Member // by incarnation; self included
	watchers map[*eventQueue]struct{}
}

// Start binds the gossip address and begins to answer. It contacts nobody; Run
// does.
func Start(cfg Config) (*Cluster, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	c := &Cluster{
		cfg:      cfg,
		log:      cfg.Log,
		self:     cfg.Incarnation,
		started:  time.Now().Truncate(time.Second),
		closed:   make(chan struct{}),
		changed:  make(chan struct{}, 1),
		members:  map[string]Member{},
		watchers: map[*eventQueue]struct{}{},
	}
	c.metrics = newMetrics(c)
	conf, err := c.gossipConfig()
	if err != nil {
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	if c.list, err = memberlist.Create(conf); err != nil {
		return nil, fmt.Errorf("start gossip on %s: %w", cfg.Bind, err)
	}
	c.gossip = c.list.LocalNode().Address()
	if err := c.metrics.register(cfg.Registerer); err != nil {
		_ = c.list.Shutdown() // it always succeeds
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	return c, nil
}

// Run joins the others and keeps up the membership: it looks at Config.Join again
// and announces changes of this member. It returns ctx's error when ctx is done,
// and nil after Leave or Close.
func (c *Cluster) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var joining sync.WaitGroup
	defer joining.Wait()
	defer cancel(nil) // before the wait
	joining.Go(func() { c.keepJoined(ctx) })
	return c.keepAnnounced(ctx)
}

// Incarnation is this member's name.
func (c *Cluster) Incarnation() string { return c.self }

// Self is this member as it is now, perhaps not yet announced.
func (c *Cluster) Self() Member {
	return Member{
		ID: c.cfg.ID, Incarnation: c.self, Role: c.cfg.Role, Zone: c.cfg.Zone, Addr: c.cfg.Addr,
		Sessions: int(c.sessions.Load()), Draining: c.draining.Load(), Started: c.started,
		Hosts: true, Gossip: c.gossip, leaving: c.left.Load(),
	}
}

// GossipAddr is the host:port under which the others reach this member.
func (c *Cluster) GossipAddr() string { return c.gossip }

// Members is everybody thought alive, by id; this member included until it leaves.
func (c *Cluster) Members() []Member {
	c.mu.Lock()
	members := make([]Member, 0, len(c.members))
	for _, m := range c.members {
		if m.Incarnation == c.self {
			m = c.Self()
		}
		members = append(members, m)
	}
	c.mu.Unlock()
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Incarnation, b.Incarnation))
	})
	return members
}

// Member finds a member that is thought alive.
func (c *Cluster) Member(incarnation string) (Member, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.members[incarnation]
	if ok && incarnation == c.self {
		m = c.Self()
	}
	return m, ok
}

// Alive tells whether gossip thinks so. A member that never was heard of is not
// alive: ask again a little later before believing it.
func (c *Cluster) Alive(incarnation string) bool {
	_, ok := c.Member(incarnation)
	return ok
}

// SetSessions changes this member's number of sessions. It costs nothing; the
// others learn the newest number within Config.UpdateInterval.
func (c *Cluster) SetSessions(n int) { c.sessions.Store(int64(n)) }

// SetDraining tells the others, at once, whether this member is going away.
func (c *Cluster) SetDraining(draining bool) {
	c.draining.Store(draining)
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// leaveTimeout bounds Leave when ctx does not: a goodbye that nobody took by then
// is known from the silence that follows.
const leaveTimeout = 5 * time.Second

// Leave tells the others that this member goes, and waits until that is out, for
// at most the time that ctx has left, or 5 s. It does not close. The others then
// see EventLeave in place of EventDead.
func (c *Cluster) Leave(ctx context.Context) error {
	c.life.Lock()
	defer c.life.Unlock()
	if c.left.Load() || c.shut.Load() {
		return nil
	}
	c.left.Store(true)
	timeout := leaveTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, max(time.Until(deadline), time.Millisecond))
	}
	// memberlist does not tell those that left from those that died. So the goodbye
	// is in the metadata; memberlist's own then ends the probes.
	farewell := c.announce(timeout / 2)
	if err := errors.Join(farewell, c.list.Leave(timeout/2)); err != nil {
		return fmt.Errorf("leave the cluster: %w", err)
	}
	return nil
}

// Close ends gossip and says no goodbye. It waits for nothing but a Leave that is
// under way; a probe that has begun ends by itself, seconds later. It may be called
// twice.
func (c *Cluster) Close() error {
	c.life.Lock()
	defer c.life.Unlock()
	if c.shut.Swap(true) {
		return nil
	}
	close(c.closed)
	c.metrics.unregister(c.cfg.Registerer)
	return c.list.Shutdown()
}

// Shutdown leaves within ctx and closes. It may be called twice, and after Leave
// or Close.
func (c *Cluster) Shutdown(ctx context.Context) error {
	return errors.Join(c.Leave(ctx), c.Close())
}
