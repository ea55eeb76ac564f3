package rooms

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing/subject"
)

// maxTold bounds of how many rooms a Teller remembers that edges were told of them, or could not be.
const maxTold = 1 << 16

// Teller tells edges who comes to rooms and who leaves them. What may not have reached the broker
// cannot be told again, as there may be more by then: it has edges read those rooms, once it can.
type Teller struct {
	nats  *nats.Conn
	flush func(context.Context) error // a round trip to the broker, bounded in time
	wake  chan struct{}               // holds one: somebody was told, or could not be

	mu   sync.Mutex
	told map[roomKey]struct{} // of which the broker may not have heard; one that does not fit is not in doubt
	on   uint64               // the connection's number when the first of them was told
	lost map[roomKey]struct{} // of which edges are to read; one that does not fit shows with its next change
}

// settlePause is the least time between two round trips to the broker, which are for all that was told meanwhile.
const settlePause = 100 * time.Millisecond

// flushTimeout bounds a round trip to the broker.
const flushTimeout = 5 * time.Second

// NewTeller makes one, for a process that has no Rooms.
func NewTeller(nc *nats.Conn) *Teller {
	return newTeller(nc, func(ctx context.Context) error {
		limited, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		return nc.FlushWithContext(limited)
	})
}

func newTeller(nc *nats.Conn, flush func(context.Context) error) *Teller {
	return &Teller{
		nats: nc, flush: flush, wake: make(chan struct{}, 1), told: map[roomKey]struct{}{}, lost: map[roomKey]struct{}{},
	}
}

// Run makes up for what was lost until ctx is done.
func (t *Teller) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		pause := settlePause
		if !t.settle(ctx) {
			t.rouse()
			pause = lookPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (t *Teller) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// settle finds out what the broker has of what was told, and tells what is to be made up for. It
// tells whether that could be done.
func (t *Teller) settle(ctx context.Context) (all bool) {
	t.mu.Lock()
	told, on := t.told, t.on
	t.told = map[roomKey]struct{}{}
	t.mu.Unlock()
	err := t.flush(ctx)
	t.mu.Lock()
	// What was written to another connection may have ended with that.
	if err != nil || t.connection() != on {
		for key := range told {
			remember(t.lost, key)
		}
	}
	if err != nil {
		t.mu.Unlock()
		return false
	}
	lost := t.lost
	t.lost = map[roomKey]struct{}{}
	t.mu.Unlock()
	all = true
	for key := range lost {
		all = t.tell(key, &turnout{Doubt: true}) == nil && all
	}
	return all
}

// connection is a number that each connection to the broker has another of.
func (t *Teller) connection() uint64 { return t.nats.Stats().Reconnects }

func remember(some map[roomKey]struct{}, key roomKey) {
	if len(some) < maxTold {
		some[key] = struct{}{}
	}
}

// tell tells the edges of one change. After an error they read the room when the broker is back.
func (t *Teller) tell(key roomKey, what *turnout) error {
	to, err := subject.Attendance(key.domain, key.name)
	if err != nil {
		return err
	}
	data, err := json.Marshal(what)
	if err != nil {
		return err
	}
	on := t.connection() // before it is published, lest it seems to be of one that came later
	err = t.nats.Publish(to, data)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		remember(t.lost, key)
	} else {
		if len(t.told) == 0 {
			t.on = on
		}
		remember(t.told, key)
	}
	t.rouse()
	return err
}

// TellRemoved tells the edges that somebody of a dead edge is in a room no more, if the
// registration was that of one who was, and events, which may be nil. Routers do.
func (t *Teller) TellRemoved(events Events, gone *presence.Removed) (is bool, err error) {
	domain, is := lime.OfRooms(gone.Node.Domain)
	if !is {
		return false, nil
	}
	n, err := room.FromAddress(gone.Node.Name)
	if err != nil {
		return true, fmt.Errorf("tell who has left a room: %w", err)
	}
	left := nodesOf([]presence.Registration{gone.Registration})
	if events != nil && len(left) > 0 {
		events.Tell(lostEvent(domain, n, left[0], &gone.Registration))
	}
	if err := t.tell(roomKey{domain, n}, &turnout{Version: gone.Version, Left: left}); err != nil {
		return true, fmt.Errorf("tell who has left a room: %w", err)
	}
	return true, nil
}
