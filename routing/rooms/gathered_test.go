package rooms

import (
	"fmt"
	"slices"
	"testing"

	"limegrove/prepared"
)

// collector keeps what it is given at once, and has room for so many envelopes.
type collector struct {
	session
	calls []string
	runs  map[*prepared.Run]bool
	room  int
}

func (c *collector) Hear(seat *Seat, r *prepared.Run, from, to int) (n int, err error) {
	c.calls = append(c.calls, fmt.Sprintf("%d-%d of %d", from, to, r.Len()))
	c.runs[r] = r.Shared()
	for ; from+n < to; n++ {
		if c.room == 0 {
			return n, errQueueFull
		}
		c.room--
		if _, err := c.session.Hear(seat, r, from+n, from+n+1); err != nil {
			return n, err
		}
	}
	return n, nil
}

// behindItsBack has a shard find all that is published at once.
func (e *testEdge) behindItsBack(publish func()) {
	e.w.Helper()
	e.shards[0].mu.Lock()
	publish()
	err := e.nc.FlushTimeout(patience)
	e.shards[0].mu.Unlock()
	if err != nil {
		e.w.Fatal(err)
	}
}

func TestWhatCameIsGivenToEachAtOnce(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{Shards: 1})
	ana, rui := &collector{session: session{w: w}, runs: map[*prepared.Run]bool{}, room: 100}, &session{w: w}
	seat, err := e.Enter(t.Context(), Entry{Address: w.at("/x")}, ana)
	if err != nil {
		t.Fatal(err)
	}
	seat.Activate()
	e.in(rui, "/x", false)
	e.in(rui, "/y", false)
	e.behindItsBack(func() {
		for i := range 5 {
			e.say("/x", fmt.Sprint(i), false)
			e.say("/y", fmt.Sprint(i), false)
		}
	})
	ana.want("all of one room", "/x 0", "/x 1", "/x 2", "/x 3", "/x 4")
	rui.want("and who is in two", "/x 0", "/x 1", "/x 2", "/x 3", "/x 4", "/y 0", "/y 1", "/y 2", "/y 3", "/y 4")
	e.shards[0].mu.Lock()
	defer e.shards[0].mu.Unlock()
	if len(ana.calls) > 2 { // the shard may have taken the first before it was locked
		t.Errorf("it is given %q", ana.calls)
	}
	for _, shared := range ana.runs {
		if !shared {
			t.Error("what is for two is not shared")
		}
	}
}

func TestEachThatDoesNotFitIsDroppedForItself(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{Shards: 1})
	ana, rui := &collector{session: session{w: w}, runs: map[*prepared.Run]bool{}, room: 2}, &session{w: w}
	seat, err := e.Enter(t.Context(), Entry{Address: w.at("/x")}, ana)
	if err != nil {
		t.Fatal(err)
	}
	seat.Activate()
	e.in(rui, "/x", false)
	e.behindItsBack(func() {
		for i := range 5 {
			e.say("/x", fmt.Sprint(i), false)
		}
	})
	rui.want("who is fast", "/x 0", "/x 1", "/x 2", "/x 3", "/x 4")
	ana.want("what there was room for", "/x 0", "/x 1")
	if n := e.count("limegrove_rooms_dropped_total", "queue_full"); n != 3 {
		t.Errorf("%v are counted", n)
	}
	if n := e.count("limegrove_rooms_heard_total"); n != 7 {
		t.Errorf("%v are counted as heard", n)
	}
}

// A room that keeps its messages may have others among them, which are live alone.
func TestWhatIsKeptAndWhatIsLiveStaysInOrder(t *testing.T) {
	k := newKept(t, 1000)
	e, b := k.edge(Config{Shards: 1}), k.edge(Config{})
	ana, rui := &session{w: k.world}, &session{w: k.world}
	e.in(ana, "/kept/1", false)
	e.in(rui, "/kept/1", false)
	e.behindItsBack(func() {
		b.post("/kept/1", "0", "1")
		e.say("/kept/*", "live", true)
		b.post("/kept/1", "2")
	})
	for _, s := range []*session{ana, rui} {
		k.eventually("all come", func() bool { return len(s.all()) == 4 })
		all := slices.DeleteFunc(s.all(), func(m string) bool { return m == "/kept/1 live" })
		if len(all) != 3 || !slices.IsSorted(all) {
			t.Errorf("%q come", s.all())
		}
	}
	if n := e.count("limegrove_rooms_heard_total"); n != 8 {
		t.Errorf("%v are counted", n)
	}
}

// What is read for one is not made as if it were for all.
func TestWhatIsReadForOneIsNotShared(t *testing.T) {
	k := newKept(t, 100)
	e := k.edge(Config{})
	rui := &session{w: k.world}
	begin := e.in(rui, "/kept/1", false).Place().Position
	e.post("/kept/1", numbers(0, 10)...)
	rui.reads("who is there", numbers(0, 10)...)
	ana := &collector{session: session{w: k.world}, runs: map[*prepared.Run]bool{}, room: 100}
	seat, err := e.Enter(t.Context(), Entry{Address: k.at("/kept/1"), Since: &begin}, ana)
	if err != nil {
		t.Fatal(err)
	}
	seat.Activate()
	ana.reads("who comes back", numbers(0, 10)...)
	seat.Leave()
	for _, shared := range ana.runs {
		if shared {
			t.Error("what one has missed is shared")
		}
	}
	if len(ana.runs) == 0 {
		t.Error("nothing is heard")
	}
}
