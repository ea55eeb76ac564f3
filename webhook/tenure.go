package webhook

import (
	"context"
	"sync"
	"time"

	"limegrove/routing/lease"
)

// tenure is the time in which this router has a partition.
type tenure struct {
	*Deliverer
	p       int
	lease   *lease.Lease
	workers []*worker
}

const (
	// lastWork is how long a router that ends waits for the requests that are under way.
	lastWork = 3 * time.Second

	// purgeEvery is how often what all endpoints have is removed.
	purgeEvery = 10 * time.Second
)

// run works until ctx is done or the lease is lost.
func (t *tenure) run(ctx context.Context) {
	t.metrics.held.Inc()
	defer t.metrics.held.Dec()
	begin, stop := context.WithCancel(ctx) // something new
	defer stop()
	// What is under way goes on for a moment when the router ends, and not without the lease.
	working, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()

	var renewing, all sync.WaitGroup
	renewing.Go(func() {
		t.lease.Keep(working, func(err error) {
			t.complain(err, "who tells of events cannot be agreed on; whoever does goes on")
		}, func() {
			stop()
			over()
		})
	})
	for _, e := range t.endpoints {
		t.workers = append(t.workers, &worker{tenure: t, endpoint: e, wake: make(chan struct{}, 1)})
	}
	unfollow, err := t.cfg.Events.Follow(t.p, t.wakeAll)
	if err != nil {
		t.complain(err, "events cannot be followed; they are looked for now and then")
	} else {
		defer unfollow()
	}
	for _, w := range t.workers {
		all.Go(func() { w.run(begin, working) })
	}
	all.Go(func() { t.purge(begin) })
	<-begin.Done()
	last := time.AfterFunc(lastWork, over)
	all.Wait()
	last.Stop()
	over()
	renewing.Wait()
	t.lease.Release(ctx)
}

func (t *tenure) wakeAll() {
	for _, w := range t.workers {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// purge removes what all endpoints have, those included that other routers know of, until ctx
// is done.
func (t *tenure) purge(ctx context.Context) {
	purged := uint64(0)
	for {
		pause(ctx, purgeEvery)
		if ctx.Err() != nil {
			return
		}
		limited, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
		upTo, err := t.through(limited)
		if err == nil && upTo > purged {
			if err = t.cfg.Events.PurgeEvents(limited, t.p, upTo); err == nil {
				purged = upTo
			}
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			t.complain(err, "events that all endpoints have cannot be removed; trying on")
		}
	}
}

// through is up to where all endpoints have the events of the stream that there is; 0 when one has none.
func (t *tenure) through(ctx context.Context) (uint64, error) {
	places, err := t.cfg.Places.Places(ctx, t.p)
	if err != nil {
		return 0, err
	}
	for _, e := range t.endpoints {
		if _, ok := places[e.Name]; !ok {
			return 0, nil
		}
	}
	upTo, first, name := uint64(0), true, t.cfg.Events.EventsName(t.p)
	for _, place := range places {
		if place.Stream != name { // it says nothing of this one
			return 0, nil
		}
		if next := max(place.Next, 1) - 1; first || next < upTo {
			upTo, first = next, false
		}
	}
	return upTo, nil
}
