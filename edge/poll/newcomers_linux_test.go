package poll

import (
	"net"
	"sync/atomic"
	"testing"
)

// Many who come at once are taken a few in a turn, also when all of them have something to say; those who have been
// welcomed are all heard in one.
func TestNewcomersComeAFewAtATime(t *testing.T) {
	const clients = 100
	var group atomic.Pointer[Group]
	turn := func() uint64 { return group.Load().Stats().Turns } // of the only loop
	type event struct {
		adopted, welcome bool
		turn             uint64
	}
	events := make(chan event, 3*clients)
	s := serve(t, kinds()[0], func(c *Config) { c.Loops = 1 }, func(f *fake) {
		welcome := false
		events <- event{adopted: true, turn: turn()}
		f.data = func(_ *Turn, b []byte) (n, need int) {
			events <- event{welcome: welcome, turn: turn()}
			welcome = true
			f.conn.Welcome()
			f.conn.Welcome() // changes nothing
			return len(b), 0
		}
	})
	group.Store(s.group)
	most := func(which func(event) bool, count int) (most int) {
		t.Helper()
		turns := map[uint64]int{}
		for range count {
			if e := want(t, "event", events); which(e) {
				turns[e.turn]++
				most = max(most, turns[e.turn])
			}
		}
		return most
	}
	var conns []net.Conn
	release := holdLoop(t, s.group)
	for range clients {
		conns = append(conns, s.dial(t))
	}
	release() // of whom some may be accepted, and none adopted yet
	if n := most(func(e event) bool { return e.adopted }, clients); n > newcomersOfTurn {
		t.Errorf("%d were adopted in one turn, want %d at most", n, newcomersOfTurn)
	}

	speak := func() {
		release := holdLoop(t, s.group)
		for _, c := range conns {
			_, err := c.Write([]byte("x"))
			must(t, err)
		}
		release()
	}
	speak()
	if n := most(func(e event) bool { return !e.welcome }, clients); n != newcomersOfTurn {
		t.Errorf("%d newcomers were heard in one turn, want %d", n, newcomersOfTurn)
	}
	speak()
	if n := most(func(e event) bool { return e.welcome }, clients); n != clients {
		t.Errorf("%d of those who were welcomed were heard in one turn, want all %d", n, clients)
	}
}

// A newcomer that is cut, or goes, is forgotten like any other: the harness counts.
func TestNewcomersEnd(t *testing.T) {
	opened := make(chan *fake, 2)
	s := serve(t, kinds()[0], nil, func(f *fake) { opened <- f })
	s.dial(t)
	cut := want(t, "connection", opened)
	cut.conn.Close(nil)
	_ = want(t, "Closed", cut.closed)
	leaves := s.dial(t)
	left := want(t, "connection", opened)
	must(t, leaves.Close())
	_ = want(t, "Closed", left.closed)
}

// holdLoop has the first loop wait until release is called.
func holdLoop(t *testing.T, g *Group) (release func()) {
	t.Helper()
	held, on := make(chan struct{}), make(chan struct{})
	must(t, g.Post(0, func(*Turn) {
		close(held)
		<-on
	}))
	want(t, "loop", held)
	return func() { close(on) }
}
