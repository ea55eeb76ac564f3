package poll

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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

// While others talk one thing is done for one who is new in a turn, and all are adopted, heard and called in the end, also when one always has
// something to say.
func TestNewcomersComeOneByOneWhileOthersTalk(t *testing.T) {
	const clients = 40
	type happening struct {
		what string
		turn uint64
	}
	var group atomic.Pointer[Group]
	happenings := make(chan happening, 4*clients)
	s := serve(t, kinds()[0], func(c *Config) { c.Loops = 1 }, func(f *fake) {
		happens := func(what string) { happenings <- happening{what, group.Load().Stats().Turns} }
		happens("adopted")
		f.data = func(turn *Turn, b []byte) (n, need int) {
			if b[0] != '.' {
				happens("heard")
				f.conn.SetDeadline(turn.Now)
			}
			return len(b), 0
		}
		f.timer = func(*Turn) { happens("called") }
	})
	group.Store(s.group)
	l := s.group.loops[0]
	inLoop(t, s.group, func() { l.newcomers.talked = time.Now().Add(time.Hour) })
	var talkers sync.WaitGroup
	defer talkers.Wait()
	talker := s.dial(t)
	defer func() { must(t, talker.Close()) }()
	talkers.Go(func() {
		for err := error(nil); err == nil; {
			_, err = talker.Write([]byte("."))
		}
	})
	for range clients {
		_, err := s.dial(t).Write([]byte("x"))
		must(t, err)
	}
	done, last := map[string]int{}, uint64(0)
	for range 1 + 3*clients {
		h := want(t, "happening", happenings)
		if h.turn == last {
			t.Errorf("a newcomer was %s in turn %d, and another thing was done for one", h.what, h.turn)
		}
		last = h.turn
		done[h.what]++
	}
	if done["adopted"] != 1+clients || done["heard"] != clients || done["called"] != clients {
		t.Errorf("done: %v", done)
	}
}

// Each kind of thing has its turn while others talk, also where there is always something to read, to call and to adopt.
func TestNewcomersTakeTurns(t *testing.T) {
	for name, of := range map[string]struct {
		reads, waits, arrives bool // there is always something
		want                  string
	}{
		"all":                {true, true, true, "rcrarcra"},
		"reads and calls":    {true, true, false, "rcrcrcrc"},
		"reads and arrivals": {true, false, true, "rararara"},
		"calls and arrivals": {false, true, true, "cacacaca"},
		"reads":              {true, false, false, "rrrr"},
		"calls":              {false, true, false, "cccc"},
		"arrivals":           {false, false, true, "aaaa"},
	} {
		var n newcomers
		if of.waits {
			n.due = []*Conn{nil}
		}
		got := ""
		for range of.want {
			switch n.read = n.reads(1, of.arrives) == 1 && of.reads; {
			case n.read:
				got += "r"
			case n.calls(of.arrives):
				got += "c"
			default:
				got += "a"
			}
		}
		if got != of.want {
			t.Errorf("%s: %s, want %s", name, got, of.want)
		}
		if n := n.reads(newcomersOfTurn, true); n != newcomersOfTurn {
			t.Errorf("%s: of %d, when nobody else talks, %d are read from", name, newcomersOfTurn, n)
		}
	}
}

// While a loop rests from newcomers it does nothing for them, and everything for the others; of those who connect a few
// are accepted.
func TestALoopRestsFromNewcomers(t *testing.T) {
	opened := make(chan *fake, 64)
	heard, called := make(chan *fake, 64), make(chan *fake, 64)
	s := serve(t, kinds()[0], func(c *Config) { c.Loops = 1 }, func(f *fake) {
		f.data = func(_ *Turn, b []byte) (n, need int) {
			heard <- f
			return len(b), 0
		}
		f.timer = func(*Turn) { called <- f }
		opened <- f
	})
	l := s.group.loops[0]
	here, newcomer := s.dial(t), s.dial(t)
	other, stranger := want(t, "connection", opened), want(t, "connection", opened)
	inLoop(t, s.group, func() {
		other.conn.Welcome()
		l.newcomers.rest = time.Now().Add(time.Hour)
		for _, f := range []*fake{stranger, other} {
			f.conn.SetDeadline(time.Now())
		}
	})
	for _, c := range []net.Conn{newcomer, here} {
		_, err := c.Write([]byte("x"))
		must(t, err)
	}
	var late []net.Conn
	for range 3 * maxArriving {
		late = append(late, s.dial(t))
	}
	if f := want(t, "word", heard); f != other {
		t.Error("a newcomer was heard")
	}
	if f := want(t, "deadline", called); f != other {
		t.Error("a newcomer was called")
	}
	eventually(t, "a few are accepted", func() bool {
		l.inbox.mu.Lock()
		defer l.inbox.mu.Unlock()
		return len(l.inbox.new) == maxArriving
	})
	if len(opened)+len(heard)+len(called) > 0 {
		t.Error("something was done for newcomers")
	}

	inLoop(t, s.group, func() { l.newcomers.rest = time.Time{} })
	if f := want(t, "word", heard); f != stranger {
		t.Error("the newcomer was not heard")
	}
	if f := want(t, "deadline", called); f != stranger {
		t.Error("the newcomer was not called")
	}
	for range late {
		want(t, "connection", opened)
	}
}

// Who is told something talks, and who says something.
func TestWhoTalks(t *testing.T) {
	opened := make(chan *fake, 2)
	said := make(chan struct{}, 2)
	s := serve(t, kinds()[0], func(c *Config) { c.Loops = 1 }, func(f *fake) {
		f.data = func(_ *Turn, b []byte) (n, need int) {
			said <- struct{}{}
			return len(b), 0
		}
		opened <- f
	})
	l := s.group.loops[0]
	talked := func() (since time.Time) {
		inLoop(t, s.group, func() { since = l.newcomers.talked })
		return since
	}
	c := s.dial(t)
	f := want(t, "connection", opened)
	_, err := c.Write([]byte("x"))
	must(t, err)
	want(t, "word", said)
	if !talked().IsZero() {
		t.Error("a newcomer counts as one who talks")
	}
	inLoop(t, s.group, f.conn.Welcome)
	_, err = c.Write([]byte("x"))
	must(t, err)
	want(t, "word", said)
	first := talked()
	if first.IsZero() {
		t.Error("who has said something does not talk")
	}
	must(t, f.conn.Append(nil, []byte("y")))
	f.conn.Flush()
	eventually(t, "who is told something talks", func() bool { return talked().After(first) })
}

// inLoop has the first loop call fn, and returns when that is done and so is its turn.
func inLoop(t *testing.T, g *Group, fn func()) {
	t.Helper()
	for _, fn := range []func(){fn, func() {}} {
		done := make(chan struct{})
		must(t, g.Post(0, func(*Turn) {
			fn()
			close(done)
		}))
		want(t, "loop", done)
	}
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

// A connection that has another layer over it by now is welcome like any other: its deadlines are those of who is there.
func TestWelcomeUnderALayer(t *testing.T) {
	opened := make(chan *fake, 1)
	called := make(chan struct{}, 1)
	s := serve(t, kinds()[0], func(c *Config) { c.Loops = 1 }, func(f *fake) {
		f.timer = func(*Turn) { called <- struct{}{} }
		opened <- f
	})
	s.dial(t)
	f := want(t, "connection", opened)
	l := s.group.loops[0]
	var err error
	inLoop(t, s.group, func() {
		f.conn.PauseRead()
		err = f.conn.Cover(func(nc net.Conn) net.Conn { return nc })
		f.conn.Welcome()
		l.newcomers.rest = time.Now().Add(time.Hour)
		f.conn.SetDeadline(time.Now())
	})
	must(t, err)
	want(t, "deadline", called)
}
