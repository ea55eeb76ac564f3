package rooms

import (
	"context"
	"runtime"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

// deafen has a seat's audience hear nothing any more.
func (s *Seat) deafen(w *world) {
	w.Helper()
	if err := s.audience.sub.Unsubscribe(); err != nil {
		w.Fatal(err)
	}
}

func TestWhoCameWhileTheBrokerWasAwayIsRead(t *testing.T) {
	w, r, _ := registered(t)
	a, b := w.registering(r, "a", 10), w.registering(r, "b", 10)
	ana := w.visitor("ana@t.org/1", "s")
	seat := a.attends(ana, "/x")
	ana.knows("before", "/x", 1, "ana@t.org")
	seat.deafen(w)
	b.in(w.visitor("rui@t.org/1", "s"), "/x", false)
	a.wantPresent("it is there", "/x", 2, "ana@t.org", "rui@t.org")
	if err := a.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	ana.knows("though nothing is told any more", "/x", 2, "ana@t.org", "rui@t.org")
}

// enters is what the registry and the edges are told of by another edge.
func (r *registry) enters(w *world, at roomKey, node string) (changed turnout) {
	w.Helper()
	n := lime.MustParseNode(node)
	states, err := r.Store.ChangeRooms(w.Context(), []presence.RoomChange{{Room: at.identity(), Entered: []presence.Registration{
		{Node: lime.Node{Identity: at.identity(), Instance: node}, Edge: "a", Session: "s"},
	}}})
	if err != nil || !states[0].Changed {
		w.Fatalf("%s is in the room: %+v, %v", node, states, err)
	}
	return turnout{Version: states[0].Version, Count: &states[0].Occupants, Joined: []lime.Node{n}}
}

func TestTheLastOfWhatIsToldOfARoomIsReadWhenItIsLost(t *testing.T) {
	w, r, _ := registered(t)
	if err := r.PutLease(t.Context(), presence.Lease{Edge: "a"}); err != nil {
		t.Fatal(err)
	}
	a := w.edge(Config{Registry: r, Edge: "a", ID: "a", Shards: 1, Backlog: 1})
	ana, key := w.visitor("ana@t.org/1", "s"), roomKey{"t.org", "/x"}
	a.attends(ana, "/x")
	ana.knows("before", "/x", 1, "ana@t.org")
	nc := w.server.Connect()
	tell := func(what turnout) {
		t.Helper()
		err := publishTurnout(nc, key, &what)
		if err == nil {
			err = nc.FlushTimeout(patience)
		}
		if err == nil {
			err = a.nc.FlushTimeout(patience)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := a.shards[0]
	s.mu.Lock()
	tell(turnout{})
	for len(s.messages) > 0 { // until it is being handed out
		runtime.Gosched()
	}
	tell(turnout{}) // which waits
	tell(r.enters(w, key, "rui@t.org/1"))
	s.mu.Unlock()
	ana.knows("nothing comes behind it", "/x", 2, "ana@t.org", "rui@t.org")
}

// forgetful is a registry that makes each change twice, as the client library does when an answer
// is lost, and says what came of the second.
type forgetful struct{ *registry }

func (f *forgetful) ChangeRooms(ctx context.Context, changes []presence.RoomChange) ([]presence.RoomState, error) {
	if _, err := f.registry.ChangeRooms(ctx, changes); err != nil {
		return nil, err
	}
	return f.registry.ChangeRooms(ctx, changes)
}

func TestAChangeWhoseAnswerIsLostIsRead(t *testing.T) {
	w, r, _ := registered(t)
	a := w.registering(r, "a", 10)
	if err := r.PutLease(t.Context(), presence.Lease{Edge: "b"}); err != nil {
		t.Fatal(err)
	}
	b := w.edge(Config{Registry: &forgetful{r}, Edge: "b", ID: "b"})
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	ana.knows("before", "/x", 1, "ana@t.org")
	seat := b.in(w.visitor("rui@t.org/1", "s"), "/x", false)
	ana.knows("who comes", "/x", 2, "ana@t.org", "rui@t.org")
	seat.Leave()
	ana.knows("who goes", "/x", 1, "ana@t.org")

	r.be(true) // which has changed it all the same
	b.in(w.visitor("lia@t.org/1", "s"), "/x", false)
	w.eventually("it was tried", func() bool { return b.count("limegrove_rooms_untold") == 1 })
	r.be(false)
	ana.knows("who has come meanwhile", "/x", 2, "ana@t.org", "lia@t.org")
}

func TestWhatIsToldOnceMoreIsInDoubtOnlyWhenItMayDiffer(t *testing.T) {
	a := attendance{registry: &registry{}, parties: map[roomKey]*party{}}
	take := func(why string, unsure bool) []news {
		t.Helper()
		n := 10
		all := a.take(&n)
		if len(all) != 1 || all[0].unsure != unsure {
			t.Errorf("%s: %+v", why, all)
		}
		return all
	}
	s := a.come(roomKey{"t.org", "/x"}, Visitor{Node: lime.MustParseNode("ana@t.org/1"), Session: "s"})
	a.took(take("who comes", true))
	a.again(false)
	a.took(take("who was there", false))
	a.again(false)
	a.failed(take("who was there", false))
	a.took(take("and may not be any more", true))
	a.again(true)
	a.took(take("the registry had lost it", true))
	a.leave(s)
	a.failed(take("who goes", true))
	a.took(take("who goes", true))
	if len(a.parties) > 0 {
		t.Errorf("%d rooms are left", len(a.parties))
	}
}

func TestARoomThatIsDoubtedWhileItIsReadIsReadAgain(t *testing.T) {
	s := &shard{rooms: &Rooms{}}
	a := &audience{listening: listen(s)}
	a.doubt()
	a.doubted = false // it is begun to be read
	a.doubt()
	a.read(presence.Occupants{Version: 1, Count: 1, Listed: true})
	if !a.settle(10) {
		t.Error("what is known is from before it was doubted")
	}
	a.doubted = false
	a.read(presence.Occupants{Version: 2, Listed: true})
	if a.settle(10) {
		t.Error("it is read though it is known")
	}
}
