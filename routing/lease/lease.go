// Package lease has one router at a time do what is one's work: by a lease in Redis, and by
// its own clock, so that one that has stood still for longer than its lease does not go on
// where it was.
//
// While Redis is away nobody gets a lease, and whoever has one keeps it.
package lease

import (
	"context"
	"sync/atomic"
	"time"

	"limegrove/presence"
)

// Leases gives each name to one holder, for a time.
type Leases interface {
	Hold(ctx context.Context, name string, holder presence.EdgeID, ttl time.Duration) (held bool, err error)
	Release(ctx context.Context, name string, holder presence.EdgeID) error
}

// Config is what a Lease is made of. All is required.
type Config struct {
	Leases  Leases
	Name    string
	Holder  presence.EdgeID
	For     time.Duration // how long it lasts when its holder is not heard of
	Timeout time.Duration // of one question; a third of For at most, so that silence costs nobody a lease
}

// Lease is one process's part in a lease. Its methods may be called from anywhere.
type Lease struct {
	cfg   Config
	until atomic.Pointer[time.Time] // it is valid before; by the monotonic clock
}

// New makes one that is not held.
func New(cfg Config) *Lease { return &Lease{cfg: cfg} }

// Hold gets or renews it.
func (l *Lease) Hold(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, min(l.cfg.Timeout, l.cfg.For/3))
	defer cancel()
	until := time.Now().Add(l.cfg.For)
	held, err := l.cfg.Leases.Hold(ctx, l.cfg.Name, l.cfg.Holder, l.cfg.For)
	// Without Redis nobody else gets it. But whoever has stood still for longer than it lasts
	// begins again.
	if held && err == nil || err != nil && l.Valid() {
		l.LastUntil(until)
	}
	return held, err
}

// LastUntil has it be valid until then, whoever holds it: for Hold, and for tests.
func (l *Lease) LastUntil(then time.Time) { l.until.Store(&then) }

// Valid tells whether nobody else has it, as far as this process knows.
func (l *Lease) Valid() bool {
	until := l.until.Load()
	return until != nil && time.Now().Before(*until)
}

// Keep renews it until ctx is done, or it is lost: then lost is called, and Keep returns.
// complain is told of errors meanwhile.
func (l *Lease) Keep(ctx context.Context, complain func(error), lost func()) {
	tick := time.NewTicker(l.cfg.For / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		held, err := l.Hold(ctx)
		if err != nil && ctx.Err() == nil {
			complain(err)
		}
		if err == nil && !held || !l.Valid() {
			lost()
			return
		}
	}
}

// Release gives it back if it is valid still, whatever becomes of ctx.
func (l *Lease) Release(ctx context.Context) {
	if !l.Valid() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.cfg.Timeout)
	defer cancel()
	_ = l.cfg.Leases.Release(ctx, l.cfg.Name, l.cfg.Holder) // it ends by itself
	l.until.Store(nil)
}
