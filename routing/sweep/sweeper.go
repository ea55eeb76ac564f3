package sweep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

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
	w := walk{Sweeper: s, p: p, log: s.log.WithField("partition", p)}
	lease := fmt.Sprintf("sweep-%d", p)
	defer func() {
		if w.held {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
			defer cancel()
			_ = s.cfg.Registry.Release(ctx, lease, s.cfg.Router) // it ends by itself
			s.metrics.held.Dec()
		}
	}()
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		wait.Reset(s.cfg.Every)
		more, err := w.turn(ctx, lease)
		w.tell(ctx, err)
		if more && err == nil {
			wait.Reset(0)
		}
	}
}

// walk is the sweep of one partition. It is owned by one goroutine.
type walk struct {
	*Sweeper
	p   int
	log logrus.FieldLogger

	held     bool
	next     uint64    // the first sequence that was not looked at
	copied   uint64    // what was looked at by the end of the step before
	purged   uint64    // up to where the log was purged
	purgedAt time.Time // when
	expired  time.Time // when the inbox was last looked through
	marked   bool      // Redis has a floor of the sweep's own
	waryTill time.Time // floors may be missing until then
	header   lime.Header
	ailing   bool
}

// How often the log is purged when little is stored, and the inbox is looked through.
const (
	purgeEvery  = 10 * time.Second
	expireEvery = 30 * time.Second
)

// turn does one step, if this router has the partition. more tells that there is
// enough to do for another one at once.
func (w *walk) turn(ctx context.Context, lease string) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	held, err := w.cfg.Registry.Hold(ctx, lease, w.cfg.Router, w.cfg.Lease)
	if held != w.held && err == nil {
		w.held = held
		if held {
			w.next, w.copied, w.purged = 0, 0, 0
			w.metrics.held.Inc()
		} else {
			w.metrics.held.Dec()
		}
	}
	if err != nil || !held {
		return false, err
	}
	if more, err = w.step(ctx); err != nil {
		return false, err
	}
	return more, w.expire(ctx)
}

// tell logs a change between being able and being unable to sweep.
func (w *walk) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.metrics.failures.Inc()
		if !w.ailing {
			w.log.WithError(err).Warn("the sweep has to wait; the log only grows")
		}
		w.ailing = true
	case w.ailing:
		w.ailing = false
		w.log.Info("the sweep goes on")
	}
}
