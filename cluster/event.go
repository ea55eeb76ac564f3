package cluster

import (
	"context"
	"sync"
)

// EventKind is what happened to a member.
type EventKind string

// The kinds of events.
const (
	EventJoin   EventKind = "join"   // it is new, or back after it was thought dead
	EventUpdate EventKind = "update" // it told something new of itself
	EventLeave  EventKind = "leave"  // it said goodbye
	EventDead   EventKind = "dead"   // it stopped answering; gossip's opinion only
)

// Event is a change of another member, with what it last told of itself.
type Event struct {
	Kind   EventKind
	Member Member
}

// Watch calls fn with every other member that is there, as joined, and then with
// every change, one at a time, until ctx is done or the cluster is closed. Only
// ctx's error is returned.
//
// A slow fn holds up nobody, and nothing grows: for each member only the newest
// event waits. A watcher that is behind therefore sees where a member has come to,
// not each step: perhaps a leave without the join.
func (c *Cluster) Watch(ctx context.Context, fn func(Event)) error {
	q := newEventQueue()
	c.mu.Lock()
	c.watchers[q] = struct{}{}
	for _, m := range c.members {
		if m.Incarnation != c.self {
			q.push(Event{EventJoin, m})
		}
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.watchers, q)
		c.mu.Unlock()
	}()

	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.closed:
			return nil
		case <-q.wake:
		}
		for e, ok := q.pop(); ok; e, ok = q.pop() {
			fn(e)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
}

// eventQueue holds at most one event for each member, in the order in which the
// members came in.
type eventQueue struct {
	wake chan struct{} // has room for one; given to after each push

	mu      sync.Mutex
	order   []string
	pending map[string]Event
}

func newEventQueue() *eventQueue {
	return &eventQueue{wake: make(chan struct{}, 1), pending: map[string]Event{}}
}

func (q *eventQueue) push(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	old, waits := q.pending[e.Member.Incarnation]
	switch {
	case !waits:
		q.order = append(q.order, e.Member.Incarnation)
	case old.Kind == EventJoin && e.Kind == EventUpdate:
		e.Kind = EventJoin // the watcher has not heard of it yet
	}
	q.pending[e.Member.Incarnation] = e
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *eventQueue) pop() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		return Event{}, false
	}
	e := q.pending[q.order[0]]
	delete(q.pending, q.order[0])
	q.order = q.order[1:]
	return e, true
}
