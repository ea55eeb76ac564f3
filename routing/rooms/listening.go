package rooms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
)

// listening is a subscription of a shard's: the first who needs it makes it, the others wait
// for that.
type listening struct {
	shard *shard
	ready chan struct{} // closed when it was made or refused

	// Set before ready is closed.
	sub *nats.Subscription
	err error

	// Guarded by the shard.
	inForce bool // the broker has it
	lost    int  // what the client library has dropped of it, as counted so far
	missing bool // some of it since somebody has looked
}

func listen(s *shard) listening { return listening{shard: s, ready: make(chan struct{})} }

// listener is what hears what a subscription brings.
type listener interface {
	// to is what is subscribed to.
	to() (string, error)
	// hear gives a message to the seats that it is for. The shard is locked.
	hear(msg *nats.Msg)
	// counts is where it is counted.
	counts() *listening
}

func (l *listening) counts() *listening { return l }

// open returns when the subscription is made, which first says is the caller's to do.
func (l *listening) open(ctx context.Context, first bool, by listener) error {
	if first {
		l.make(by)
		return l.err
	}
	select {
	case <-l.ready:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *listening) make(by listener) {
	defer close(l.ready)
	to, err := by.to()
	if err != nil {
		l.err = err
		return
	}
	s := l.shard
	if l.sub, l.err = s.rooms.cfg.NATS.ChanSubscribe(to, s.messages); l.err != nil {
		return
	}
	s.mu.Lock()
	s.of[l.sub] = by
	s.mu.Unlock()
}

// awaitInterest returns when the broker has all of some subscriptions.
func (s *shard) awaitInterest(ctx context.Context, all ...*listening) error {
	s.mu.Lock()
	missing := slices.ContainsFunc(all, func(l *listening) bool { return !l.inForce })
	s.mu.Unlock()
	if !missing {
		return nil
	}
	if err := s.rooms.barrier.Wait(ctx); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	s.mu.Lock()
	for _, l := range all {
		l.inForce = true
	}
	s.mu.Unlock()
	return nil
}

// unsubscribe ends subscriptions. Those that were never made are nil.
func (s *shard) unsubscribe(all []*nats.Subscription) {
	for _, sub := range all {
		if sub == nil {
			continue
		}
		s.mu.Lock()
		s.countLost(sub)
		delete(s.of, sub)
		s.mu.Unlock()
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			s.rooms.warn.Warn("could not end a subscription", err)
		}
	}
}

// countLost counts what the client library has dropped of a subscription since it was last
// asked. The shard is locked.
func (s *shard) countLost(sub *nats.Subscription) {
	l := s.of[sub]
	if l == nil {
		return
	}
	dropped, err := sub.Dropped()
	if err != nil { // it has ended
		return
	}
	c := l.counts()
	s.rooms.metrics.dropped[dropOverload].Add(float64(dropped - c.lost))
	c.lost, c.missing = dropped, c.missing || dropped > c.lost
}
