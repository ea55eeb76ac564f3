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

	"github.com/alicebob/miniredis/v2"

	"limegrove/event"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
)

// registry is presence's, which may be made not to answer.
type registry struct {
	*presence.Store

	mu    sync.Mutex
	away  bool
	calls int
}

var errAway = errors.New("the registry is away")

func (r *registry) be(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

func (r *registry) answers() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if r.away {
		return errAway
	}
	return nil
}

// ChangeRooms has changed them even when it fails, as may be.
func (r *registry) ChangeRooms(ctx context.Context, changes []presence.RoomChange) ([]presence.RoomState, error) {
	states, err := r.Store.ChangeRooms(ctx, changes)
	return states, errors.Join(r.answers(), err)
}

func (r *registry) Occupants(ctx context.Context, rooms []lime.Identity, most int) ([]presence.Occupants, error) {
	if err := r.answers(); err != nil {
		return nil, err
	}
	return r.Store.Occupants(ctx, rooms, most)
}

// registered is a world whose edges keep who is in which room.
func registered(t *testing.T) (*world, *registry, *miniredis.Miniredis) {
	server := miniredis.RunT(t)
	store, err := presence.Open(presence.Config{URL: "redis://" + server.Addr(), Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return newWorld(t), &registry{Store: store}, server
}

func (w *world) registering(r *registry, edge presence.EdgeID, most int) *testEdge {
	w.Helper()
	if err := r.PutLease(w.Context(), presence.Lease{Edge: edge}); err != nil {
		w.Fatal(err)
	}
	return w.edge(Config{Registry: r, Edge: edge, ID: string(edge), MaxListed: most})
}

// visitor is a session of a node.
func (w *world) visitor(node, id string) *session {
	return &session{w: w, visitor: Visitor{Node: lime.MustParseNode(node), Session: id}}
}

// attends enters a room whose occupants it is told.
func (e *testEdge) attends(s *session, text string) *Seat {
	e.w.Helper()
	seat := e.in(s, text, false)
	if err := seat.Attend(e.w.Context()); err != nil {
		e.w.Fatal(err)
	}
	return seat
}

// present is what is kept of a room.
func (e *testEdge) wantPresent(why, text string, count int, who ...string) {
	e.w.Helper()
	var n int
	var got []string
	e.w.eventually(why, func() bool {
		var all []lime.Identity
		var err error
		if n, all, err = e.Occupants(e.w.Context(), e.w.at(text)); err != nil {
			return false
		}
		got = nil
		for _, i := range all {
			got = append(got, i.String())
		}
		return n == count && slices.Equal(got, who)
	})
}

// knows follows what a session is told of who is in a room, until that is so. Identities
// are folded.
func (s *session) knows(why, text string, count int, who ...string) {
	s.w.Helper()
	read, known, n := 0, map[string]bool{}, 0
	s.w.eventually(why, func() bool {
		all := s.all()
		for ; read < len(all); read++ {
			name, envelope, _ := strings.Cut(all[read], " ")
			var c lime.Command
			var d room.Document
			if name != text || json.Unmarshal([]byte(envelope), &c) != nil || c.Method != lime.MethodObserve || c.ID != "" {
				s.w.Fatalf("%s: %s is told", why, all[read])
			}
			if err := json.Unmarshal(c.Resource, &d); err != nil || d.Count == nil || c.Type != lime.MediaRoom {
				s.w.Fatalf("%s: %s is told", why, envelope)
			}
			n = *d.Count
			if d.Joined == nil && d.Left == nil {
				known = map[string]bool{}
			}
			for _, i := range slices.Concat(d.Occupants, d.Joined) {
				known[i.Fold().String()] = true
			}
			for _, i := range d.Left {
				if !known[i.Fold().String()] {
					s.w.Errorf("%s: %s leaves, who was not there", why, i)
				}
				delete(known, i.Fold().String())
			}
		}
		return n == count && len(known) == len(who) && !slices.ContainsFunc(who, func(i string) bool { return !known[i] })
	})
}

func TestWhoIsInARoomIsKnown(t *testing.T) {
	w, r, _ := registered(t)
	a, b := w.registering(r, "a", 10), w.registering(r, "b", 10)
	ana, rui, phone := w.visitor("Ana@t.org/1", "s1"), w.visitor("rui@t.org/1", "s2"), w.visitor("ana@t.org/2", "s3")
	nobody := &session{w: w}
	watching := a.attends(ana, "/ride/42")
	ana.knows("oneself", "/ride/42", 1, "ana@t.org")
	b.attends(rui, "/ride/42")
	ana.knows("who comes elsewhere", "/ride/42", 2, "ana@t.org", "rui@t.org")
	rui.knows("who was there", "/ride/42", 2, "ana@t.org", "rui@t.org")
	second := b.in(phone, "/ride/42", false)
	b.in(nobody, "/ride/42", false)
	third := b.in(phone, "/ride/42", false)
	rui.knows("two sessions of one identity", "/ride/42", 3, "ana@t.org", "rui@t.org")
	watching.Leave()
	rui.knows("one of them goes", "/ride/42", 2, "ana@t.org", "rui@t.org")
	third.Leave()
	a.wantPresent("who has another seat stays", "/ride/42", 2, "ana@t.org", "rui@t.org")
	second.Leave()
	rui.knows("both", "/ride/42", 1, "rui@t.org")
	a.wantPresent("for whoever asks", "/ride/42", 1, "rui@t.org")
	a.wantPresent("names are told from others", "/Ride/42", 0)
}

func TestOfManyInARoomTheNumberIsTold(t *testing.T) {
	w, r, _ := registered(t)
	a, b := w.registering(r, "a", 3), w.registering(r, "b", 3)
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	var seats []*Seat
	for i := range 40 {
		seats = append(seats, b.in(w.visitor(fmt.Sprintf("user%d@t.org/1", i), "s"), "/x", false))
	}
	ana.knows("more than are listed", "/x", 41)
	for _, s := range seats[1:] {
		s.Leave()
	}
	ana.knows("few enough again", "/x", 2, "ana@t.org", "user0@t.org")
}

func TestARegistryThatIsAwayIsToldLater(t *testing.T) {
	w, r, server := registered(t)
	a, b := w.registering(r, "a", 10), w.registering(r, "b", 10)
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	ana.knows("before", "/x", 1, "ana@t.org")
	r.be(true)
	brief := b.in(w.visitor("brief@t.org/1", "s"), "/x", false)
	b.in(w.visitor("rui@t.org/1", "s"), "/x", false)
	w.eventually("it was tried", func() bool { return b.count("limegrove_rooms_untold") == 1 })
	brief.Leave()
	r.be(false)
	ana.knows("who has come, and not who has gone again", "/x", 2, "ana@t.org", "rui@t.org")

	server.FlushAll()
	for _, e := range []*testEdge{a, b} {
		if err := r.PutLease(t.Context(), presence.Lease{Edge: e.cfg.Edge}); err != nil {
			t.Fatal(err)
		}
		e.RegisterAll()
	}
	a.wantPresent("all are there again", "/x", 2, "ana@t.org", "rui@t.org")
	b.in(w.visitor("lia@t.org/1", "s"), "/x", false)
	ana.knows("and it goes on", "/x", 3, "ana@t.org", "rui@t.org", "lia@t.org")
}

// tellings are the events that were told: type, node, detail.
type tellings []string

func (all *tellings) Tell(e event.Event) {
	d := e.Detail.(event.Room)
	*all = append(*all, fmt.Sprintf("%s %s {%s %s %s}", e.Type, e.Node, d.Session, d.Room, d.Address))
}

func TestWhoEntersAndLeavesIsTold(t *testing.T) {
	var told tellings
	a := attendance{registry: &registry{}, events: &told, parties: map[roomKey]*party{}}
	lobby, pairs := roomKey{"t.org", "/lobby"}, roomKey{"t.org", "?n=5"}
	ana := Visitor{Node: lime.MustParseNode("Ana@t.org/1"), Session: "s1"}
	first, again := a.come(lobby, ana), a.come(lobby, ana)
	a.come(pairs, ana)
	a.leave(first)
	a.leave(again)
	old := a.come(lobby, ana)
	ana.Session = "s2"
	a.come(lobby, ana)
	a.leave(old)
	want := tellings{
		`room.joined Ana@t.org/1 {s1 "/lobby" %2flobby@rooms.t.org}`,
		`room.joined Ana@t.org/1 {s1 {"n":5} %3fn=5@rooms.t.org}`,
		`room.left Ana@t.org/1 {s1 "/lobby" %2flobby@rooms.t.org}`,
		`room.joined Ana@t.org/1 {s1 "/lobby" %2flobby@rooms.t.org}`,
		`room.left Ana@t.org/1 {s1 "/lobby" %2flobby@rooms.t.org}`,
		`room.joined Ana@t.org/1 {s2 "/lobby" %2flobby@rooms.t.org}`,
	}
	if !slices.Equal(told, want) {
		t.Errorf("told:\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

func TestThoseOfADeadEdgeLeaveTheirRooms(t *testing.T) {
	w, r, server := registered(t)
	a, b := w.registering(r, "a", 10), w.registering(r, "b", 10)
	var told tellings
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	b.in(w.visitor("rui@t.org/1", "s"), "/x", false)
	ana.knows("both", "/x", 2, "ana@t.org", "rui@t.org")
	server.Del("lg:edge:b")
	removed, err := r.Sweep(t.Context(), func(e presence.EdgeID) bool { return e == "b" })
	if err != nil || len(removed) != 1 {
		t.Fatalf("%+v were removed (%v)", removed, err)
	}
	if is, err := NewTeller(w.server.Connect()).TellRemoved(&told, &removed[0]); !is || err != nil {
		t.Errorf("it is told: %t, %v", is, err)
	}
	ana.knows("one", "/x", 1, "ana@t.org")
	if len(told) != 1 || told[0] != `room.left rui@t.org/1 {s "/x" %2fx@rooms.t.org}` {
		t.Errorf("%q are told", told)
	}
	if is, err := NewTeller(nil).TellRemoved(nil, &presence.Removed{Registration: presence.Registration{Node: lime.MustParseNode("ana@t.org/1")}}); is || err != nil {
		t.Errorf("a registration of no room is taken for one (%v)", err)
	}
}

func TestAnEdgeThatStopsLeavesNobodyBehind(t *testing.T) {
	w, r, _ := registered(t)
	a := w.registering(r, "a", 10)
	nc := w.server.Connect()
	b := New(Config{PublisherConfig: PublisherConfig{NATS: nc}, Registry: r, Edge: "a", Timeout: patience})
	ctx, stop := context.WithCancel(t.Context())
	rui := w.visitor("rui@t.org/1", "s")
	seat, err := b.Enter(t.Context(), Entry{Address: w.at("/x"), Visitor: rui.visitor}, rui)
	if err != nil {
		t.Fatal(err)
	}
	seat.Activate()
	running := make(chan struct{})
	go func() {
		defer close(running)
		b.Run(ctx)
	}()
	a.wantPresent("it is there", "/x", 1, "rui@t.org")
	seat.Leave()
	stop()
	<-running
	a.wantPresent("it is gone", "/x", 0)
}

func TestWhatComesOutOfOrderIsPutInOrder(t *testing.T) {
	n := func(i int) *int { return &i }
	nodes := func(all ...string) (list []lime.Node) {
		for _, text := range all {
			list = append(list, lime.MustParseNode(text))
		}
		return list
	}
	ana, rui := nodes("ana@t/1"), nodes("rui@t/1")
	var k knowing
	if !k.settle(3) {
		t.Error("what is not known is not read")
	}
	k.read(presence.Occupants{Version: 7, Listed: true})
	k.early = []turnout{{Version: 9, Count: n(1), Left: ana}, {Version: 8, Count: n(2), Joined: slices.Concat(ana, rui)}, {Version: 6, Joined: nodes("lia@t/1")}}
	if k.settle(3) || k.version != 9 || k.count != 1 || len(k.who) != 1 {
		t.Errorf("version %d, %d are there: %v", k.version, k.count, k.who)
	}
	k.early = []turnout{{Version: 11, Count: n(2), Joined: ana}}
	if !k.settle(3) || k.version != 9 {
		t.Error("what is missing is not read")
	}
	k.read(presence.Occupants{Version: 10, Count: 9})
	if !k.settle(3) || k.version != 11 || k.count != 2 || k.listed {
		t.Errorf("version %d, %d are there, listed: %t", k.version, k.count, k.listed)
	}
}
