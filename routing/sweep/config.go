package sweep

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
)

// Streams is what a sweep needs of the log and the inbox.
type Streams interface {
	Partitions() int
	LogName(p int) string
	// WalkLog returns what the log has from a sequence on that was stored before a
	// moment, in order, limit at most.
	WalkLog(ctx context.Context, p int, from uint64, before time.Time, limit int) (stream.Walk, error)
	GetLog(ctx context.Context, p int, sequence uint64) (stream.Message, error)
	// GetLogRun returns what there is from a sequence on, in order.
	GetLogRun(ctx context.Context, p int, from uint64, messages, bytes int) ([]stream.Message, error)
	// LogBegin returns the first sequence that the log has.
	LogBegin(ctx context.Context, p int) (uint64, error)
	// Copy stores messages of the log in the inbox, in order, and returns an error for
	// each: stream.ErrFull and stream.ErrRefused are for good.
	Copy(ctx context.Context, p int, messages []stream.Transfer) []error
	// Store stores messages under their subjects in the logs, in no order, and returns an
	// error for each: one that matches stream.ErrUnavailable passes.
	Store(ctx context.Context, messages []*nats.Msg) []error
	// Publish gives a message to whoever is there, and stores it nowhere.
	Publish(m *nats.Msg) error
	// PurgeLog removes what is not above a sequence, and DeleteLog one message.
	PurgeLog(ctx context.Context, p int, upTo uint64) error
	DeleteLog(ctx context.Context, p int, sequence uint64) error
	// WalkInbox and Delete are for what has waited for too long. A walk begins at a
	// sequence, or when that is 0 at what was stored at a time, and goes on at
	// Through+1; Through is 0 when there is nothing.
	WalkInbox(ctx context.Context, p int, from uint64, since time.Time, messages, bytes int) (stream.Page, error)
	Delete(ctx context.Context, p int, sequence uint64) error
}

// Registry is what a sweep needs of Redis.
type Registry interface {
	Floors(ctx context.Context, ids []lime.Identity) ([][]presence.Floor, error)
	RaiseFloors(ctx context.Context, all []presence.Floor) error
	// Hold gets or renews a lease by name, for one holder at a time.
	Hold(ctx context.Context, name string, holder presence.EdgeID, ttl time.Duration) (held bool, err error)
	Release(ctx context.Context, name string, holder presence.EdgeID) error
}

// Config is what a Sweeper is made of. Streams, Registry and Router are required.
type Config struct {
	Streams  Streams
	Registry Registry
	Router   presence.EdgeID // this router's incarnation
	ID       string          // the router's name, for the node that senders are told by
	Domains  []string        // that are served, for the same

	// Events is told of messages that begin to wait, and of those that wait no longer.
	// Default: nobody is.
	Events Events

	// Delay is how far behind the log's end the sweep walks: how long a message has to
	// be acknowledged before it is copied. Shorter copies more that is acknowledged a
	// moment later, longer keeps more in the log. Default 10s.
	Delay time.Duration

	// Keep is how long a message stays in the log at least: as long as the log has to know
	// its id. Default stream.DefaultDuplicateWindow.
	Keep time.Duration

	// Every is the time between two steps when there is little to do. Default 1s.
	Every time.Duration

	// Lot is how many messages a step looks at. When there is more to do the next step
	// follows after a pause as long as the step was, Every at most, so that a catch-up
	// leaves half of the time to others, and is slower where the broker is busy. Larger
	// lots cost a little less in all, and hold others up for longer at a time: with one
	// broker 10,000 take some 140 ms, 2,000 some 28 ms. Default 2,000.
	Lot int

	// PurgeLot is how many messages that were looked at are purged together, unless 10 s
	// pass before: larger steps cost the broker less. Default 10,000.
	PurgeLot int

	// Lifetime is how long a message waits. Default 7 days.
	Lifetime time.Duration

	// GuestLifetime is how long a message waits for a guest, as those who store it say
	// by stream.LifetimeHeader. Default stream.GuestLifetime.
	GuestLifetime time.Duration

	// Wary is how long the sweep waits when Redis has lost floors, until the edges have
	// told them again. Default 10s.
	Wary time.Duration

	// Lease is how long a partition belongs to a router that is not heard of. Default
	// 10s.
	Lease time.Duration

	// Timeout bounds one request. Default 10s.
	Timeout time.Duration

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

func (c *Config) setDefaults() {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&c.Delay, 10*time.Second)
	set(&c.Keep, stream.DefaultDuplicateWindow)
	set(&c.Every, time.Second)
	set(&c.Lifetime, 7*24*time.Hour)
	set(&c.GuestLifetime, stream.GuestLifetime)
	set(&c.Lease, 10*time.Second)
	set(&c.Wary, 10*time.Second)
	set(&c.Timeout, 10*time.Second)
	if c.Lot <= 0 {
		c.Lot = 2000
	}
	if c.PurgeLot <= 0 {
		c.PurgeLot = 10_000
	}
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Logger = silent
	}
}
