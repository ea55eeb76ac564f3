package rooms

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

// busy is a registry beside which somebody else enters a room whenever it is told of one.
type busy struct {
	*registry
	meanwhile atomic.Pointer[func()]
}

func (b *busy) ChangeRooms(ctx context.Context, changes []presence.RoomChange) ([]presence.RoomState, error) {
	if f := b.meanwhile.Load(); f != nil {
		(*f)()
	}
	return b.registry.ChangeRooms(ctx, changes)
}

func TestThoseWhoComeWithoutAPauseHoldUpNobody(t *testing.T) {
	w, r, _ := registered(t)
	if err := r.PutLease(t.Context(), presence.Lease{Edge: "a"}); err != nil {
		t.Fatal(err)
	}
	b := &busy{registry: r}
	e := w.edge(Config{Registry: b, Edge: "a", ID: "a"})
	n := 0
	another := func() {
		n++
		e.attendance.come(roomKey{"t.org", "/busy"}, Visitor{lime.MustParseNode(fmt.Sprintf("n%d@t.org/1", n)), "s"})
	}
	b.meanwhile.Store(&another)
	ana := w.visitor("ana@t.org/1", "s")
	e.attends(ana, "/x")
	ana.knows("while others come", "/x", 1, "ana@t.org")
	b.meanwhile.Store(nil)
}

func TestWhoIsThereByAnotherEdgeStays(t *testing.T) {
	w, r, _ := registered(t)
	a, b := w.registering(r, "a", 10), w.registering(r, "b", 10)
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	old := a.in(w.visitor("rui@t.org/1", "old"), "/x", false)
	a.wantPresent("by one edge", "/x", 2, "ana@t.org", "rui@t.org")
	b.in(w.visitor("rui@t.org/1", "new"), "/x", false)
	b.in(w.visitor("lia@t.org/1", "s"), "/x", false)
	ana.knows("by another", "/x", 3, "ana@t.org", "rui@t.org", "lia@t.org")
	old.Leave()
	a.in(w.visitor("eva@t.org/1", "s"), "/x", false)
	ana.knows("the one before is left with somebody who comes", "/x", 4, "ana@t.org", "rui@t.org", "lia@t.org", "eva@t.org")
}

func TestWhoHasNoRoomForItIsToldLater(t *testing.T) {
	w, r, _ := registered(t)
	a := w.registering(r, "a", 10)
	ana := w.visitor("ana@t.org/1", "s")
	ana.refuse(errQueueFull)
	a.attends(ana, "/x")
	w.eventually("it is tried", func() bool {
		ana.mu.Lock()
		defer ana.mu.Unlock()
		return ana.refused > 0
	})
	ana.refuse(nil)
	ana.knows("when there is room", "/x", 1, "ana@t.org")
}

func TestNewsThatNeverPauseAreTold(t *testing.T) {
	w, r, _ := registered(t)
	a := w.registering(r, "a", 10)
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	ana.knows("before", "/x", 1, "ana@t.org")
	a.wantPresent("before", "/x", 1, "ana@t.org")
	teller := NewTeller(w.server.Connect())
	key := roomKey{"t.org", "/x"}
	flood := func() bool { // more than is remembered, of which something is missing always
		for range 2 * maxEarly {
			if err := teller.tell(key, &turnout{Version: 1 << 60}); err != nil {
				t.Fatal(err)
			}
		}
		return len(ana.all()) > 1 && strings.Contains(ana.all()[len(ana.all())-1], "lia@t.org")
	}
	flood()
	a.in(w.visitor("lia@t.org/1", "s"), "/x", false)
	w.eventually("it is told all the same", flood)
}

func TestASessionThatEndsWhileItIsToldWhoIsThereLeavesNothing(t *testing.T) {
	w, r, _ := registered(t)
	a := w.registering(r, "a", 10)
	for range 200 {
		seat := a.in(w.visitor("ana@t.org/1", "s"), "/x", false)
		s := seat.hall.shard
		s.mu.Lock() // so that both wait for it
		var both sync.WaitGroup
		both.Go(func() {
			if err := seat.Attend(context.Background()); err != nil {
				t.Error(err)
			}
		})
		both.Go(seat.Leave)
		s.mu.Unlock()
		both.Wait()
	}
	for _, s := range a.shards {
		s.mu.Lock()
		if n := len(s.audiences); n != 0 {
			t.Errorf("%d audiences are left", n)
		}
		s.mu.Unlock()
	}
	a.wantEmpty()
}
