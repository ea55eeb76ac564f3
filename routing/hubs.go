package routing

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
)

// ErrQueueFull is matched by a Recipient's refusal to queue more, as is any
// *lime.Reason of the same code.
var ErrQueueFull error = &lime.Reason{Code: lime.CodeDispatchError, Description: "The recipient reads too slowly"}

// Registry keeps registrations where all edges can read them.
type Registry interface {
	// Register returns the whole view of the node's identity, and the registration
	// that was replaced. With keepOlder, an error matching presence.ErrTaken says
	// that another session has the node.
	Register(ctx context.Context, r presence.Registration, keepOlder bool) (presence.View, *presence.Registration, error)
	// Update and Unregister return the view's new version; an error matching
	// presence.ErrGone says that the session does not hold the node.
	Update(ctx context.Context, r presence.Registration) (version int64, err error)
	Unregister(ctx context.Context, n lime.Node, session string) (version int64, err error)
	// View returns the registrations of one identity.
	View(ctx context.Context, i lime.Identity) (presence.View, error)
}

// Config is what Hubs are made of. NATS, Registry, Edge and Domains are required.
type Config struct {
	NATS     *nats.Conn // made by Connect; Hubs do not close it
	Registry Registry
	Edge     presence.EdgeID
	ID       string   // the edge's name; its server node is postmaster@<domain>/#<ID>
	Domains  []string // that this cluster serves

	// KeepOlder refuses a session whose node is in session already. By default the
	// newer replaces the older.
	KeepOlder bool

	// Shards is how many goroutines hand out what NATS brings. Default GOMAXPROCS.
	Shards int

	// Backlog bounds the envelopes that wait for one shard. More of them cost
	// memory when the edge is too slow; what does not fit is dropped. Default 16384.
	Backlog int

	// MaxPerIdentity bounds the sessions of one identity, on all edges as far as this
	// one knows. Default none.
	MaxPerIdentity int

	// MaxHops is how often an envelope may be forwarded. Default 8.
	MaxHops int

	// Timeout bounds one request to the broker or to Redis. Default 2s.
	Timeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Hubs are all hubs of one edge: what its sessions are attached to, and how their
// envelopes leave.
type Hubs struct {
	cfg       Config
	log       logrus.FieldLogger
	metrics   *metrics
	seed      maphash.Seed
	shards    []*shard
	prefix    string // of reply subjects
	replies   replies
	registrar *registrar
	barrier   barrier
	scratch   sync.Pool // of *scratch
}

// New makes the hubs of an edge. Nothing moves before Run.
func New(cfg Config) *Hubs {
	if cfg.Shards <= 0 {
		cfg.Shards = runtime.GOMAXPROCS(0)
	}
	if cfg.Backlog <= 0 {
		cfg.Backlog = 16384
	}
	if cfg.MaxHops <= 0 {
		cfg.MaxHops = 8
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	h := &Hubs{
		cfg:     cfg,
		log:     logger(cfg.Logger),
		metrics: newMetrics(cfg.Metrics),
		seed:    maphash.MakeSeed(),
		prefix:  replyPrefix(cfg.Edge),
	}
	h.scratch.New = func() any { return new(scratch) }
	h.barrier.flush = func() error { return cfg.NATS.FlushTimeout(cfg.Timeout) }
	h.registrar = newRegistrar(h)
	cfg.NATS.SetErrorHandler(h.brokerError)
	for range cfg.Shards {
		s := &shard{messages: make(chan *nats.Msg, cfg.Backlog), hubs: map[identityKey]*hub{}}
		s.turn.hubs = h
		h.shards = append(h.shards, s)
	}
	return h
}

// Run hands out what NATS brings, and keeps Redis told, until ctx is done. Then it
// tells Redis of the sessions that have left, for at most the configured timeout.
func (h *Hubs) Run(ctx context.Context) error {
	back := h.cfg.NATS.StatusChanged(nats.CONNECTED)
	defer h.cfg.NATS.RemoveStatusListener(back)
	control, err := h.cfg.NATS.Subscribe(rootEdge+string(h.cfg.Edge)+".>", h.control)
	if err != nil {
		return fmt.Errorf("subscribe to control messages: %w", err)
	}
	var running sync.WaitGroup
	for _, s := range h.shards {
		running.Go(func() { h.dispatch(ctx, s) })
	}
	running.Go(func() { h.registrar.run(ctx) })
	running.Go(func() { h.follow(ctx, back) })
	running.Wait()
	h.barrier.done.Wait()
	if err := control.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from control messages: %w", err)
	}
	return nil
}

// Serves tells whether domain is one that this cluster serves, in whatever case.
func (h *Hubs) Serves(domain []byte) bool {
	for _, d := range h.cfg.Domains {
		if len(d) == len(domain) && strings.EqualFold(d, string(domain)) {
			return true
		}
	}
	return false
}

// ServerNode is the address of this edge as a domain's server.
func (h *Hubs) ServerNode(domain string) lime.Node {
	return lime.Node{Identity: lime.Identity{Name: lime.Postmaster, Domain: domain}, Instance: "#" + h.cfg.ID}
}

// Attach finds a session its place: the hub of its identity, with its subscription
// in force, and its registration, or at least the wish to have one while Redis is
// away. It blocks for a round trip or two. Nothing is delivered before Activate.
//
// A *lime.Reason among the errors is for the session: an address that cannot be
// served, or a node that is taken.
func (h *Hubs) Attach(ctx context.Context, a Arrival, to Recipient) (*Member, error) {
	key, err := makeIdentityKey(a.Node.Identity)
	token := instanceToken(a.Node.Instance)
	if err != nil || len(rootTo)+len(key)+len(".")+len(token) > MaxSubject {
		return nil, &lime.Reason{Code: lime.CodeValidationInvalidIdentity, Description: "The address is too long"}
	}
	m := &Member{
		hubs: h, node: a.Node, address: a.Node.String(), token: token, session: a.Session, guest: a.Guest, to: to,
	}
	if m.hub, err = h.join(ctx, key); err != nil {
		return nil, fmt.Errorf("attach %s: %w", a.Node, err)
	}
	if err := h.admit(m); err != nil {
		h.release(m.hub)
		return nil, fmt.Errorf("attach %s: %w", a.Node, err)
	}
	if err := h.enter(ctx, m); err != nil {
		m.Leave()
		return nil, fmt.Errorf("attach %s: %w", a.Node, err)
	}
	return m, nil
}

// enter waits for the subscription to be in force and registers m then, not before:
// what others tell of the view from its registration on must be heard.
func (h *Hubs) enter(ctx context.Context, m *Member) error {
	ctx, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	if err := h.awaitInterest(ctx, m.hub); err != nil {
		return err
	}
	err := errNotTried
	if !h.registrar.away.Load() {
		err = h.registrar.register(ctx, m, h.cfg.KeepOlder)
	}
	recheck := m.entered()
	switch {
	case errors.Is(err, presence.ErrTaken):
		return takenReason()
	case err != nil: // Redis is away: later
		h.registrar.changed(m)
	case h.crowded(m): // as Redis has told
		return crowdedReason()
	case recheck:
		h.registrar.changed(m)
	}
	return nil
}

// errNotTried stands for a registration that was not tried, since others fail.
var errNotTried = errors.New("not tried: the registry is away")

// awaitInterest returns when the broker has a hub's subscription.
func (h *Hubs) awaitInterest(ctx context.Context, b *hub) error {
	b.shard.mu.Lock()
	inForce := b.inForce
	b.shard.mu.Unlock()
	if inForce {
		return nil
	}
	if err := h.barrier.wait(ctx); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	b.shard.mu.Lock()
	b.inForce = true
	b.shard.mu.Unlock()
	return nil
}

// admit notes a member that arrives, unless what is known here speaks against it.
func (h *Hubs) admit(m *Member) error {
	b := m.hub
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	if h.cfg.KeepOlder && (b.find(m.token) != nil || findMember(b.arriving, m.token) != nil) {
		return takenReason()
	}
	if h.crowdedLocked(m) {
		return crowdedReason()
	}
	b.arriving = append(b.arriving, m)
	m.entering = true
	return nil
}

// entered ends what admit has begun, and tells whether the registrar is to look at
// m now.
func (m *Member) entered() (recheck bool) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	m.entering = false
	return m.recheck
}

// crowded tells whether the identity has as many sessions as it may beside m, or
// the one whose place m takes.
func (h *Hubs) crowded(m *Member) bool {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return h.crowdedLocked(m)
}

func (h *Hubs) crowdedLocked(m *Member) bool {
	return h.cfg.MaxPerIdentity > 0 && m.hub.others(m.token) >= h.cfg.MaxPerIdentity
}

// join returns the hub of an identity with a place in it reserved, which release
// gives back. The first to come makes the subscription, the others wait for it.
func (h *Hubs) join(ctx context.Context, key identityKey) (*hub, error) {
	s := h.shardOf(key)
	s.mu.Lock()
	b := s.hubs[key]
	first := b == nil
	if first {
		b = &hub{key: key, shard: s, ready: make(chan struct{})}
		s.hubs[key] = b
		h.metrics.hubs.Inc()
	}
	b.users++
	ready := b.ready
	s.mu.Unlock()

	if first {
		sub, err := h.cfg.NATS.ChanSubscribe(key.subject(), s.messages)
		s.mu.Lock()
		b.sub, b.err, b.ready = sub, err, nil
		s.mu.Unlock()
		close(ready)
	} else if ready != nil {
		select {
		case <-ready:
		case <-ctx.Done():
			h.release(b)
			return nil, ctx.Err()
		}
	}
	s.mu.Lock()
	err := b.err
	s.mu.Unlock()
	if err != nil {
		h.release(b)
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return b, nil
}

// release gives a place in a hub back; the last one out ends the subscription.
func (h *Hubs) release(b *hub) {
	s := b.shard
	s.mu.Lock()
	b.users--
	last := b.users == 0
	if last && s.hubs[b.key] == b {
		delete(s.hubs, b.key)
		h.metrics.hubs.Dec()
	}
	sub := b.sub
	h.countLost(b)
	s.mu.Unlock()
	if !last || sub == nil {
		return
	}
	if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		h.log.WithError(err).Warn("could not end a subscription")
	}
}

// brokerError takes what goes wrong behind the client library's back. That a
// shard's channel was full, so that envelopes for a hub were dropped, it tells once
// until there is room again.
func (h *Hubs) brokerError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if !errors.Is(err, nats.ErrSlowConsumer) || sub == nil {
		h.log.WithError(err).Warn("NATS")
		return
	}
	key, _, ok := splitTo(sub.Subject)
	if !ok { // control messages, which are not counted one by one
		h.log.WithField("subject", sub.Subject).Warn("this edge does not keep up with NATS")
		return
	}
	s := h.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.hubs[key]; b != nil {
		h.countLost(b)
	}
}

// countLost counts what the client library has dropped for a hub since it was
// last asked, with the shard locked.
func (h *Hubs) countLost(b *hub) {
	if b.sub == nil {
		return
	}
	if lost, err := b.sub.Dropped(); err == nil && lost > b.lost {
		h.metrics.dropped[dropOverload].Add(float64(lost - b.lost))
		b.lost = lost
	}
}

func (h *Hubs) shardOf(key identityKey) *shard {
	return h.shards[maphash.String(h.seed, string(key))%uint64(len(h.shards))]
}

func takenReason() *lime.Reason {
	return &lime.Reason{Code: lime.CodeSessionRegistrationError, Description: "The node is in session already"}
}

func crowdedReason() *lime.Reason {
	return &lime.Reason{Code: lime.CodeSessionRegistrationError, Description: "The identity has too many sessions"}
}

func logger(l logrus.FieldLogger) logrus.FieldLogger {
	if l != nil {
		return l
	}
	n := logrus.New()
	n.SetLevel(logrus.PanicLevel)
	return n
}
