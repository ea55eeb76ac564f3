package sweep

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/complaint"
	"limegrove/lime"
)

// Sweeper is one router's part in sweeping.
type Sweeper struct {
	cfg     Config
	log     logrus.FieldLogger
	metrics *metrics
}

// New makes a sweeper. It does nothing before Run.
func New(cfg Config) *Sweeper {
	cfg.setDefaults()
	return &Sweeper{cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Metrics)}
}

// Run sweeps until ctx is done, and lets go of its partitions.
func (s *Sweeper) Run(ctx context.Context) {
	var all sync.WaitGroup
	for p := range s.cfg.Streams.Partitions() {
		all.Go(func() { s.partition(ctx, p) })
	}
	all.Wait()
}

// partition sweeps one partition while this router has it.
func (s *Sweeper) partition(ctx context.Context, p int) {
	w := walk{Sweeper: s, p: p, lease: fmt.Sprintf("sweep-%d", p), log: s.log.WithField("partition", p)}
	w.warn.Logger = w.log
	defer w.letGo(ctx)
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		wait.Reset(s.cfg.Every)
		began := time.Now()
		more, err := w.turn(ctx)
		now := time.Now()
		w.tell(ctx, err, now)
		if more && err == nil {
			wait.Reset(min(now.Sub(began), s.cfg.Every)) // others have as long as it took
		}
	}
}

// walk is the sweep of one partition. It is owned by one goroutine.
type walk struct {
	*Sweeper
	p     int
	lease string
	log   logrus.FieldLogger
	warn  complaint.Log // of what clients may have happen again and again

	held     bool
	name     string     // of the log
	next     uint64     // the first sequence that was not looked at
	stored   time.Time  // nothing before next was stored later
	past     past       // how next came to be what it is
	copied   uint64     // the first sequence that is not to be purged yet
	purged   uint64     // up to where the log was purged
	purgedAt time.Time  // when
	back     []returned // what could not be given back the last time
	expiry   expiry     // what the inbox still has time for
	marked   bool       // Redis has a floor of the sweep's own
	waryTill time.Time  // floors may be missing until then
	header   lime.Header
	reached  time.Time // what was stored before then was looked at; zero: nobody knows
	trouble  trouble
}

// purgeEvery is how often the log is purged when little is stored.
const purgeEvery = 10 * time.Second

// turn does one step, if this router has the partition. more tells that there is
// enough to do for another one at once.
func (w *walk) turn(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	held, err := w.cfg.Registry.Hold(ctx, w.lease, w.cfg.Router, w.cfg.Lease)
	if err == nil {
		w.hold(held)
	}
	if err != nil || !held {
		return false, err
	}
	if more, err = w.step(ctx); err != nil {
		return false, err
	}
	late, err := w.expire(ctx, time.Now())
	return more || late, err
}

// hold takes the partition, or lets go of it. Whoever takes one begins where the log
// does.
func (w *walk) hold(held bool) {
	switch {
	case held == w.held:
		return
	case held:
		w.metrics.held.Inc()
	default:
		w.metrics.held.Dec()
		w.metrics.age.DeleteLabelValues(strconv.Itoa(w.p))
	}
	w.held = held
	w.begin()
	w.expiry = expiry{}
}

// begin has the next step begin where the log does.
func (w *walk) begin() {
	w.next, w.copied, w.purged, w.reached, w.stored = 0, 0, 0, time.Time{}, time.Time{}
	w.past, w.back = nil, nil
}

// follow begins again when the log is another than before. The floors of the new one are
// under its name, the sweep's own, too: so it waits, as when Redis was emptied, until the
// edges have told theirs. The inbox is walked on: if it is another, too, its sequences are
// above those of the one before.
func (w *walk) follow(name string) {
	if name == w.name {
		return
	}
	if w.name != "" {
		w.log.Info("the log is another than before; the sweep begins where it does")
		w.begin()
	}
	w.name = name
}

// letGo gives the partition to whoever wants it, when the sweep ends.
func (w *walk) letGo(ctx context.Context) {
	if !w.held {
		return
	}
	w.hold(false)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.Timeout)
	defer cancel()
	_ = w.cfg.Registry.Release(ctx, w.lease, w.cfg.Router) // it ends by itself
}
