package presence

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// Config says where Redis is and how long to wait for it. A zero field means
// its default.
type Config struct {
	// URL is one of
	//
	//	redis://[[user]:password@]host[:port][/db][?option=value]
	//	redis+cluster://[[user]:password@]host:port[,host:port...]
	//
	// with rediss for TLS; several hosts mean a cluster under either name. The
	// options are those of go-redis's ParseURL and ParseClusterURL, but for
	// retries and timeouts, which the Store sets. It must be given.
	URL string

	// Timeout bounds each call and each attempt to connect, whatever the
	// caller's context allows. More survives longer failovers, less
	// answers sooner while Redis is away. Default 3s.
	Timeout time.Duration

	// LeaseTTL is how long a lease lives that nobody renews; a dead edge's
	// registrations are void after it. All processes must agree. Default 9s, which
	// leaves a second for what follows within the ten that are promised.
	LeaseTTL time.Duration

	// LeaseEvery is how often KeepLease renews. Default 3s; it must be less
	// than half of LeaseTTL, so that one lost attempt does no harm.
	LeaseEvery time.Duration

	// FloorTTL is how long floors live after the last raise of one of an
	// identity's. Less costs nothing but messages that are kept once more than
	// they need be; it must be well above the time that the sweep of the log is
	// behind. Default 1h.
	FloorTTL time.Duration

	// GuestGrace is how long a guest that has left is still known, see
	// Whereabouts. All processes must agree. Default 2m.
	GuestGrace time.Duration

	// Queue bounds the calls that wait to be sent, per lane (there is one lane
	// for a single Redis, sixteen for a cluster). When it is full, callers
	// wait. Default 4096.
	Queue int

	// Batch is the most commands in one pipeline. More gives throughput, less
	// gives latency. Default 256.
	Batch int

	// SweepLimit is the most registrations that one call of Sweep removes.
	// Default 100000.
	SweepLimit int

	// SweepBatch is how many keys one step of a sweep looks at, and the most
	// registrations that one of its scripts removes. Less holds Redis up for less
	// long at a time. At most 1000, since Lua takes not many more. Default 500.
	SweepBatch int

	// Logger gets what the owner of a goroutine has to say; nil discards it.
	Logger logrus.FieldLogger

	// Metrics is where the collectors are registered; nil registers none.
	Metrics prometheus.Registerer
}

func (c *Config) setDefaults() error {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Timeout, 3*time.Second)
	def(&c.LeaseTTL, 9*time.Second)
	def(&c.LeaseEvery, 3*time.Second)
	def(&c.FloorTTL, time.Hour)
	def(&c.GuestGrace, 2*time.Minute)
	for _, n := range []struct {
		field *int
		value int
	}{{&c.Queue, 4096}, {&c.Batch, 256}, {&c.SweepLimit, 100_000}, {&c.SweepBatch, 500}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	if c.Logger == nil {
		discard := logrus.New()
		discard.SetOutput(io.Discard)
		c.Logger = discard
	}
	switch {
	case c.URL == "":
		return errors.New("no redis URL")
	case c.Timeout < 0 || c.LeaseTTL < 0 || c.LeaseEvery < 0 || c.FloorTTL < 0 || c.GuestGrace < 0:
		return errors.New("a duration is negative")
	case c.FloorTTL < time.Millisecond || c.GuestGrace < time.Millisecond:
		return errors.New("a time to live is less than a millisecond")
	case c.Queue < 0 || c.Batch < 0 || c.SweepLimit < 0 || c.SweepBatch < 0:
		return errors.New("a bound is negative")
	case c.SweepBatch > maxSweepBatch:
		return fmt.Errorf("one step of a sweep has at most %d registrations", maxSweepBatch)
	case 2*c.LeaseEvery >= c.LeaseTTL:
		return fmt.Errorf("a lease renewed every %v must live longer than twice that, not %v", c.LeaseEvery, c.LeaseTTL)
	}
	return nil
}
