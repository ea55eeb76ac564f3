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
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/barrier"
	"limegrove/routing/subject"
)

// Address is where a room is: rooms of one name in two domains are two.
type Address struct {
	Domain string
	Name   room.Name
}

// Occupant is what a room needs of a local session. None of its methods blocks.
type Occupant interface {
	// Hear queues what was published to the room of one of the session's seats. It
	// borrows envelope. The error matches routing's ErrQueueFull when the session reads
	// too slowly.
	Hear(s *Seat, envelope []byte) error
	// Flush writes what was queued. It is called once for all that one turn had.
	Flush()
}

// Config is what Rooms are made of. NATS is required.
type Config struct {
	// NATS is a connection of the rooms' own, so that what is live does not hold up what is
	// stored. Rooms take its error handler, and do not close it.
	NATS *nats.Conn

	// MaxSeats bounds the seats in one room on this edge; more of them make each turn
	// longer, for all rooms of the shard. Default 100,000.
	MaxSeats int

	// Shards is how many goroutines hand out what NATS brings. Default GOMAXPROCS.
	Shards int

	// Backlog bounds what waits for one shard; what does not fit is dropped. Default 16384.
	Backlog int

	// Timeout bounds one round trip to the broker. Default 2s.
	Timeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Rooms are the rooms of one edge.
type Rooms struct {
	cfg     Config
	metrics *metrics
	seed    maphash.Seed
	shards  []*shard
	barrier barrier.Barrier
}

// New makes the rooms of an edge. Nothing is heard before Run.
func New(cfg Config) *Rooms {
	if cfg.MaxSeats <= 0 {
		cfg.MaxSeats = 100_000
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
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	r := &Rooms{cfg: cfg, metrics: newMetrics(cfg.Metrics), seed: maphash.MakeSeed()}
	r.barrier.Flush = func() error { return cfg.NATS.FlushTimeout(cfg.Timeout) }
	for range cfg.Shards {
		r.shards = append(r.shards, newShard(r))
	}
	cfg.NATS.SetErrorHandler(r.brokerError)
	return r
}

// Run hands out what NATS brings until ctx is done.
func (r *Rooms) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, s := range r.shards {
		running.Go(func() { s.run(ctx) })
	}
	running.Wait()
	r.barrier.Idle()
}

// ErrCrowded says that a room has as many seats on this edge as it may have.
var ErrCrowded = errors.New("the room is full")

// Enter reserves a seat in a room, and returns when what is published from now on will
// come here, which takes a round trip if nobody was in the room. Nothing is heard before
// Activate. With wild, a wildcard of the room's stands for any value.
//
// An error matches ErrCrowded, subject.ErrTooLong, or is the broker's.
func (r *Rooms) Enter(ctx context.Context, at Address, wild bool, o Occupant) (*Seat, error) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	h, err := r.shardOf(at).join(ctx, at, wild && at.Name.Wild())
	if err != nil {
		return nil, fmt.Errorf("enter a room: %w", err)
	}
	return &Seat{hall: h, occupant: o}, nil
}

// Publish publishes an envelope to a room, or with wild to all rooms that its wildcard
// means. It borrows envelope and does not block. An error matches subject.ErrTooLong, or is
// the broker's.
func (r *Rooms) Publish(at Address, wild bool, envelope []byte) error {
	name := subject.Wide
	if !wild || !at.Name.Wild() {
		name = func(domain string, n room.Name) (string, error) { return subject.Room(domain, n, false) }
	}
	to, err := name(at.Domain, at.Name)
	if err == nil {
		err = r.cfg.NATS.Publish(to, envelope)
	}
	if err != nil {
		r.metrics.drop(dropBroker)
		return fmt.Errorf("publish to a room: %w", err)
	}
	r.metrics.published.Inc()
	return nil
}

// shardOf is the shard of a room.
func (r *Rooms) shardOf(at Address) *shard {
	var h maphash.Hash
	h.SetSeed(r.seed)
	_, _ = h.Write(lime.AppendFold(nil, []byte(at.Domain))) // it cannot fail
	_, _ = h.WriteString(string(at.Name))
	return r.shards[h.Sum64()%uint64(len(r.shards))]
}
