package fanout

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/lease"
	"limegrove/routing/stream"
	"limegrove/tracing"
)

// Streams is what a fan-out needs of JetStream.
type Streams interface {
	Partitions() int
	// WalkGroup returns what a partition has from a sequence on, in order.
	WalkGroup(ctx context.Context, p int, from uint64, messages, bytes int) (stream.Page, error)
	// ReadGroup returns what a partition has under one subject from a sequence on, in order.
	// There is nothing else up to Through, and when that is below from nothing is known.
	ReadGroup(ctx context.Context, p int, subject string, from uint64, messages, bytes int) (stream.Page, error)
	DeleteGroup(ctx context.Context, p int, sequence uint64) error
	// Store stores messages under their subjects in the logs, and returns an error for each:
	// stream.ErrRefused is for good.
	Store(ctx context.Context, messages []*nats.Msg) []error
}

// ErrGone is matched by Groups when there is no such group.
var ErrGone = errors.New("there is no such group")

// Groups tells who is in a group.
type Groups interface {
	// Revision is another whenever the group or its members are.
	Revision(ctx context.Context, group lime.Identity) (uint64, error)
	// Roster returns the members, not older than a revision.
	Roster(ctx context.Context, group lime.Identity, least uint64) (Roster, error)
}

// Roster is a group with its members.
type Roster struct {
	Group    lime.Identity // in its own spelling
	Revision uint64
	Members  []Member
}

// Member is where messages of a group go for somebody.
type Member struct {
	Address lime.Node // an identity, or one node
	MaySend bool
}

// Config is what a Fanout is made of. All but the times and bounds, Logger and Metrics is
// required.
type Config struct {
	NATS    *nats.Conn // made by routing.Connect; it stays the caller's
	Streams Streams
	Leases  lease.Leases // gives each partition to one router
	Groups  Groups
	Router  presence.EdgeID // this router's incarnation
	ID      string          // the router's name, for the node that senders are told by
	Domains []string        // that are served, for the same

	// Lease is for how long a partition belongs to a router that is not heard of: how long
	// its groups stand still when it dies. Well below the duplicate window, so that what it
	// has stored is known. Default 6s.
	Lease time.Duration

	// AtOnce is how many groups of a partition are worked for at once, without those that
	// wait for logs that do not answer. Default 16.
	AtOnce int

	// Stores is how many lots of copies the router has under way at once, of some hundred
	// each, without those that are tried again. More of them press harder on the broker.
	// Default 16.
	Stores int

	// Patience is how long copies that the logs do not take are tried. Then they are given
	// up. Default 10 minutes.
	Patience time.Duration

	// Every is the time between two looks at a stream that tells of nothing. Default 1s.
	Every time.Duration

	// Timeout bounds one question to Redis, JetStream or the groups. Default 5s.
	Timeout time.Duration

	// Tracer follows messages. Default none: nothing is looked for.
	Tracer *tracing.Tracer

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

func (c *Config) setDefaults() {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.Lease, 6*time.Second)
	set(&c.Patience, 10*time.Minute)
	set(&c.Every, time.Second)
	set(&c.Timeout, 5*time.Second)
	if c.AtOnce <= 0 {
		c.AtOnce = 16
	}
	if c.Stores <= 0 {
		c.Stores = 16
	}
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Logger = silent
	}
}
