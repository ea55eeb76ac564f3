package events

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/event"
)

// lane is what waits to be stored in one partition, in the order in which it was told. A
// partition that takes nothing holds up no other.
type lane struct {
	publisher *Publisher
	wake      chan struct{} // holds one

	mu    sync.Mutex
	queue []waiting
	each  map[string]int64 // what those of one subject cost
	ended bool
}

// waiting is an event that is not known to be stored.
type waiting struct {
	message *nats.Msg
	kind    event.Type
}

const (
	// laneLot is how many events are stored together.
	laneLot = 1024

	// laneTime bounds the store of a lot.
	laneTime = 10 * time.Second

	// lanePause is how long a lane waits when a store has failed. It doubles up to
	// lanePauseMax.
	lanePause    = 50 * time.Millisecond
	lanePauseMax = 2 * time.Second
)

// add is done unless it says why not: those of the event's identity would cost more than most, or
// nobody stores anything any more.
func (l *lane) add(w waiting, most int64) (why dropReason) {
	n := costOf(w.message)
	l.mu.Lock()
	switch {
	case l.ended:
		why = dropEnded
	case l.each[w.message.Subject]+n > most:
		why = dropShare
	default:
		l.each[w.message.Subject] += n
		l.queue = append(l.queue, w)
	}
	l.mu.Unlock()
	if why == "" {
		select {
		case l.wake <- struct{}{}:
		default:
		}
	}
	return why
}

// free gives the room of one event back. The lane is locked.
func (l *lane) free(w waiting) {
	n := costOf(w.message)
	l.publisher.bytes.Add(-n)
	of := w.message.Subject
	if l.each[of] -= n; l.each[of] <= 0 {
		delete(l.each, of)
	}
}

// first returns the first events that wait, which stay where they are.
func (l *lane) first() []waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.queue[:min(len(l.queue), laneLot):min(len(l.queue), laneLot)]
}

// done takes the first n events out, and puts those of them that are still to be stored back
// in their place.
func (l *lane) done(n int, left []waiting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := n - len(left)
	copy(l.queue[at:n], left)
	clear(l.queue[:at])
	if l.queue = l.queue[at:]; len(l.queue) == 0 {
		l.queue = nil
	}
}

// run stores until ctx is done, and then for as long as the publisher lets it.
func (l *lane) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-l.wake:
			l.work(ctx)
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.publisher.cfg.Last)
	defer cancel()
	l.work(last)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.queue {
		l.free(w)
		l.publisher.metrics.drop(dropEnded)
	}
	l.queue, l.ended = nil, true
}

// work stores until nothing waits, or ctx ends.
func (l *lane) work(ctx context.Context) {
	pause := lanePause
	for lot := l.first(); len(lot) > 0 && ctx.Err() == nil; lot = l.first() {
		left, err := l.store(ctx, lot)
		l.done(len(lot), left)
		if err == nil {
			pause = lanePause
			continue
		}
		if ctx.Err() == nil {
			l.publisher.metrics.retries.Inc()
			l.publisher.complain(err, "events cannot be stored; trying on")
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
		pause = min(2*pause, lanePauseMax)
	}
}

// store stores a lot, and returns what is to be stored again, and why.
func (l *lane) store(ctx context.Context, lot []waiting) (left []waiting, why error) {
	list := make([]*nats.Msg, len(lot))
	for i, w := range lot {
		list[i] = w.message
	}
	ctx, cancel := context.WithTimeout(ctx, laneTime)
	defer cancel()
	errs := l.publisher.cfg.Streams.StoreInOrder(ctx, list)
	l.mu.Lock()
	for i, err := range errs {
		if err != nil && passes(err) {
			left, why = append(left, lot[i]), err
		} else {
			l.free(lot[i])
		}
	}
	l.mu.Unlock()
	for i, err := range errs {
		if err == nil || !passes(err) {
			l.publisher.stored(lot[i].kind, err)
		}
	}
	return left, why
}
