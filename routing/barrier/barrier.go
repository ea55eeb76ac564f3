// Package barrier makes sure that a broker has read what was written before.
package barrier

import (
	"context"
	"sync"
)

// Barrier makes round trips, of which each serves all who wait for it.
type Barrier struct {
	// Flush is one round trip, bounded in time. Set before the first Wait, and not changed.
	Flush func() error

	mu      sync.Mutex
	next    *round // who came while a round was under way
	running bool
	done    sync.WaitGroup // the goroutine that runs rounds, while there are any
}

type round struct {
	over chan struct{} // closed when err is set
	err  error
}

// Wait returns when a round trip that began after the call is over.
func (b *Barrier) Wait(ctx context.Context) error {
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

// Idle returns when no round trip is under way. Nobody may call Wait meanwhile.
func (b *Barrier) Idle() { b.done.Wait() }

// run serves rounds until nobody waits.
func (b *Barrier) run() {
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
		r.err = b.Flush()
		close(r.over)
	}
}
