package routing

import (
	"testing"
	"time"
)

// The client library tells the first of several that it drops, and nothing of the others as long as there is no
// room, however long ago that was.
func TestLossesWithoutRoomAreSeenThoughNobodyTells(t *testing.T) {
	w := newWorld(t)
	e := w.idleEdge("a", Config{Shards: 1, Backlog: 2}) // nobody takes what comes
	if _, err := e.join("org.t.@.bia"); err != nil {
		t.Fatal(err)
	}
	w.flush(e.nc)
	send := func(n int) {
		for range n {
			w.publish(e.nc, "bia@t.org/1", "", "{}")
		}
		w.flush(e.nc)
	}
	now := time.Unix(1e9, 0)
	look := func(why string, dropped float64, more bool) {
		t.Helper()
		now = now.Add(rereadPauseMax) // whatever is owed is due
		if e.lookForLosses(now) != more {
			t.Errorf("%s: to be looked at again: %v", why, !more)
		}
		e.WantDropped(why, dropOverload, dropped)
	}
	send(3)
	eventually(t, "the first loss is told", func() bool { return len(e.overload) == 1 })
	<-e.overload
	look("one had no room", 1, true)
	look("there is none still", 1, true)
	send(1)
	look("another one, which nobody has told of", 2, true)
	<-e.shards[0].messages
	look("there is room", 2, false)
	if len(e.overload) > 0 {
		t.Error("it was told of a loss without room")
	}
	send(2)
	eventually(t, "the next loss is told", func() bool { return len(e.overload) == 1 })
	look("one had no room", 3, true)
}

func TestAViewThatWasToldWithoutRoomIsRead(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{Shards: 1, Backlog: 4}), w.edge("b", Config{})
	a.Guest("rui@t.org/1")
	two, ana := b.Guest("rui@t.org/2"), b.Guest("ana@t.org/1")
	a.wantRemote("before", "rui@t.org", "rui@t.org/2")

	s := a.shards[0]
	s.mu.Lock() // the dispatcher takes one and waits
	for range 20 {
		ana.Say("rui@t.org/1", "x")
	}
	w.flush(b.nc)
	two.Leave()
	eventually(t, "it is told that it has left", b.idle)
	w.flush(b.nc)
	w.flush(a.nc)
	s.mu.Unlock()
	eventually(t, "nobody is thought to be where nobody is", func() bool { return len(a.remote("rui@t.org")) == 0 })
}
