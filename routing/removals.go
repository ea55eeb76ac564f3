package routing

import (
	"context"
	"sync"
	"time"
)

// removals deletes from the inboxes what was acknowledged. One that is not deleted, as
// when its edge dies, comes again in a later session.
type removals struct {
	hubs *Hubs
	wake chan struct{}

	mu    sync.Mutex
	queue []removal
	busy  int       // those that are being deleted
	late  time.Time // when nothing more is deleted; zero while the edge runs
}

type removal struct {
	partition int
	sequence  uint64
}

const (
	removalWorkers = 16

	// removalsMax bounds what waits to be deleted.
	removalsMax = 1 << 20
)

func newRemovals(h *Hubs) *removals {
	return &removals{hubs: h, wake: make(chan struct{}, removalWorkers)}
}

// add has a message deleted soon.
func (r *removals) add(partition int, sequence uint64) {
	r.mu.Lock()
	if len(r.queue) >= removalsMax {
		r.mu.Unlock()
		r.hubs.metrics.drop(dropRemoval)
		return
	}
	r.queue = append(r.queue, removal{partition, sequence})
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run deletes until ctx is done, and then what is left, within the timeout.
func (r *removals) run(ctx context.Context) {
	var all sync.WaitGroup
	for range removalWorkers {
		all.Go(func() {
			for {
				late := r.isLate(ctx)
				if one, ok := r.next(); ok && !late {
					r.remove(ctx, one)
					r.done()
					continue
				}
				select {
				case <-ctx.Done():
					return
				case <-r.wake:
				}
			}
		})
	}
	all.Wait()
}

// isLate tells whether the time that there is for the rest, once ctx is done, is over.
// What is left then comes again.
func (r *removals) isLate(ctx context.Context) bool {
	if ctx.Err() == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late.IsZero() {
		r.late = time.Now().Add(r.hubs.cfg.Timeout)
	}
	if time.Now().Before(r.late) {
		return false
	}
	for range r.queue {
		r.hubs.metrics.drop(dropRemoval)
	}
	r.queue = nil
	return true
}

func (r *removals) next() (removal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 {
		r.queue = nil
		return removal{}, false
	}
	one := r.queue[0]
	r.queue = r.queue[1:]
	r.busy++
	return one, true
}

func (r *removals) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
}

// remove deletes one, or puts it back and waits a while.
func (r *removals) remove(ctx context.Context, one removal) {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.hubs.cfg.Timeout)
	defer cancel()
	err := r.hubs.cfg.Streams.Delete(limited, one.partition, one.sequence)
	if err == nil {
		r.hubs.metrics.removed.Inc()
		return
	}
	r.hubs.complaints.warn("what was acknowledged cannot be removed from an inbox; trying on", err)
	if ctx.Err() != nil {
		r.hubs.metrics.drop(dropRemoval)
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(readPause):
	}
	r.add(one.partition, one.sequence)
}

// waiting is how many are not deleted yet.
func (r *removals) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue) + r.busy
}
