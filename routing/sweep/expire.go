package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// What waits in the inbox for too long is given back, and deleted. What has the common
// lifetime is found at the inbox's head. A guest's message has less, and lies behind others
// that wait on: so a walk follows the inbox's end at the guests' lifetime, and comes by all
// that was moved there once.
//
// JetStream expires both by itself, somewhat later, and tells nobody. So it is all there is
// for what nobody is to be told of.

// How often the two look at most, and how much they look at together.
const (
	expireEvery = 30 * time.Second
	guestsEvery = 10 * time.Second
	expirePage  = 250
	expireBytes = 1 << 20
)

// expiry is what the two know of the inbox.
type expiry struct {
	headDue   time.Time // the head is not too old before
	head      uint64    // the first sequence that was not looked at of a head that is old; 0: all of it
	guestsDue time.Time // what the walk comes by next is not too old before
	next      uint64    // the first sequence that the walk has not come by; 0: it has not begun
	more      bool      // there is more that is old enough, behind next
}

// lifetimeOf returns for how long the inbox is to keep a message; 0 for as long as any.
func lifetimeOf(m stream.Message) time.Duration {
	seconds, err := strconv.Atoi(m.Header.Get(stream.LifetimeHeader))
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// ttlOf returns after how long JetStream is to expire a copy. When its sender can be
// told, the walk comes first.
func (w *walk) ttlOf(m stream.Message) time.Duration {
	ttl := lifetimeOf(m)
	if w.tells(m) {
		ttl *= 2
	}
	return ttl
}

// expire gives back what has waited in the inbox for too long. more tells that there may
// be more.
func (w *walk) expire(ctx context.Context, now time.Time) (more bool, err error) {
	if !now.Before(w.expiry.headDue) {
		if err := w.expireHead(ctx, now); err != nil {
			return false, fmt.Errorf("expire: %w", err)
		}
	}
	if !now.Before(w.expiry.guestsDue) {
		if err := w.expireGuests(ctx, now); err != nil {
			return false, fmt.Errorf("expire what is for guests: %w", err)
		}
	}
	return w.expiry.more || w.expiry.head > 0, nil
}

// expireHead gives back what has waited for longer than any may, the oldest first: a page,
// so that the log is swept before the next one.
func (w *walk) expireHead(ctx context.Context, now time.Time) error {
	x := &w.expiry
	page, err := w.cfg.Streams.WalkInbox(ctx, w.p, max(x.head, 1), time.Time{}, expirePage, expireBytes)
	if err != nil {
		return err
	}
	over, young := olderThan(page.Messages, now.Add(-w.cfg.Lifetime))
	if err := w.remove(ctx, over, nil); err != nil {
		return err
	}
	if x.head = 0; len(young) == 0 && page.More {
		x.head = page.Through + 1
		return nil
	}
	x.headDue = dueFor(young, now, expireEvery, w.cfg.Lifetime)
	return nil
}

// expireGuests looks at what else was moved so long ago that a guest's message is over. It
// begins where JetStream has expired what was there.
func (w *walk) expireGuests(ctx context.Context, now time.Time) error {
	x, lifetime := &w.expiry, w.cfg.GuestLifetime
	page, err := w.cfg.Streams.WalkInbox(ctx, w.p, x.next, now.Add(-2*lifetime), expirePage, expireBytes)
	if err != nil {
		return err
	}
	old, young := olderThan(page.Messages, now.Add(-lifetime))
	over := slices.DeleteFunc(slices.Clone(old), func(m stream.Message) bool {
		own := lifetimeOf(m) // one with a longer lifetime is left to JetStream
		return own == 0 || now.Sub(m.Stored) <= own || m.Position == 0 || !w.tells(m)
	})
	arrived, err := w.arrived(ctx, over)
	if err != nil {
		return err
	}
	if err := w.remove(ctx, over, arrived); err != nil {
		return err
	}
	switch {
	case len(young) > 0:
		x.next = young[0].Sequence
	case page.Through > 0:
		x.next = page.Through + 1
	}
	x.more = len(young) == 0 && page.More
	x.guestsDue = dueFor(young, now, guestsEvery, lifetime)
	if x.more {
		x.guestsDue = now
	}
	return nil
}

// olderThan parts messages by when they were stored; they are in that order.
func olderThan(messages []stream.Message, before time.Time) (old, young []stream.Message) {
	i := slices.IndexFunc(messages, func(m stream.Message) bool { return !m.Stored.Before(before) })
	if i < 0 {
		return messages, nil
	}
	return messages[:i], messages[i:]
}

// dueFor is when to look again, where the first of those that are too young is next.
func dueFor(young []stream.Message, now time.Time, every, lifetime time.Duration) time.Time {
	due := now.Add(min(every, lifetime))
	if len(young) > 0 && young[0].Stored.Add(lifetime).After(due) {
		due = young[0].Stored.Add(lifetime)
	}
	return due
}

// arrived tells the positions of the messages of the inbox that were acknowledged: an edge
// that died may not have deleted them. Of what somebody has sent to itself a floor does not
// say that: it goes past what is in the inbox and was skipped by its sender's session.
func (w *walk) arrived(ctx context.Context, messages []stream.Message) (map[uint64]bool, error) {
	if len(messages) == 0 {
		return nil, nil
	}
	entries := make([]stream.Entry, len(messages))
	arrived := map[uint64]bool{}
	for i, m := range messages {
		entries[i] = stream.Entry{Subject: m.Subject, Sequence: m.Position}
		to, _, _ := subject.SplitStored(m.Subject)
		_, from, ok := w.senderOf(m)
		arrived[m.Position] = ok && from != to
	}
	waiting, err := w.unacknowledged(ctx, entries)
	for _, e := range waiting {
		delete(arrived, e.Sequence)
	}
	return arrived, err
}

// remove deletes messages of the inbox, and gives back those before that have not arrived.
func (w *walk) remove(ctx context.Context, messages []stream.Message, arrived map[uint64]bool) error {
	var back []returned
	for _, m := range messages {
		if !arrived[m.Position] {
			back = append(back, returned{m, expired})
		}
	}
	if err := w.giveBack(ctx, back); err != nil {
		return err
	}
	return w.deleteAll(ctx, messages, w.cfg.Streams.Delete)
}

// deletesAtOnce is how many messages are deleted at once: each waits for its answer.
const deletesAtOnce = 16

// deleteAll deletes messages, of the log or of the inbox.
func (w *walk) deleteAll(ctx context.Context, messages []stream.Message, del func(ctx context.Context, p int, sequence uint64) error) error {
	errs := make([]error, min(deletesAtOnce, len(messages)))
	var all sync.WaitGroup
	var taken atomic.Int64
	for i := range errs {
		all.Go(func() {
			for n := taken.Add(1) - 1; n < int64(len(messages)) && errs[i] == nil; n = taken.Add(1) - 1 {
				errs[i] = del(ctx, w.p, messages[n].Sequence)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
