package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/stream"
)

// kept is a world of edges whose rooms below /kept keep what is published, and those below
// /few three messages of it.
type kept struct {
	*world
	streams *stream.Streams
}

func newKept(t testing.TB, most int) *kept {
	w := newWorld(t)
	s, err := stream.Open(t.Context(), stream.Config{NATS: w.server.Connect(), Partitions: 2, Rooms: true, RoomMessages: most})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &kept{w, s}
}

func (k *kept) edge(cfg Config) *testEdge {
	k.Helper()
	var rules room.Rules
	if err := json.Unmarshal([]byte(`[{"room":"/kept/*","history":{}},{"room":"/few/*","history":{"count":3}},{"room":"/brief/*","history":{"age":"1ns"}}]`), &rules); err != nil {
		k.Fatal(err)
	}
	if cfg.Streams == nil {
		cfg.Streams = k.streams
	}
	cfg.History, cfg.ID = rules.History, "e"
	return k.world.edge(cfg)
}

// post publishes messages with ids, which the room has when it returns.
func (e *testEdge) post(text string, all ...string) {
	e.w.Helper()
	stored := make(chan error, len(all))
	for _, id := range all {
		envelope := fmt.Sprintf(`{"id":%q,"content":"x"}`, id)
		later, err := e.Publish(e.w.at(text), false, Publication{Envelope: []byte(envelope), Key: id, Stored: func(err error) { stored <- err }})
		if err != nil || !later {
			e.w.Fatalf("%s is published: %t, %v", id, later, err)
		}
	}
	for range all {
		if err := <-stored; err != nil {
			e.w.Fatal(err)
		}
	}
}

func numbers(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint(i))
	}
	return all
}

// reads waits for messages with these ids, in order and with rising positions, and returns
// the last position. What tells of a gap is "gap".
func (s *session) reads(why string, all ...string) (position uint64) {
	s.w.Helper()
	s.w.eventually(why, func() bool { return len(s.all()) >= len(all) })
	var got []string
	for _, text := range s.all() {
		_, envelope, _ := strings.Cut(text, " ")
		var e struct {
			ID       string
			Method   string
			Resource room.Document
			Metadata map[string]string
		}
		if err := json.Unmarshal([]byte(envelope), &e); err != nil {
			s.w.Fatalf("%s: %s: %v", why, envelope, err)
		}
		if e.Method == "observe" {
			if c := e.Resource.Continuous; c == nil || *c {
				s.w.Errorf("%s: %s is told", why, envelope)
			}
			got = append(got, "gap")
			continue
		}
		var at uint64
		if _, err := fmt.Sscan(e.Metadata[room.PositionKey], &at); err != nil || at <= position {
			s.w.Errorf("%s: the position of %s behind %d", why, envelope, position)
		}
		position = at
		got = append(got, e.ID)
	}
	if !slices.Equal(got, all) {
		s.w.Errorf("%s: %q come, want %q", why, got, all)
	}
	s.mu.Lock()
	s.got = nil
	s.mu.Unlock()
	return position
}

// since enters a room behind a position, and checks whether nothing is missing.
func (e *testEdge) since(s *session, text string, position uint64, continuous bool) *Seat {
	e.w.Helper()
	seat, err := e.Enter(e.w.Context(), Entry{Address: e.w.at(text), Since: &position}, s)
	if err != nil {
		e.w.Fatal(err)
	}
	if p := seat.Place(); !p.Kept || p.Continuous != continuous {
		e.w.Errorf("%s behind %d: %+v, want continuous: %t", text, position, p, continuous)
	}
	seat.Activate()
	return seat
}

func TestWhoComesBackGetsWhatItHasMissed(t *testing.T) {
	k := newKept(t, 2000)
	a, b := k.edge(Config{}), k.edge(Config{})
	ana, rui := &session{w: k.world}, &session{w: k.world}
	seat := a.in(ana, "/kept/1", false)
	b.in(rui, "/kept/1", false)
	b.post("/kept/1", numbers(0, 10)...)
	b.post("/kept/2", "elsewhere")
	at := ana.reads("live", numbers(0, 10)...)
	seat.Leave()
	b.post("/kept/1", numbers(10, 1010)...)
	rui.reads("who stays", numbers(0, 1010)...)
	again := a.since(ana, "/kept/1", at, true)
	b.post("/kept/1", numbers(1010, 1020)...)
	ana.reads("what was missed, and what is new", numbers(10, 1020)...)
	again.Leave()

	late := &session{w: k.world}
	place := a.in(late, "/kept/1", false).Place()
	if !place.Kept || place.Position < at {
		t.Errorf("who comes without a position begins at %+v", place)
	}
	b.post("/kept/1", "new")
	late.reads("from then on", "new")
	a.since(&session{w: k.world}, "/kept/1", place.Position, true)
	if p := a.in(late, "/other", false).Place(); p != (room.Place{}) {
		t.Errorf("in a room that keeps nothing it is at %+v", p)
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	k := newKept(t, 20)
	e := k.edge(Config{})
	ana := &session{w: k.world}
	seat := e.in(ana, "/kept/1", false)
	quiet := e.in(&session{w: k.world}, "/kept/quiet", false).Place().Position
	e.post("/kept/1", "first")
	at := ana.reads("live", "first")
	seat.Leave()
	e.post("/kept/1", numbers(0, 19)...)
	back := e.since(ana, "/kept/1", at, true)
	ana.reads("as much as is kept, less one", numbers(0, 19)...)
	back.Leave()
	e.since(ana, "/kept/quiet", quiet, true).Leave()
	e.post("/kept/1", numbers(19, 25)...)
	back = e.since(ana, "/kept/1", at, false)
	ana.reads("more than is kept", numbers(5, 25)...)
	back.Leave()
	back = e.since(ana, "/kept/1", 0, false)
	ana.reads("all that there is", numbers(5, 25)...)
	back.Leave()
	e.since(ana, "/kept/1", at+1_000_000_000, false).Leave()
	e.since(ana, "/kept/quiet", quiet, false).Leave() // the stream has forgotten the time since then
	if got := ana.all(); len(got) > 0 {
		t.Errorf("%q come of nothing", got)
	}

	few := e.in(ana, "/few/1", false)
	e.post("/few/1", numbers(0, 3)...)
	begin := few.Place().Position
	ana.reads("live", numbers(0, 3)...)
	few.Leave()
	back = e.since(ana, "/few/1", begin, true)
	ana.reads("as much as the rule says", numbers(0, 3)...)
	back.Leave()
	e.post("/few/1", numbers(3, 5)...)
	back = e.since(ana, "/few/1", begin, false)
	ana.reads("no more than the rule says", numbers(2, 5)...)
	back.Leave()
	e.post("/brief/1", "old")
	e.since(ana, "/brief/1", begin, false)
	e.post("/brief/1", "new")
	ana.reads("nothing older than the rule says", "new")
}

func TestASlowSessionIsReadForWhenThereIsRoom(t *testing.T) {
	k := newKept(t, 1000)
	e := k.edge(Config{})
	slow, fast := &session{w: k.world}, &session{w: k.world}
	seat := e.in(slow, "/kept/1", false)
	e.in(fast, "/kept/1", false)
	e.post("/kept/1", "0")
	slow.reads("live", "0")
	slow.refuse(errQueueFull)
	e.post("/kept/1", numbers(1, 600)...)
	fast.reads("who is fast", numbers(0, 600)...)
	seat.Drained()
	slow.refuse(nil)
	k.eventually("it is full again", func() bool {
		seat.Drained()
		return len(slow.all()) > 0
	})
	e.post("/kept/1", "600")
	slow.reads("all of it", numbers(1, 601)...)
	if n := e.count("limegrove_rooms_gaps_total"); n != 0 {
		t.Errorf("%v gaps", n)
	}

	slow.refuse(errQueueFull)
	e.post("/kept/1", numbers(601, 1800)...)
	fast.reads("who is fast", numbers(600, 1800)...)
	slow.refuse(nil)
	seat.Drained()
	slow.reads("too slow, and told so", append([]string{"gap"}, numbers(800, 1800)...)...)
	if n := e.count("limegrove_rooms_gaps_total"); n != 1 {
		t.Errorf("%v gaps", n)
	}
}

// refuse has Hear return an error from now on.
func (s *session) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = err
}

// TestCopiesThatAreLostAreRead, be it that a later one shows it or that somebody looks.
func TestCopiesThatAreLostAreRead(t *testing.T) {
	k := newKept(t, 1000)
	e, b := k.edge(Config{Shards: 1, Backlog: 1}), k.edge(Config{})
	ana := &session{w: k.world}
	e.in(ana, "/kept/1", false)
	b.post("/kept/1", "0")
	ana.reads("live", "0")
	lose := func(all ...string) {
		e.shards[0].mu.Lock()
		defer e.shards[0].mu.Unlock()
		b.post("/kept/1", all...)
		if err := e.nc.FlushTimeout(patience); err != nil {
			t.Fatal(err)
		}
	}
	lose(numbers(1, 50)...)
	k.eventually("some are lost", func() bool { return e.count("limegrove_rooms_dropped_total", "overload") > 0 })
	b.post("/kept/1", "50")
	ana.reads("a later one shows it", numbers(1, 51)...)
	lose(numbers(51, 100)...)
	e.checkKept(t.Context())
	ana.reads("somebody looks", numbers(51, 100)...)
}

func TestAPublicationIsKeptOnce(t *testing.T) {
	k := newKept(t, 1000)
	e := k.edge(Config{})
	ana := &session{w: k.world}
	seat := e.in(ana, "/kept/1", false)
	e.post("/kept/1", "a", "b")
	e.post("/kept/1", "a", "c")
	e.post("/kept/2", "a") // another room
	e.say("/kept/1", `{"id":"d","content":"without a key"}`, false)
	ana.reads("each", "a", "b", "c", "d")
	e.since(&session{w: k.world}, "/kept/1", seat.Place().Position, true)
	e.say("/kept/*", `{"content":"to several"}`, true)
	k.eventually("a publisher's wildcard", func() bool { return len(ana.all()) == 1 })
	if got := ana.all()[0]; got != `/kept/1 {"content":"to several"}` {
		t.Errorf("a publisher's wildcard brings %s", got)
	}
}

// noStreams takes nothing.
type noStreams struct {
	*stream.Streams
	err error

	mu    sync.Mutex
	tries int
}

func (n *noStreams) StoreInOrder(_ context.Context, list []*nats.Msg) []error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tries++
	return slices.Repeat([]error{n.err}, len(list))
}

func TestWhatCannotBeKeptIsSaid(t *testing.T) {
	k := newKept(t, 10)
	away := &noStreams{Streams: k.streams, err: fmt.Errorf("%w: away", stream.ErrUnavailable)}
	e := k.edge(Config{PublisherConfig: PublisherConfig{Streams: away, MaxStoring: 2 * (storeCost + 10), StoreTime: 2 * time.Second}}) // for some tries
	stored := make(chan error, 3)
	p := Publication{Envelope: []byte(`{"id":"1"}`), Key: "1", Stored: func(err error) { stored <- err }}
	for range 2 {
		if later, err := e.Publish(k.at("/kept/1"), false, p); !later || err != nil {
			t.Fatalf("%t, %v", later, err)
		}
	}
	if _, err := e.Publish(k.at("/kept/1"), false, p); !errors.Is(err, ErrBusy) {
		t.Errorf("more than may wait: %v", err)
	}
	for range 2 {
		if err := <-stored; !errors.Is(err, ErrLate) {
			t.Errorf("it is told %v", err)
		}
	}
	away.mu.Lock()
	away.err = fmt.Errorf("%w: too long", stream.ErrRefused)
	if away.tries < 3 {
		t.Errorf("it was tried %d times", away.tries)
	}
	away.mu.Unlock()
	if later, err := e.Publish(k.at("/kept/1"), false, p); !later || err != nil {
		t.Fatalf("there is room again: %t, %v", later, err)
	}
	if err := <-stored; !errors.Is(err, stream.ErrRefused) {
		t.Errorf("it is told %v", err)
	}
	if n := e.count("limegrove_rooms_dropped_total", "broker"); n != 4 {
		t.Errorf("%v are counted", n)
	}
}

func TestPositionsAreInTheMetadata(t *testing.T) {
	got := string(stamped([]byte(`{"id":"1","metadata":{"#room.position":"9"},"content":"x"}`), 12))
	var e lime.Message
	if err := json.Unmarshal([]byte(got), &e); err != nil || e.Metadata[room.PositionKey] != "12" {
		t.Errorf("%s has %v (%v)", got, e.Metadata, err)
	}
	if got := string(stamped([]byte(`no envelope`), 1)); got != "no envelope" {
		t.Errorf("it becomes %s", got)
	}
}
