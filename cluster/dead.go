package cluster

import (
	"context"
	"sync"
	"time"
)

// LeaseLeft tells how long an incarnation's lease still lives, 0 when it has none.
type LeaseLeft func(ctx context.Context, incarnation string) (time.Duration, error)

// deadRetry is the pause before a lease that could not be read is read again.
const deadRetry = time.Second

// WatchDead calls dead for every member that is gone for good: it has said goodbye,
// or gossip thinks it dead, and its lease has run out as well. Neither alone is
// enough. A stalled process keeps its lease for some seconds, and one that is cut
// off from gossip alone goes on serving; while leases cannot be read, nobody is
// dead. Calls come from several goroutines. It returns when ctx is done or the
// cluster is closed, after the last call.
func (c *Cluster) WatchDead(ctx context.Context, left LeaseLeft, dead func(Member)) error {
	ctx, cancel := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel()
	var suspects sync.Map // of incarnation to context.CancelFunc
	return c.Watch(ctx, func(e Event) {
		name := e.Member.Incarnation
		if acquit, ok := suspects.LoadAndDelete(name); ok {
			acquit.(context.CancelFunc)()
		}
		if e.Kind != EventDead && e.Kind != EventLeave {
			return
		}
		suspect, acquit := context.WithCancel(ctx)
		suspects.Store(name, acquit)
		waiting.Go(func() {
			defer acquit()
			if awaitLeaseEnd(suspect, name, left) {
				suspects.Delete(name) // no incarnation dies twice
				dead(e.Member)
			}
		})
	})
}

// awaitLeaseEnd returns true when an incarnation has no lease, and false when ctx
// is done before.
func awaitLeaseEnd(ctx context.Context, incarnation string, left LeaseLeft) bool {
	for {
		pause, err := left(ctx, incarnation)
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			pause = deadRetry
		case pause <= 0:
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}
