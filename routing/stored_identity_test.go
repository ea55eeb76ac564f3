package routing

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"limegrove/lime"
	"limegrove/routing/stream"
)

func TestSeveralSessionsOfAnIdentity(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	one, two := a.Login("rui@t.org/1", available), b.Login("rui@t.org/2", available)
	only := b.Login("rui@t.org/3", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance})
	two.Silent(true)
	ana.SayID("m1", "rui@t.org", "one")
	one.Want("each gets it", "one")
	two.Want("each gets it", "one")
	only.WantNothing("but who wants only what is for its node")
	w.noneLeft(one)
	two.Leave()
	b.Login("rui@t.org/4", available).WantNothing("one of them has acknowledged it for all")
	one.SayID("m2", "rui@t.org", "to myself")
	one.Want("who has sent it gets only word of it", "m2 accepted", "m2 dispatched")
}

// wantFloor waits until the registry has the floor of an identity up to all that c has
// acknowledged.
func (w *storedWorld) wantFloor(why string, c *client) {
	w.Helper()
	w.noneLeft(c)
	eventually(w, why, func() bool { return !c.held() && w.floor(c.Node().Identity) == c.floor() })
}

// held tells whether the floor of c's identity is kept below what c has acknowledged.
func (c *client) held() bool {
	c.hub.shard.mu.Lock()
	defer c.hub.shard.mu.Unlock()
	return c.follows[byIdentity].Held()
}

func (c *client) floor() uint64 {
	c.hub.shard.mu.Lock()
	defer c.hub.shard.mu.Unlock()
	return c.follows[byIdentity].Floor()
}

// floor is the floor of an identity in the registry.
func (w *storedWorld) floor(i lime.Identity) uint64 {
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	return w.registry.floors[lime.Node{Identity: i}.Fold()].Position
}

// What a session has sent to its own identity is for the others, and holds down its
// floor until they have it. L-MSG-14.
func TestWhatASessionSendsToItselfWaitsForAnother(t *testing.T) {
	for _, same := range []bool{true, false} {
		t.Run(fmt.Sprintf("on the same edge %v", same), func(t *testing.T) {
			w := newStoredWorld(t)
			a, b := w.edge("a"), w.edge("b")
			on := b
			if same {
				on = a
			}
			ana, one, two := b.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available), on.Login("rui@t.org/2", available)
			two.Silent(true)
			one.SayID("n", "rui@t.org", "a note")
			two.Want("the other session has it", "a note")
			ana.SayID("m", "rui@t.org", "hello")
			one.Want("both have what comes after it", "n accepted", "hello")
			two.Want("both have what comes after it", "hello")
			w.noneLeft(one)
			a.floors.hear(t.Context())
			if !one.held() {
				t.Error("the note counts as acknowledged")
			}

			two.Silent(false)
			w.noneLeft(two)
			one.Want("the other session has acknowledged it", "n dispatched")
			two.Leave()
			ana.SayID("m2", "rui@t.org", "again")
			one.Want("it is alone now", "again")
			a.floors.hear(t.Context())
			w.wantFloor("it speaks for all again", one)
		})
	}
}

func TestWhatASessionSendsToItselfAloneIsSafeInTheInbox(t *testing.T) {
	w := newStoredWorld(t)
	a := w.edge("a")
	ana, one := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available)
	one.SayID("n", "rui@t.org", "a note")
	one.Want("it is stored", "n accepted")
	ana.SayID("m", "rui@t.org", "hello")
	one.Want("something else comes", "hello")
	w.noneLeft(one)
	if !one.held() {
		t.Error("the note counts as acknowledged")
	}
	w.sweep()
	w.wantFloor("the sweep has it, and the rest is acknowledged", one)
	a.Login("rui@t.org/2", available).Want("who comes later gets it", "a note")
}

// A replica that is behind shows an inbox without the note, when the floor has gone
// past it. To be below the floor does not make it acknowledged.
func TestANoteThatIsFoundLateIsNotRemoved(t *testing.T) {
	w := newStoredWorld(t)
	a := w.edge("a")
	late := &behindInbox{Streams: w.streams}
	b := w.world.edge("b", Config{Streams: late, Directory: w.known})
	ana, one := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available)
	one.SayID("n", "rui@t.org", "a note")
	one.Want("it is stored", "n accepted")
	ana.SayID("m", "rui@t.org", "hello")
	one.Want("something else comes", "hello")
	w.sweep()
	w.wantFloor("the floor goes past the note", one)

	late.behind.Store(true)
	two := b.Login("rui@t.org/2", available)
	two.wantLive()
	late.behind.Store(false)
	two.hub.shard.mu.Lock()
	two.doubtLocked()
	two.hub.shard.mu.Unlock()
	two.wantLive()
	if n := b.removals.waiting() + int(b.count("limegrove_routing_inbox_removed_total")); n != 0 {
		t.Errorf("%d are removed", n)
	}
	a.Login("rui@t.org/3", available).Want("it is there for the next", "a note")
}

// wantLive waits until c has read what there is.
func (c *client) wantLive() {
	c.e.w.Helper()
	eventually(c.e.w, c.node+" has read what there is", func() bool {
		s := c.hub.shard
		s.mu.Lock()
		defer s.mu.Unlock()
		return c.follows[byIdentity].Live()
	})
}

// behindInbox is answered by replicas that have nothing in the inbox yet.
type behindInbox struct {
	*stream.Streams
	behind atomic.Bool
}

func (s *behindInbox) ReadInbox(ctx context.Context, p int, subject string, from uint64, limit, maxBytes int) (stream.Page, error) {
	if s.behind.Load() {
		return stream.Page{}, nil
	}
	return s.Streams.ReadInbox(ctx, p, subject, from, limit, maxBytes)
}

func (s *behindInbox) LastInbox(ctx context.Context, p int, subjects []string) (map[string]uint64, uint64, error) {
	if s.behind.Load() {
		return nil, 0, nil
	}
	return s.Streams.LastInbox(ctx, p, subjects)
}
