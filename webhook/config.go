package webhook

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/presence"
	"limegrove/routing/events"
	"limegrove/routing/lease"
)

// Events is what there is to tell, in the order of each partition.
type Events interface {
	Partitions() int
	// EventsName names the stream of a partition; one that is made anew has another.
	EventsName(p int) string
	Read(ctx context.Context, p int, from uint64, most, bytes int) (events.Page, error)
	// Follow has wake called when there may be more, until stop.
	Follow(p int, wake func()) (stop func(), err error)
	// PurgeEvents removes what is not above a sequence.
	PurgeEvents(ctx context.Context, p int, upTo uint64) error
}

// Places are up to where endpoints have the events of partitions.
type Places interface {
	Place(ctx context.Context, p int, endpoint string) (events.Place, error)
	// Keep returns an error that matches events.ErrPlaceLost when somebody else has kept it.
	Keep(ctx context.Context, p int, endpoint string, place events.Place) (events.Place, error)
	Places(ctx context.Context, p int) (map[string]events.Place, error)
}

// DeadLetters are events that endpoints did not take.
type DeadLetters interface {
	// Bury adds some of an endpoint. An error passes, and adding them again does no harm.
	Bury(ctx context.Context, endpoint, reason string, all []events.Stored) error
}

// Config is what a Deliverer is made of. The first five are required.
type Config struct {
	Events      Events
	Places      Places
	DeadLetters DeadLetters
	Leases      lease.Leases    // gives each partition to one router
	Router      presence.EdgeID // this router's incarnation

	// Endpoints are as Check has left them. Without any, nothing is done.
	Endpoints []Endpoint

	// Lease is for how long a partition belongs to a router that is not heard of: how long
	// its events wait when it dies. Default 6s.
	Lease time.Duration

	// Every is the time between two looks at a partition that tells of nothing. Default 1s.
	Every time.Duration

	// Timeout bounds one question to Redis or JetStream. Default 5s.
	Timeout time.Duration

	// Transport is for tests. Default one of each endpoint's own, with as many connections
	// as it has requests.
	Transport http.RoundTripper

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
	set(&c.Every, time.Second)
	set(&c.Timeout, 5*time.Second)
	if c.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		c.Logger = silent
	}
}
