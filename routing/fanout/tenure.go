package fanout

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/lease"
	"limegrove/routing/subject"
)

// tenure is the time in which this router has a partition.
type tenure struct {
	*Fanout
	p     int
	lease *lease.Lease
	over  context.CancelCauseFunc // ends the work

	lanes lanes
}

var (
	errLost  = errors.New("the lease is another's or has run out")
	errEnded = errors.New("the router ends")
)

// lastWork is how long a router that ends goes on with the messages that it is at.
const lastWork = 3 * time.Second

// newTenure makes one that has not begun.
func (f *Fanout) newTenure(p int) *tenure {
	return &tenure{Fanout: f, p: p, lease: lease.New(lease.Config{
		Leases: f.cfg.Leases, Name: fmt.Sprintf("group-%d", p), Holder: f.cfg.Router, For: f.cfg.Lease, Timeout: f.cfg.Timeout,
	})}
}

// valid tells whether nobody else has the partition, as far as this router knows.
func (t *tenure) valid() bool { return t.lease.Valid() }

// run works until ctx is done or the lease is lost.
func (t *tenure) run(ctx context.Context) {
	t.metrics.held.Inc()
	defer t.metrics.held.Dec()
	working, over := context.WithCancelCause(context.WithoutCancel(ctx))
	t.over = over
	reading, stopReading := context.WithCancel(ctx)
	defer stopReading()
	ended := context.AfterFunc(working, stopReading)
	defer ended()

	var renewing, all sync.WaitGroup
	renewing.Go(func() {
		t.lease.Keep(working, func(err error) {
			t.complain(err, "who fans out cannot be agreed on; whoever does goes on")
		}, func() { over(errLost) })
	})
	t.lanes.begin(working, t)
	all.Go(func() { t.transient(reading) })
	t.read(reading)
	last := time.AfterFunc(lastWork, func() { over(errEnded) })
	t.lanes.finish()
	last.Stop()
	all.Wait()
	over(errEnded)
	renewing.Wait()
	t.lease.Release(ctx)
}

const (
	readMessages = 256
	readBytes    = 4 << 20

	// behindPause is how long a replica has to get what the stream has told of, and
	// behindTries how often it is asked again.
	behindPause = 5 * time.Millisecond
	behindTries = 20
)

// read gives what the stream has to the lanes, in order, until ctx is done.
func (t *tenure) read(ctx context.Context) {
	var told atomic.Uint64 // the last sequence that the stream has told of
	wake := make(chan struct{}, 1)
	sub, err := t.cfg.NATS.Subscribe(subject.GroupedAll(t.p), func(m *nats.Msg) {
		if n, err := strconv.ParseUint(m.Header.Get(nats.JSSequence), 10, 64); err == nil {
			told.Store(n)
		}
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.complain(err, "the stream of group messages cannot be followed; it is looked at now and then")
	} else {
		defer func() { _ = sub.Unsubscribe() }() // the connection may be gone
	}
	tick := time.NewTicker(t.cfg.Every)
	defer tick.Stop()
	next, behind := uint64(1), 0
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(ctx, t.cfg.Timeout)
		page, err := t.cfg.Streams.WalkGroup(limited, t.p, next, readMessages, readBytes)
		cancel()
		if err != nil && ctx.Err() == nil {
			t.complain(err, "the messages of groups cannot be read; trying on")
		}
		for _, m := range page.Messages {
			if !t.lanes.add(ctx, m) {
				return
			}
		}
		if page.Through >= next {
			next, behind = page.Through+1, 0
		}
		if err == nil && page.More {
			continue
		}
		var soon <-chan time.Time
		if err == nil && told.Load() >= next && behind < behindTries {
			behind++
			soon = time.After(behindPause)
		}
		select {
		case <-ctx.Done():
		case <-wake:
			behind = 0
		case <-soon:
		case <-tick.C:
		}
	}
}
