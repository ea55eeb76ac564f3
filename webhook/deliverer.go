package webhook

import (
	"context"
	"fmt"
	"sync"
	"time"

	"limegrove/routing/lease"
)

// Deliverer is one router's part in telling endpoints.
type Deliverer struct {
	cfg       Config
	metrics   *metrics
	endpoints []*endpoint

	mu   sync.Mutex
	said map[string]time.Time // when trouble of a kind was told
}

// New makes one. It does nothing before Run.
func New(cfg Config) *Deliverer {
	cfg.setDefaults()
	d := &Deliverer{cfg: cfg, metrics: newMetrics(cfg.Metrics), said: map[string]time.Time{}}
	for i := range cfg.Endpoints {
		d.endpoints = append(d.endpoints, newEndpoint(d, &d.cfg.Endpoints[i]))
	}
	return d
}

// Run works until ctx is done, lets the requests that are under way end, for a few seconds, and
// lets go of its partitions.
func (d *Deliverer) Run(ctx context.Context) {
	defer func() {
		for _, e := range d.endpoints {
			e.client.CloseIdleConnections()
		}
	}()
	if len(d.endpoints) == 0 {
		<-ctx.Done()
		return
	}
	var all sync.WaitGroup
	for p := range d.cfg.Events.Partitions() {
		all.Go(func() { d.partition(ctx, p) })
	}
	all.Wait()
}

// partition works for one partition while this router has it.
func (d *Deliverer) partition(ctx context.Context, p int) {
	for ctx.Err() == nil {
		t := tenure{Deliverer: d, p: p, lease: lease.New(lease.Config{
			Leases: d.cfg.Leases, Name: fmt.Sprintf("event-%d", p), Holder: d.cfg.Router, For: d.cfg.Lease, Timeout: d.cfg.Timeout,
		})}
		held, err := t.lease.Hold(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			d.complain(err, "who tells of events cannot be agreed on")
		case held:
			t.run(ctx)
		}
		pause(ctx, d.cfg.Lease/3)
	}
}

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// complainEvery is how often trouble of a kind is told.
const complainEvery = 30 * time.Second

func (d *Deliverer) complain(err error, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := time.Now(); now.Sub(d.said[what]) >= complainEvery {
		d.said[what] = now
		d.cfg.Logger.WithError(err).Warn(what)
	}
}
