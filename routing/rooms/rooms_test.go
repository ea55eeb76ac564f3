package rooms

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/prepared"
	"limegrove/routing/subject"
)

func TestWhoIsInARoomHearsWhatIsPublished(t *testing.T) { // H-23, H-24, H-32, H-40
	w := newWorld(t)
	a, b := w.edge(Config{}), w.edge(Config{})
	ana, rui, lia := &session{w: w}, &session{w: w}, &session{w: w}
	first := a.in(ana, "/ride/42", false)
	second := a.in(ana, "/ride/42", false)
	a.in(rui, "/ride/42", false)
	b.in(lia, "/ride/42", false)
	b.in(lia, "/ride/43", false)

	var want []string
	for i := range 50 {
		b.say("/ride/42", fmt.Sprint(i), false)
		want = append(want, fmt.Sprintf("/ride/42 %d", i))
	}
	w.eventually("who has two seats hears it for each", func() bool { return len(ana.all()) >= 2*len(want) })
	var twice [2][]string // each seat's, in order; that of which comes first does not matter
	for _, m := range ana.all() {
		seat := 0
		if slices.Contains(twice[0], m) {
			seat = 1
		}
		twice[seat] = append(twice[seat], m)
	}
	if !slices.Equal(twice[0], want) || !slices.Equal(twice[1], want) {
		t.Errorf("who has two seats hears %q", twice)
	}
	ana.want("and no more", ana.all()...)
	rui.want("who has one hears it once, in order", want...)
	lia.want("on the other edge, too", want...)

	first.Leave()
	first.Leave()
	a.say("/ride/42", "x", false)
	ana.want("one seat of two is left", "/ride/42 x")
	rui.want("the others stay", "/ride/42 x")
	second.Leave()
	a.say("/ride/42", "y", false)
	rui.want("who has left hears nothing", "/ride/42 y")
	if got := ana.all(); len(got) > 0 {
		t.Errorf("ana got %q", got)
	}
}

func TestNothingIsHeardBeforeASeatIsActive(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{})
	ana, rui := &session{w: w}, &session{w: w}
	seat, err := e.Enter(t.Context(), Entry{Address: w.at("/x")}, ana)
	if err != nil {
		t.Fatal(err)
	}
	e.in(rui, "/x", false)
	e.say("/x", "1", false)
	rui.want("the room is open", "/x 1")
	seat.Activate()
	seat.Activate()
	e.say("/x", "2", false)
	ana.want("from then on, once", "/x 2")
	seat.Leave()
	seat.Activate() // which comes too late
	e.say("/x", "3", false)
	rui.want("and not after the end", "/x 2", "/x 3")
	if got := ana.all(); len(got) > 0 {
		t.Errorf("ana got %q", got)
	}
}

func TestARoomHasOneSubscriptionOnAnEdge(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{Shards: 1})
	ana := &session{w: w}
	var seats []*Seat
	for i := range 10 {
		for range 20 {
			seats = append(seats, e.in(ana, fmt.Sprintf("/ride/%d", i), false))
		}
	}
	if n := e.nc.NumSubscriptions(); n != 10+1 {
		t.Errorf("%d subscriptions, want one a room, and one for wildcards", n)
	}
	if rooms, of := e.count("limegrove_rooms"), e.count("limegrove_rooms_seats"); rooms != 10 || of != 200 {
		t.Errorf("%v rooms with %v seats", rooms, of)
	}
	for _, s := range seats {
		s.Leave()
	}
	e.wantEmpty()
}

func TestWildcardsOfEitherSide(t *testing.T) { // H-41
	w := newWorld(t)
	a, b := w.edge(Config{}), w.edge(Config{})
	literal, wild, concrete, other := &session{w: w}, &session{w: w}, &session{w: w}, &session{w: w}
	a.in(literal, "/ride/*", false)
	b.in(wild, "/ride/*", true)
	a.in(concrete, "/ride/42", false)
	b.in(concrete, "/ride/43", true) // which has none
	a.in(other, "/walk/42", false)
	b.in(other, "/ride/42/x", true)

	a.say("/ride/42", "1", false)
	wild.want("a listener's wildcard", "/ride/* 1")
	concrete.want("its own", "/ride/42 1")
	b.say("/ride/*", "2", false)
	literal.want("a wildcard that means itself", "/ride/* 2")
	wild.want("and any value", "/ride/* 2")
	b.say("/ride/*", "3", true)
	literal.want("a publisher's", "/ride/* 3")
	wild.want("both", "/ride/* 3")
	concrete.want("each room once", "/ride/42 3", "/ride/43 3")
	a.say("/ride/44", "4", true) // which has none
	wild.want("no wildcard is as without", "/ride/* 4")
	a.say("/walk/*", "5", true)
	b.say("/ride/42/*", "6", true)
	other.want("rooms of other names are others", "/walk/42 5", "/ride/42/x 6")
	for _, s := range []*session{literal, concrete} {
		if got := s.all(); len(got) > 0 {
			t.Errorf("got %q", got)
		}
	}
}

func TestRoomsOfTwoDomainsAreTwo(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{})
	ana := &session{w: w}
	e.in(ana, "/x", false)
	for _, domain := range []string{"u.org", "T.ORG"} {
		at := w.at("/x")
		at.Domain = domain
		if _, err := e.Publish(at, false, Publication{Envelope: []byte(domain)}); err != nil {
			t.Fatal(err)
		}
	}
	ana.want("of its own domain, however it is spelled", "/x T.ORG")
}

func TestASlowOccupantHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{})
	slow, gone, ana := &session{w: w}, &session{w: w}, &session{w: w}
	slow.refuses = fmt.Errorf("queue: %w", &lime.Reason{Code: lime.CodeDispatchError, Description: "It is slow"})
	gone.refuses = errors.New("closed")
	e.in(slow, "/x", false)
	e.in(gone, "/x", false)
	e.in(ana, "/x", false)
	e.say("/x", "1", false)
	e.say("/x", "2", false)
	ana.want("the others hear all", "/x 1", "/x 2")
	for reason, want := range map[dropReason]float64{dropQueueFull: 2, dropClosed: 2, dropOverload: 0} {
		if n := e.count("limegrove_rooms_dropped_total", string(reason)); n != want {
			t.Errorf("%v are dropped for %s, want %v", n, reason, want)
		}
	}
	if n := e.count("limegrove_rooms_heard_total"); n != 2 {
		t.Errorf("%v are heard, want 2", n)
	}
}

func TestARoomThatIsFullIsSaidToBe(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{MaxSeats: 2})
	ana := &session{w: w}
	first, second := e.in(ana, "/x", false), e.in(ana, "/x", false)
	if _, err := e.Enter(t.Context(), Entry{Address: w.at("/x")}, ana); !errors.Is(err, ErrCrowded) {
		t.Errorf("got %v", err)
	}
	first.Leave()
	e.in(ana, "/x", false).Leave()
	second.Leave()
	e.wantEmpty()
}

func TestALockInAFullRoomIsShort(t *testing.T) {
	const seats, waiting = maxCopies / 10, 30
	s := &shard{
		rooms: &Rooms{metrics: newMetrics(nil)}, of: map[*nats.Subscription]listener{},
		messages: make(chan *nats.Msg, waiting),
	}
	ana := &session{w: newWorld(t)}
	h := &hall{listening: listening{shard: s}}
	for range seats {
		h.seats = append(h.seats, &Seat{hall: h, occupant: ana})
	}
	msg := &nats.Msg{Sub: &nats.Subscription{}, Data: []byte("x")}
	s.of[msg.Sub] = h
	for range waiting {
		s.messages <- msg
	}
	s.hold(msg)
	if n := len(s.messages); n < waiting-10 || n == waiting {
		t.Errorf("%d of %d wait for the next time", n, waiting)
	}
}

func TestWhatCannotBeSubscribedToLeavesNothing(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{})
	long := w.at("/" + strings.Repeat(".", 500))
	if _, err := e.Enter(t.Context(), Entry{Address: long}, &session{w: w}); !errors.Is(err, subject.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	if _, err := e.Publish(long, false, Publication{}); !errors.Is(err, subject.ErrTooLong) {
		t.Errorf("got %v", err)
	}
	flush := e.barrier.Flush
	e.barrier.Flush = func() error { return errors.New("no answer") }
	if _, err := e.Enter(t.Context(), Entry{Address: w.at("/x")}, &session{w: w}); err == nil {
		t.Error("it is entered without the broker")
	}
	e.wantEmpty()
	e.barrier.Flush = flush
	ana := &session{w: w}
	e.in(ana, "/x", false)
	e.say("/x", "1", false)
	ana.want("the room is as new", "/x 1")
}

func TestAnEdgeThatCannotKeepUpCountsWhatItMisses(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{Shards: 1, Backlog: 4})
	ana := &session{w: w}
	ana.mu.Lock() // so that the shard stands still
	e.in(ana, "/x", false)
	const all = 100
	for i := range all {
		e.say("/x", fmt.Sprint(i), false)
	}
	dropped := func() float64 { return e.count("limegrove_rooms_dropped_total", string(dropOverload)) }
	flushed := make(chan error, 1)
	go func() { flushed <- e.nc.FlushTimeout(patience) }() // after which all have come, or are dropped
	if err := <-flushed; err != nil {
		t.Fatal(err)
	}
	ana.mu.Unlock()
	heard := func() float64 { return e.count("limegrove_rooms_heard_total") }
	w.eventually("it hears again", func() bool { return len(ana.all()) >= 4 })
	e.say("/x", "last", false)
	w.eventually("each is heard or counted", func() bool {
		s := e.shards[0]
		s.mu.Lock()
		for sub := range s.of {
			s.countLost(sub)
		}
		s.mu.Unlock()
		return heard()+dropped() == all+1
	})
	if dropped() == 0 {
		t.Error("nothing was too much")
	}
}

func TestComingAndGoingLeavesNothing(t *testing.T) {
	w := newWorld(t)
	e := w.edge(Config{})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			s := &session{w: w}
			for i := range 50 {
				seat, err := e.Enter(t.Context(), Entry{Address: w.at([]string{"/x", "/y", "/*"}[i%3]), Wild: i%2 == 0}, s)
				if err != nil {
					t.Error(err)
					return
				}
				seat.Activate()
				if _, err := e.Publish(w.at("/x"), false, Publication{Envelope: []byte("x")}); err != nil {
					t.Error(err)
				}
				seat.Leave()
			}
		})
	}
	all.Wait()
	e.wantEmpty()
	ana := &session{w: w}
	e.in(ana, "/x", false)
	e.say("/*", "1", true)
	ana.want("and rooms are as new", "/x 1")
}

// BenchmarkHear is what one copy costs that is handed to one of a thousand in a room.
func BenchmarkHear(b *testing.B) {
	w := newWorld(b)
	e := w.edge(Config{Shards: 1})
	o := &counter{}
	for range 1000 {
		seat, err := e.Enter(b.Context(), Entry{Address: w.at("/x")}, o)
		if err != nil {
			b.Fatal(err)
		}
		seat.Activate()
	}
	s := e.shards[0]
	h := s.halls[hallKey{"t.org", "/x", false}]
	envelope := []byte(`{"from":"x","type":"text/plain","content":"x"}`)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.mu.Lock()
		h.gather(envelope, 0)
		s.handOutAll()
		for _, seat := range s.heard {
			seat.heard = false
		}
		s.heard = s.heard[:0]
		s.mu.Unlock()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/copy")
}

// counter counts what it hears.
type counter struct{ n int }

func (c *counter) Hear(_ *Seat, _ *prepared.Run, from, to int) (n int, err error) {
	c.n += to - from
	return to - from, nil
}
func (c *counter) Flush() {}
