package routing

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/barrier"
	"limegrove/routing/interest"
	"limegrove/routing/subject"
	"limegrove/tracing"
)

// ErrQueueFull is matched by a Recipient's refusal to queue more, as is any
// *lime.Reason of the same code.
var ErrQueueFull error = &lime.Reason{Code: lime.CodeDispatchError, Description: "The recipient reads too slowly"}

// Registry keeps registrations where all edges can read them.
type Registry interface {
	// Register returns the whole view of the node's identity, and the registration
	// that was replaced; the view's Again says that this was perhaps told to a try
	// of which no answer came. With keepOlder, an error matching presence.ErrTaken
	// says that another session has the node.
	Register(ctx context.Context, r presence.Registration, keepOlder bool) (presence.View, *presence.Registration, error)
	// UpdateAll and Unregister return the view's new version; an error matching
	// presence.ErrGone says that the session does not hold the node.
	// UpdateAll is for many registrations, of as many sessions.
	UpdateAll(ctx context.Context, rs []presence.Registration) []presence.Updated
	Unregister(ctx context.Context, n lime.Node, session string) (version int64, err error)
	// View returns the registrations of one identity.
	View(ctx context.Context, i lime.Identity) (presence.View, error)
	// RaiseFloors notes up to where addresses have acknowledged what was stored for
	// them. Floors returns those of identities, in their order.
	RaiseFloors(ctx context.Context, all []presence.Floor) error
	Floors(ctx context.Context, ids []lime.Identity) ([][]presence.Floor, error)
}

// DefaultStoreTimeout is the default of Config.StoreTimeout.
const DefaultStoreTimeout = 10 * time.Second

// Config is what Hubs are made of. NATS, Registry, Edge and Domains are required.
type Config struct {
	NATS *nats.Conn // made by Connect; Hubs do not close it

	// Registry is called from many goroutines at once, each call for at most Timeout.
	// While it fails, sessions begin all the same, and it is told later.
	Registry Registry

	// Streams is the log and the inbox. Without it nothing is stored, and a message with
	// an id is delivered like one without.
	Streams Streams
	// Directory tells whom messages may be stored for, and of whom. Default: for anybody, of
	// anybody.
	Directory Directory

	// Delegations tells who may send in whose name. Default: nobody in anybody else's.
	Delegations Delegations

	// Grants tells what identities may do with rooms. Default: nothing but what routers tell.
	Grants Grants

	// Groups tells who may send to groups. Default: there are none.
	Groups Groups

	// Events is told what becomes of sessions. Default: nobody is.
	Events Events

	// Sent counts what was queued for sessions, by kind: so many envelopes of so many bytes
	// together. It is called for each turn of a dispatcher and does not block. Default: nobody counts.
	Sent func(k lime.Kind, envelopes, bytes int)

	// Edge is of this run of the edge alone: another would get the replies to it.
	Edge    presence.EdgeID
	ID      string   // the edge's name; its server node is postmaster@<domain>/#<ID>
	Domains []string // that this cluster serves

	// Channels is a domain whose sessions have another node each time they come, "" for none:
	// a notification for one that is gone waits for its identity.
	Channels string

	// Zone tells where an edge is, as it was told; "" when that is not known. It is called
	// for each envelope to sessions that filter by distance, from many goroutines, and does
	// not block. Default: nobody knows.
	Zone func(presence.EdgeID) string

	// AllAnswer tells whether all processes that may have sessions answer to who asks for hubs of an identity: those
	// of an earlier version do not. It is called every second. Default: they do.
	AllAnswer func() bool

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

	// StoreTimeout is how long a message may be on its way into the log before its sender
	// is told that it failed. Keep it longer than an election in JetStream takes, and at
	// most half of the duplicate window. Default DefaultStoreTimeout.
	StoreTimeout time.Duration

	// Timeout bounds one request to the broker or to Redis. Default 2s.
	Timeout time.Duration

	// Tracer follows envelopes whose senders want it. Default none: nothing is looked for.
	Tracer *tracing.Tracer

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Hubs are all hubs of one edge: what its sessions are attached to, and how their
// envelopes leave.
type Hubs struct {
	cfg       Config
	bounds    bounds    // those of cfg that may change
	made      time.Time // what ticks count from
	log       logrus.FieldLogger
	metrics   *metrics
	seed      maphash.Seed
	shards    []*shard
	prefix    string                        // of reply subjects
	prefixes  [subject.Authority + 1]string // the same of messages, by their senders' standing
	replies   replies
	turns     atomic.Uint64 // of publications that nobody is told about
	here      *nearby
	doubts    atomic.Uint32 // how often what other edges had told may have been missed
	checks    atomic.Uint32 // how often it was time to ask them again
	answering atomic.Bool   // all of them answer
	registrar *registrar
	barrier   barrier.Barrier
	hints     *hints
	unread    *unread
	refusals  chan refusal
	overload  chan struct{} // the client library has dropped something
	refused   brokerRefusals
	listening error // why nothing can be heard; nil when it can
	announcer *announcer
	presences plainPresences

	authorities *authorities
	gateways    *gateways
	gate        *gate
	telling     *telling // nil when nobody wants to be told

	// Only with Streams.
	budget     budget
	outbox     *outbox
	recipients *recipients
	reader     *reader
	floors     *floors
	removals   *removals
	handovers  *handovers
	suspects   chan struct{} // copies may have been lost
	complaints complaint.Log

	scratch sync.Pool // of *scratch
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
	if cfg.StoreTimeout <= 0 {
		cfg.StoreTimeout = DefaultStoreTimeout
	}
	if cfg.Sent == nil {
		cfg.Sent = func(lime.Kind, int, int) {}
	}
	h := &Hubs{
		here:    new(nearby),
		cfg:     cfg,
		made:    time.Now(),
		log:     logger(cfg.Logger),
		metrics: newMetrics(cfg.Metrics),
		seed:    maphash.MakeSeed(),
		prefix:  subject.ReplyPrefix(cfg.Edge),
	}
	for by := range h.prefixes {
		h.prefixes[by] = subject.Standing(by).By(h.prefix)
	}
	h.SetBounds(Bounds{KeepOlder: cfg.KeepOlder, MaxPerIdentity: cfg.MaxPerIdentity})
	h.scratch.New = func() any { return new(scratch) }
	h.barrier.Flush = func() error { return cfg.NATS.FlushTimeout(cfg.Timeout) }
	h.hints = newHints(cfg.NATS)
	h.registrar, h.announcer = newRegistrar(h), newAnnouncer(h)
	h.unread = newUnread()
	h.refusals = make(chan refusal, refusalBacklog)
	h.overload = make(chan struct{}, 1)
	h.refused.wake = make(chan struct{}, 1)
	h.authorities, h.gateways = newAuthorities(h), newGateways(h)
	h.gate = newGate(h)
	h.telling = newTelling(&h.cfg)
	for range cfg.Shards {
		s := &shard{
			edge: h, messages: make(chan *nats.Msg, cfg.Backlog), hubs: newHubTable(), unheard: map[*hub]struct{}{}, overdue: map[*Member]time.Time{},
		}
		s.turn.hubs = h
		var err error
		if s.interest, err = interest.Listen(cfg.NATS, s.messages, subject.BeforeHub, subject.BehindHub); err != nil {
			h.listening = err
		}
		h.shards = append(h.shards, s)
	}
	h.complaints.Logger = h.log
	cfg.NATS.SetErrorHandler(h.brokerError) // which looks at all shards
	h.answering.Store(cfg.AllAnswer == nil || cfg.AllAnswer())
	if cfg.Streams != nil {
		h.outbox, h.recipients = newOutbox(h), newRecipients(h)
		h.reader, h.floors, h.removals = newReader(h), newFloors(h), newRemovals(h)
		h.suspects, h.handovers = make(chan struct{}, 1), newHandovers(h)
		for p := range cfg.Streams.Partitions() {
			h.metrics.silent(p) // there from the start
		}
	}
	h.watch()
	return h
}

// Run hands out what NATS brings, and keeps Redis told, until ctx is done. Then it
// tells Redis of the sessions that have left, for at most the configured timeout.
func (h *Hubs) Run(ctx context.Context) error {
	if h.listening != nil {
		return fmt.Errorf("listen to sessions' subjects: %w", h.listening)
	}
	// Before anything else, so that no break goes unnoticed after the edge can be heard.
	back := h.cfg.NATS.StatusChanged(nats.CONNECTED)
	defer h.cfg.NATS.RemoveStatusListener(back)
	h.hints.begin()
	changed := h.cfg.NATS.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
	defer h.cfg.NATS.RemoveStatusListener(changed)
	connection := h.cfg.NATS.StatusChanged(nats.RECONNECTING, nats.CONNECTED)
	defer h.cfg.NATS.RemoveStatusListener(connection)
	control, err := h.cfg.NATS.Subscribe(subject.Edge(h.cfg.Edge), h.control)
	if err != nil {
		return fmt.Errorf("subscribe to control messages: %w", err)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	var running sync.WaitGroup
	for _, s := range h.shards {
		running.Go(func() { h.dispatch(ctx, s) })
	}
	running.Go(func() { h.followConnection(ctx, changed) })
	running.Go(func() { h.registrar.run(ctx) })
	running.Go(func() { h.follow(ctx, back) })
	running.Go(func() { h.watchLosses(ctx) })
	running.Go(func() { h.watchRefusals(ctx) })
	if h.learns() {
		running.Go(func() { h.doubtDelegations(ctx, connection) })
		running.Go(func() { h.followDelegations(ctx) })
	}
	running.Go(func() { h.announcer.run(ctx) })
	if h.telling != nil {
		running.Go(func() { h.telling.run(ctx) })
	}
	running.Go(func() { h.authorities.run(ctx) })
	running.Go(func() { h.gateways.run(ctx) })
	running.Go(func() { h.gate.run(ctx) })
	var stored error
	if h.cfg.Streams != nil {
		running.Go(func() {
			if stored = h.runStored(ctx); stored != nil {
				end() // an edge that cannot store is none
			}
		})
	}
	running.Wait()
	h.barrier.Idle()
	if err := control.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from control messages: %w", err)
	}
	return stored
}

// runStored runs what stored delivery is made of until ctx is done. The first error
// is returned when all have ended.
func (h *Hubs) runStored(ctx context.Context) error {
	back := h.cfg.NATS.StatusChanged(nats.CONNECTED)
	defer h.cfg.NATS.RemoveStatusListener(back)
	var all sync.WaitGroup
	var outboxErr, resyncErr error
	ctx, end := context.WithCancel(ctx)
	defer end()
	// The outbox ends last: it needs the others for what is under way.
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	all.Go(func() {
		defer stop() // when ctx is done, or with an error
		outboxErr = h.outbox.run(ctx)
	})
	all.Go(func() {
		defer end()
		resyncErr = h.resync(working, back)
	})
	all.Go(func() { h.handovers.run(working) })
	all.Go(func() { h.recipients.run(working) })
	all.Go(func() { h.reader.run(working) })
	all.Go(func() { h.floors.run(working) })
	all.Go(func() { h.removals.run(working) })
	all.Go(func() { h.watchReceipts(working) })
	all.Go(func() { h.tellRefusals(working) })
	all.Wait()
	return errors.Join(outboxErr, resyncErr)
}

// ServerNode is the address of this edge as the server that speaks to who is of a domain.
func (h *Hubs) ServerNode(domain string) lime.Node {
	return lime.ServerNode(h.cfg.Domains, domain, h.cfg.ID)
}

// appendServer appends the text of that address.
func (h *Hubs) appendServer(dst []byte, domain string) []byte {
	dst = lime.AppendIdentity(dst, lime.ServerNode(h.cfg.Domains, domain, "").Identity)
	return append(append(dst, "/#"...), h.cfg.ID...)
}

// partition is that of an identity; 0 where nothing is stored.
func (h *Hubs) partition(key subject.Key) uint16 {
	if h.cfg.Streams == nil {
		return 0
	}
	return uint16(key.Partition(h.cfg.Streams.Partitions()))
}

func (h *Hubs) shardOf(key subject.Key) *shard {
	return h.shards[h.hash(key)%uint64(len(h.shards))]
}

func logger(l logrus.FieldLogger) logrus.FieldLogger {
	if l != nil {
		return l
	}
	n := logrus.New()
	n.SetLevel(logrus.PanicLevel)
	return n
}
