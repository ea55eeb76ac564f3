package routing

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// allowance is how much more may wait for an identity, under all its addresses together:
// what was counted, less what this edge has passed since. What others pass is known
// only when it is counted again. It is guarded by the mutex of recipients.
type allowance struct {
	limit int       // of how much may wait
	until time.Time // it is counted again after that
	again time.Time // when it is counted anew, while what was counted still holds
	had   int       // what the stored ones left when they were counted; 0: it is full
	left  int       // what those leave that have been passed, too

	passed   int          // since it was made
	underWay atomic.Int32 // what was passed and is not known to be stored
}

// How long a count holds: one that shows little for as long as there is an account, but for
// limits of the account's own.
const (
	roomKept    = accountKept
	fillingKept = 5 * time.Second
)

// holds tells whether there is nothing to count before the next message. No room is
// one that could not be counted, and has no end.
func (r *allowance) holds(now time.Time) bool {
	return r == nil || now.Before(r.until) && (r.left > 0 || r.had == 0)
}

// due tells whether it is to be counted anew, though it holds: it is old, or half of it
// is used up. Much of that may have been acknowledged, and others may pass as much.
func (r *allowance) due(now time.Time) bool {
	return r != nil && (now.After(r.again) || r.left <= r.had/2 && r.had > 0)
}

// crowded tells that there is no room only because of what is under way, or was passed
// since it was counted: some of that may be acknowledged.
func (r *allowance) crowded() bool { return r != nil && r.left <= 0 && r.had > 0 }

// take has o take a place. It tells whether there is one.
func (r *allowance) take(o *outgoing) bool {
	if r == nil {
		return true
	}
	if r.left <= 0 {
		return false
	}
	r.left--
	r.passed++
	r.underWay.Add(1)
	o.allowance = r
	return true
}

// leave tells that o is stored or given up.
func (r *allowance) leave() {
	if r != nil {
		r.underWay.Add(-1)
	}
}

// count sets what was counted: so many are stored, and others may be, or are among them. own
// says that the limit is the identity's own, of which other edges may pass much.
func (r *allowance) count(stored, others, limit int, own bool, now time.Time) {
	k := knownFor(roomKept)
	r.limit, r.until, r.again = limit, k.until, k.again
	if stored > limit/2 || own {
		r.until = now.Add(fillingKept)
		r.again = r.until
	}
	r.had = max(0, limit-stored)
	r.left = max(0, r.had-others)
}

// allowanceFor returns the allowance of an identity, counted again if that is due. It is not sure
// when the log has much for it, and lets the last count hold then for this once: Redis
// hears of floors floorsEvery late.
//
// A limit of the identity's own is mostly small, so that what is on its way counts from
// the first on.
func (r *recipients) allowanceFor(ctx context.Context, q *question, policy *lime.InboxPolicy) (at *allowance, sure bool, err error) {
	now, limit := time.Now(), r.hubs.cfg.Streams.InboxLimit()
	own := policy != nil && policy.Size > 0 && policy.Size < limit
	if own {
		limit = policy.Size
	}
	r.mu.Lock()
	at, ok := r.allowances.get(q.key)
	if !ok {
		at = &allowance{limit: limit, had: limit, left: limit}
		r.allowances.put(q.key, at)
	}
	if at.limit == limit && at.holds(now) && !at.due(now) {
		r.mu.Unlock()
		return at, true, nil
	}
	// What was passed since the last count may be in the log, and the inbox tells nothing
	// of it.
	closely := own || limit-at.left > limit/2
	before, underWay := at.passed, int(at.underWay.Load())
	r.mu.Unlock()

	stored, err := r.hubs.cfg.Streams.Waiting(ctx, q.partition, q.key.Inbox(q.partition, "*"))
	if err != nil {
		return nil, false, err
	}
	logged := 0
	if closely {
		if logged, err = r.unacknowledged(ctx, q); err != nil { // without Redis it may as well be acknowledged
			r.hubs.complaints.Warn("what waits in the log cannot be counted", err)
		}
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	if logged > 0 && stored+logged >= limit/2 && !q.again {
		return at, false, nil
	}
	at.count(stored+logged, underWay+at.passed-before, limit, own, now)
	return at, true, nil
}

// unacknowledged counts what the log has for an identity and nobody has acknowledged,
// but for what is in the inbox already.
func (r *recipients) unacknowledged(ctx context.Context, q *question) (n int, err error) {
	floors, err := r.hubs.cfg.Registry.Floors(ctx, []lime.Identity{q.identity, subject.Swept(q.partition)})
	if err != nil {
		return 0, err
	}
	if len(floors) != 2 {
		return 0, fmt.Errorf("floors of %d identities for 2", len(floors))
	}
	streams, from := r.hubs.cfg.Streams, uint64(1)
	log := streams.LogName(q.partition)
	for _, f := range floors[1] {
		if f.Log == log {
			from = f.Position
		}
	}
	if n, err = streams.Logged(ctx, q.partition, q.key.Log(q.partition, "*"), from); err != nil {
		return 0, err
	}
	for _, f := range floors[0] {
		if f.Log != log || f.Position < from || n == 0 {
			continue
		}
		at := q.key.Log(q.partition, floorToken(f))
		all, err := streams.Logged(ctx, q.partition, at, from)
		if err != nil {
			return 0, err
		}
		above, err := streams.Logged(ctx, q.partition, at, f.Position+1)
		if err != nil {
			return 0, err
		}
		n -= max(0, all-above)
	}
	return max(0, n), nil
}

// floorToken is the last token of the subjects of a floor's address.
func floorToken(f presence.Floor) string {
	if f.Instance == "" {
		return subject.Identity
	}
	return subject.Token(f.Instance)
}
