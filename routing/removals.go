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
	all  []*removalQueue // by partition
}

const (
	// removalWorkers is how many delete at once, when partitions are few.
	removalWorkers = 16

	// removalsMax bounds what waits to be deleted, of all partitions. Each takes eight
	// bytes.
	removalsMax = 1 << 21
)

func newRemovals(h *Hubs) *removals {
	r := &removals{hubs: h, all: make([]*removalQueue, h.cfg.Streams.Partitions())}
	for p := range r.all {
		r.all[p] = newRemovalQueue(p, len(r.all))
	}
	return r
}

// add has a message deleted soon.
func (r *removals) add(partition int, sequence uint64) {
	if !r.all[partition].add(sequence) {
		r.hubs.metrics.drop(dropRemoval)
	}
}

// run deletes until ctx is done, and then what is left, within the timeout. What is
// left after that comes again.
func (r *removals) run(ctx context.Context) {
	late, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(r.hubs.cfg.Timeout, end) })()
	var all sync.WaitGroup
	for _, q := range r.all {
		for range q.workers {
			all.Go(func() { r.work(ctx, late, q) })
		}
	}
	all.Wait()
	for _, q := range r.all {
		for range q.end() {
			r.hubs.metrics.drop(dropRemoval)
		}
	}
}

// work deletes what waits in one queue until ctx is done and nothing is left, or it is
// late.
func (r *removals) work(ctx, late context.Context, q *removalQueue) {
	ending := ctx.Done()
	for late.Err() == nil {
		if one, ok := q.take(time.Now()); ok {
			r.remove(late, q, one)
			continue
		}
		if ctx.Err() != nil && q.empty() {
			return // whoever has one under way puts it back and takes it again
		}
		select {
		case <-ending:
			ending = nil // it has been seen
			q.hurry()
		case <-q.wake:
		case <-late.Done():
		}
	}
}

// remove deletes one, or puts it back.
func (r *removals) remove(late context.Context, q *removalQueue, one removal) {
	ctx, cancel := context.WithTimeout(late, r.hubs.cfg.Timeout)
	defer cancel()
	err := r.hubs.cfg.Streams.Delete(ctx, q.partition, one.sequence)
	switch {
	case err == nil:
		r.hubs.metrics.removed.Inc()
	case late.Err() == nil:
		r.hubs.complaints.Warn("what was acknowledged cannot be removed from an inbox; trying on", err)
	}
	q.done(one, err, time.Now())
}
