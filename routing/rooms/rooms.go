package rooms

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing/barrier"
	"limegrove/tracing"
)

// Address is where a room is: rooms of one name in two domains are two.
type Address struct {
	Domain string
	Name   room.Name
}

// Occupant is what a room needs of a local session. None of its methods blocks.
type Occupant interface {
	// Hear queues what was published to the room of one of the session's seats: the envelopes
	// of a run from the number from on, and before the number to. It returns how many it has queued;
	// when these are not all, the error says why the next one was not, and matches routing's ErrQueueFull
	// when the session reads too slowly. It borrows the run, in which it may keep forms for others.
	Hear(s *Seat, r *prepared.Run, from, to int) (n int, err error)
	// Flush writes what was queued. It is called once for all that one turn had.
	Flush()
}

// Visitor is whose seat it is, as others are told. Of one without a session nobody is.
type Visitor struct {
	Node    lime.Node
	Session string
}

// Entry is what a session asks for with a room.
type Entry struct {
	Address
	Wild bool // a wildcard of the room's stands for any value
	Visitor

	// Since asks for what a room that keeps its messages was given behind a position; 0 for
	// all that it has. Default: for nothing of before.
	Since *uint64
}

// Config is what Rooms are made of. Their NATS is a connection of their own, so that what is
// live does not hold up what is stored; they take its error handler.
type Config struct {
	PublisherConfig

	// Registry keeps who is in which room. Default: nobody knows.
	Registry Registry
	Edge     presence.EdgeID // whose registrations they are
	ID       string          // the edge's name: commands come from postmaster@<domain>/#<ID>

	// Events is told who enters and leaves rooms. It needs the Registry. Default: nobody is.
	Events Events

	// MaxListed is up to how many sessions in a room are told by their identities; of more
	// the number alone is. Default 100.
	MaxListed int

	// MaxSeats bounds the seats in one room on this edge; more of them make each turn
	// longer, for all rooms of the shard. Default 100,000.
	MaxSeats int

	// Tracer follows what is published. Default none: nothing is looked for.
	Tracer *tracing.Tracer

	// Shards is how many goroutines hand out what NATS brings. Default GOMAXPROCS.
	Shards int

	// Backlog bounds what waits for one shard; what does not fit is dropped. Default 16384.
	Backlog int

	// Timeout bounds one round trip to the broker. Default 2s.
	Timeout time.Duration
}

// Rooms are the rooms of one edge.
type Rooms struct {
	*Publisher

	cfg     Config
	warn    complaint.Log // of what clients may have happen again and again
	metrics *metrics
	seed    maphash.Seed
	shards  []*shard
	barrier barrier.Barrier

	attendance attendance
	teller     *Teller
	catchUps   []*catchUp    // by their partitions
	overloaded chan struct{} // holds one: the client library has dropped something

	registryTrouble trouble
}

// New makes the rooms of an edge. Nothing is heard before Run.
func New(cfg Config) *Rooms {
	if cfg.MaxSeats <= 0 {
		cfg.MaxSeats = 100_000
	}
	if cfg.MaxListed <= 0 {
		cfg.MaxListed = 100
	}
	if cfg.Shards <= 0 {
		cfg.Shards = runtime.GOMAXPROCS(0)
	}
	if cfg.Backlog <= 0 {
		cfg.Backlog = 16384
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = silent()
	}
	m := newMetrics(cfg.Metrics)
	r := &Rooms{warn: complaint.Log{Logger: cfg.Logger}, Publisher: newPublisher(cfg.PublisherConfig, m.publisherMetrics), cfg: cfg, metrics: m, seed: maphash.MakeSeed()}
	r.attendance = attendance{registry: cfg.Registry, edge: cfg.Edge, events: cfg.Events, parties: map[roomKey]*party{}}
	r.teller = newTeller(cfg.NATS, r.barrier.Wait)
	r.barrier.Flush = func() error { return cfg.NATS.FlushTimeout(cfg.Timeout) }
	r.registryTrouble = trouble{log: cfg.Logger, begins: "who is in which room cannot be told", ends: "who is in which room can be told again"}
	r.overloaded = make(chan struct{}, 1)
	if cfg.Streams != nil {
		for p := range cfg.Streams.Partitions() {
			r.catchUps = append(r.catchUps, newCatchUp(cfg.Logger, p))
		}
	}
	for range cfg.Shards {
		r.shards = append(r.shards, newShard(r))
	}
	cfg.NATS.SetErrorHandler(r.brokerError)
	return r
}

// Run hands out what NATS brings until ctx is done.
func (r *Rooms) Run(ctx context.Context) {
	back := r.cfg.NATS.StatusChanged(nats.CONNECTED) // before anybody is heard, so that no break goes unnoticed
	defer r.cfg.NATS.RemoveStatusListener(back)
	var running sync.WaitGroup
	for _, s := range r.shards {
		running.Go(func() { s.run(ctx) })
	}
	if r.cfg.Registry != nil {
		running.Go(func() { r.attend(ctx) })
		running.Go(func() { r.teller.Run(ctx) })
	}
	running.Go(func() { r.Publisher.Run(ctx) })
	if r.cfg.Streams != nil || r.cfg.Registry != nil {
		running.Go(func() { r.watch(ctx, back) })
	}
	running.Wait()
	for _, c := range r.catchUps {
		c.end()
	}
	r.barrier.Idle()
}

// ErrCrowded says that a room has as many seats on this edge as it may have.
var ErrCrowded = errors.New("the room is full")

// Enter reserves a seat in a room, and returns when what is published from now on will
// come here, which takes a round trip if nobody was in the room. Nothing is heard before
// Activate.
//
// An error matches ErrCrowded, subject.ErrTooLong, or is the broker's.
func (r *Rooms) Enter(ctx context.Context, e Entry, o Occupant) (*Seat, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	h, err := r.shardOf(e.Address).join(ctx, e.Address, e.Wild && e.Name.Wild())
	if err != nil {
		return nil, fmt.Errorf("enter a room: %w", err)
	}
	s := &Seat{hall: h, occupant: o, visitor: e.Visitor}
	if h.keeping != nil {
		s.progress = &progress{}
		if err := s.begin(ctx, e.Since); err != nil {
			h.leave()
			return nil, fmt.Errorf("enter a room: %w", err)
		}
	}
	return s, nil
}

// shardOf is the shard of a room.
func (r *Rooms) shardOf(at Address) *shard {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.Write(lime.AppendFold(nil, []byte(at.Domain))) // it cannot fail
	_, _ = h.WriteString(string(at.Name))
	return r.shards[h.Sum64()%uint64(len(r.shards))]
}
