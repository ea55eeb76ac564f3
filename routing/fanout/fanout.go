package fanout

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/routing/subject"
)

// Fanout is one router's part in fanning out.
type Fanout struct {
	cfg     Config
	metrics *metrics
	rosters rosters
	stores  chan struct{}   // holds one for each lot of copies under way
	retries []chan struct{} // as much for lots that were tried before, by the partition of their log
	prefix  string          // of reply subjects
	turns   atomic.Uint64

	mu   sync.Mutex
	said map[string]time.Time // when trouble of a kind was told
}

// retriesAtOnce is how many lots of copies are tried again at once in a log that did not
// take them.
const retriesAtOnce = 2

// New makes a fan-out. It does nothing before Run.
func New(cfg Config) *Fanout {
	cfg.setDefaults()
	f := &Fanout{
		cfg: cfg, metrics: newMetrics(cfg.Metrics), stores: make(chan struct{}, cfg.Stores),
		prefix: subject.ReplyPrefix(cfg.Router), said: map[string]time.Time{},
	}
	f.rosters.fanout = f
	for range cfg.Streams.Partitions() {
		f.retries = append(f.retries, make(chan struct{}, retriesAtOnce))
	}
	return f
}

// Run works until ctx is done, finishes the messages that it is at, for a few seconds, and
// lets go of its partitions.
func (f *Fanout) Run(ctx context.Context) {
	var all sync.WaitGroup
	for p := range f.cfg.Streams.Partitions() {
		all.Go(func() { f.partition(ctx, p) })
	}
	all.Wait()
}

// partition works for one partition while this router has it.
func (f *Fanout) partition(ctx context.Context, p int) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		t := f.newTenure(p)
		held, err := t.lease.Hold(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			f.complain(err, "who fans out cannot be agreed on")
		case held:
			t.run(ctx)
		}
		pause.Reset(f.cfg.Lease / 3)
	}
}

// complainEvery is how often trouble of a kind is told.
const complainEvery = 30 * time.Second

func (f *Fanout) complain(err error, what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.said[what]) >= complainEvery {
		f.said[what] = now
		f.cfg.Logger.WithError(err).Warn(what)
	}
}
