package routing

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// registrar keeps Redis told of an edge's sessions. What has changed is noted and
// brought there by one goroutine, many at a time; while Redis is away the notes
// stay. They are sets, so at most one a session.
type registrar struct {
	hubs *Hubs
	wake chan struct{} // holds one
	away atomic.Bool   // Redis: the last round failed

	mu       sync.Mutex
	dirty    map[*Member]struct{} // to be registered, or given their new presence
	leaving  map[*Member]struct{} // to be unregistered
	stale    map[*hub]struct{}    // whose view is to be read
	underWay int                  // taken of them by the present round
}

// How many requests one round of the registrar makes at once. Redis sees them as
// pipelines.
const registrarRound = 1024

// registrarPause is the first wait after a round in which something failed; it
// doubles up to registrarPauseMax.
const (
	registrarPause    = 50 * time.Millisecond
	registrarPauseMax = 2 * time.Second
)

func newRegistrar(h *Hubs) *registrar {
	return &registrar{
		hubs:    h,
		wake:    make(chan struct{}, 1),
		dirty:   map[*Member]struct{}{},
		leaving: map[*Member]struct{}{},
		stale:   map[*hub]struct{}{},
	}
}

// changed notes that m's registration is to be brought to Redis.
func (r *registrar) changed(m *Member) {
	if m.unlisted {
		return
	}
	r.mu.Lock()
	r.dirty[m] = struct{}{}
	r.mu.Unlock()
	r.poke()
}

// gone notes that m's registration is to be removed, if Redis can have it.
func (r *registrar) gone(m *Member) {
	m.hub.shard.mu.Lock()
	tried := m.tried
	m.hub.shard.mu.Unlock()
	r.mu.Lock()
	delete(r.dirty, m)
	if tried {
		r.leaving[m] = struct{}{}
	}
	r.mu.Unlock()
	r.poke()
}

// reread notes that a hub's view is to be read. The hub's shard is locked.
func (r *registrar) reread(b *hub) {
	if b.reading {
		return
	}
	b.reading = true
	r.mu.Lock()
	r.stale[b] = struct{}{}
	r.mu.Unlock()
	r.poke()
}

func (r *registrar) poke() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run works until ctx is done, and then works off what is left.
func (r *registrar) run(ctx context.Context) {
	pause := registrarPause
	for {
		select {
		case <-ctx.Done():
			r.finish(context.WithoutCancel(ctx))
			return
		case <-r.wake:
		}
		for ctx.Err() == nil && r.waiting() > 0 {
			err := r.round(ctx)
			if err == nil {
				if r.away.Swap(false) {
					r.hubs.log.Info("Redis has been told of all sessions again")
				}
				pause = registrarPause
				continue
			}
			if ctx.Err() == nil && !r.away.Swap(true) {
				r.hubs.log.WithError(err).Warn("Redis cannot be told of sessions; trying on")
			}
			pause = min(2*pause, registrarPauseMax)
			select {
			case <-ctx.Done():
			case <-time.After(pause/2 + rand.N(pause)):
			}
		}
	}
}

// finish works off what is noted, those that have left first, within the timeout.
func (r *registrar) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, r.hubs.cfg.Timeout)
	defer cancel()
	for r.waiting() > 0 {
		if err := r.round(ctx); err != nil {
			r.hubs.log.WithError(err).Warn("Redis could not be told of all sessions that have left")
			return
		}
	}
}

// waiting is how much is noted, or being brought to Redis.
func (r *registrar) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.dirty) + len(r.leaving) + len(r.stale) + r.underWay
	r.hubs.metrics.backlog.Set(float64(n))
	return n
}

// round brings a part of what is noted to Redis and returns one of the errors.
// What failed is noted again. Those that leave go first, so that no other of their
// node takes them for its holder.
func (r *registrar) round(ctx context.Context) error {
	dirty, leaving, stale := r.take()
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	failed := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		first = err
	}
	do := func(work func() error, again func()) {
		all.Go(func() {
			if err := work(); err != nil {
				again()
				failed(err)
			}
		})
	}
	if len(leaving) > 0 && r.hubs.floors != nil {
		r.hubs.floors.bring(ctx) // where they end, whoever comes next begins, on whatever edge
	}
	for _, m := range leaving {
		do(func() error { return r.unregister(ctx, m) }, func() { r.gone(m) })
	}
	all.Wait()
	if len(dirty) > 0 {
		all.Go(func() {
			r.update(ctx, dirty, func(m *Member, err error) {
				r.changed(m)
				failed(err)
			})
		})
	}
	for _, b := range stale {
		do(func() error { return r.read(ctx, b) }, func() {
			b.shard.mu.Lock()
			defer b.shard.mu.Unlock()
			r.reread(b)
		})
	}
	all.Wait()
	r.mu.Lock()
	r.underWay = 0
	r.mu.Unlock()
	return first
}

// take removes a round's worth of what is noted.
func (r *registrar) take() (dirty, leaving []*Member, stale []*hub) {
	r.mu.Lock()
	defer r.mu.Unlock()
	dirty, leaving, stale = takeSome(r.dirty), takeSome(r.leaving), takeSome(r.stale)
	r.underWay = len(dirty) + len(leaving) + len(stale)
	return dirty, leaving, stale
}

func takeSome[K comparable](set map[K]struct{}) []K {
	some := make([]K, 0, min(len(set), registrarRound))
	for k := range set {
		if len(some) == registrarRound {
			break
		}
		some = append(some, k)
		delete(set, k)
	}
	return some
}
