package status

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// Config is what a page needs. What is not said to be optional is required.
type Config struct {
	Reporter *Reporter
	NATS     *nats.Conn
	Subjects Subjects
	// Members are all whom gossip thinks alive, this one included. It does not block.
	Members func() []Member
	// Drain has this member drain and end. It does not wait for that.
	Drain func()
	// Rebalance has this member give away what it has above the mean, and returns how many sessions that is, 0 when they are
	// too few to be sure. Nil where there are no sessions.
	Rebalance func() (surplus int, err error)
	// LogLevel has this member log from another level on, for a time, or for 0 until it is told otherwise; "" is what its
	// configuration says. by is who asks.
	LogLevel func(level string, during time.Duration, by string) error
	// Search finds an identity. An error that is a [Refusal] is for who has asked.
	Search func(ctx context.Context, text string) (Found, error)
	// Ignore has all edges take nothing from a peer for a time, or for 0 take it again, and Ignored are those of whom they do not.
	// An error that wraps a [Refusal] is for who has asked.
	Ignore  func(ctx context.Context, peer string, during time.Duration, by string) (Ignored, error)
	Ignored func(ctx context.Context) ([]Ignored, error)
	// Survey looks at the streams, and names up to top identities with the most waiting. What there is of it counts with an
	// error, too.
	Survey func(ctx context.Context, top int) (Survey, error)
	// Files are what a browser loads, at /status and below it.
	Files http.Handler
	// Token is who has it may do something and see whole addresses. Default none: nobody may. See [Page.SetToken].
	Token   string
	Log     logrus.FieldLogger
	Metrics prometheus.Registerer // default none
}

// Page is the status page of one process.
type Page struct {
	cfg     Config
	guard   *guard
	metrics *metrics

	lately lately // what has waited

	wanted chan struct{} // has room for one; given to by the first who watches

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	newest   atomic.Pointer[frames] // nil while nobody watches
}

// New makes a page; Run has it show something.
func New(cfg Config) *Page {
	p := &Page{cfg: cfg, wanted: make(chan struct{}, 1), watchers: map[*watcher]struct{}{}}
	p.metrics = newMetrics(cfg.Metrics, p)
	p.guard = newGuard(cfg.Token, p.metrics)
	return p
}

// SetToken puts another token in force, "" for none.
func (p *Page) SetToken(token string) { p.guard.set(token) }

// Run answers other members, keeps the history, and collects while somebody watches, until ctx is done.
func (p *Page) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	parts.Go(func() { p.cfg.Reporter.Run(ctx) })
	parts.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-p.wanted:
				p.collect(ctx)
			}
		}
	})
	return p.cfg.Reporter.Answer(ctx, p.cfg.NATS, p.cfg.Subjects, p.do)
}
