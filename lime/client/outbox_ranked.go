package client

import (
	"context"
	"time"

	"limegrove/lime"
)

// outgoing is a message that waits in an outbox by its priority.
type outgoing struct {
	text  []byte
	rank  int
	ready chan struct{} // closed when there is room for it, or err is set
	err   error
}

// putRanked queues a message by its priority, and waits for room, in which those with a smaller
// one go first as well. What it takes of the rate it takes when it goes.
func (o *outbox) putRanked(ctx context.Context, m *lime.Message) error {
	one := &outgoing{text: m.AppendJSON(nil), rank: o.rankOf(m), ready: make(chan struct{})}
	if err := check(new(lime.Header), one.text, o.longest); err != nil {
		return err
	}
	if waits, err := o.tryRanked(one); !waits {
		return err
	}
	select {
	case <-one.ready:
		return one.err
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.line.remove(one.rank, func(other *outgoing) bool { return other == one }) {
		return context.Cause(ctx)
	}
	return one.err // it had room at the same time
}

// tryRanked tells whether a message waits for room.
func (o *outbox) tryRanked(one *outgoing) (waits bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.over != nil:
		return false, o.over
	case o.queuedBytes >= o.limit:
		o.line.push(one.rank, one)
		return true, nil
	}
	o.queueLocked(one)
	o.ring()
	return false, nil
}

func (o *outbox) queueLocked(one *outgoing) {
	o.queued.push(one.rank, one)
	o.queuedBytes += len(one.text)
}

// appendQueued appends, as they go over the wire, messages that wait by their priority, and
// returns when the next may go; zero when none waits.
func (o *outbox) appendQueued(dst []byte) (_ []byte, next time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	for o.queued.len() > 0 && len(dst) < oneWrite {
		if pause := o.pace.wait(now); pause > 0 {
			return dst, now.Add(pause)
		}
		dst = o.popLocked(dst, now)
	}
	return dst, next
}

// popLocked appends the next message, and lets in who waits for its room.
func (o *outbox) popLocked(dst []byte, now time.Time) []byte {
	one, _ := o.queued.pop()
	o.queuedBytes -= len(one.text)
	o.pace.spend(now, len(one.text))
	for o.over == nil && o.queuedBytes < o.limit {
		waiting, ok := o.line.pop()
		if !ok {
			break
		}
		o.queueLocked(waiting)
		close(waiting.ready)
	}
	if o.queued.len() == 0 {
		wake(&o.emptied)
	}
	return o.wire.append(dst, one.text)
}

// settle waits until no message waits by its priority any more, or the session has ended.
func (o *outbox) settle(ctx context.Context) error {
	for {
		o.mu.Lock()
		if o.queued.len() == 0 {
			o.mu.Unlock()
			return nil
		}
		if o.emptied == nil {
			o.emptied = make(chan struct{})
		}
		emptied := o.emptied
		o.mu.Unlock()
		select {
		case <-emptied:
		case <-o.done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// refuseLocked has those who wait for room hear that there will be none.
func (o *outbox) refuseLocked() {
	for {
		one, ok := o.line.pop()
		if !ok {
			return
		}
		one.err = o.over
		close(one.ready)
	}
}
