package routing

import (
	"context"
	"sync"
)

// barrier makes sure that the broker has read what was written before: one round
// trip serves all who wait for it.
type barrier struct {
	flush func() error // one round trip, bounded in time

	mu      sync.Mutex
	next    *round // who came while a round was under way
	running bool
	done    sync.WaitGroup // the goroutine that runs rounds, while there are any
}

type round struct {
	over chan struct{} // closed when err is set
	err  error
}

// wait returns when a round trip that began after the call is over.
func (b *barrier) wait(ctx context.Context) error {
	b.mu.Lock()
	if b.next == nil {
		b.next = &round{over: make(chan struct{})}
	}
	r := b.next
	if !b.running {
		b.running = true
		b.done.Go(b.run)
	}
	b.mu.Unlock()
	select {
	case <-r.over:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run serves rounds until nobody waits.
func (b *barrier) run() {
	for {
		b.mu.Lock()
		r := b.next
		b.next = nil
		if r == nil {
			b.running = false
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		r.err = b.flush()
		close(r.over)
	}
}
