package rooms

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/presence"
)

// line is the way of a connection to the broker.
type line struct {
	nats.CustomDialer
	cut     atomic.Bool // nobody can connect
	clogged atomic.Bool // what is written comes to nobody
}

func (w *world) line() (*line, *nats.Conn) {
	w.Helper()
	l := &line{CustomDialer: w.server.Connect().Opts.CustomDialer}
	return l, w.server.Connect(
		nats.SetCustomDialer(l), nats.MaxReconnects(-1), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ReconnectBufSize(-1), nats.Timeout(patience))
}

func (l *line) Dial(network, address string) (net.Conn, error) {
	if l.cut.Load() {
		return nil, errors.New("the broker is away")
	}
	c, err := l.CustomDialer.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return &end{Conn: c, line: l}, nil
}

// end is our end of a line.
type end struct {
	net.Conn
	line *line
}

func (e *end) Write(b []byte) (int, error) {
	if e.line.clogged.Load() {
		return len(b), nil
	}
	return e.Conn.Write(b)
}

// breaks ends the connection until it is mended.
func (l *line) breaks(w *world, nc *nats.Conn) {
	w.Helper()
	l.cut.Store(true)
	if err := nc.ForceReconnect(); err != nil {
		w.Fatal(err)
	}
	w.eventually("the broker is away", func() bool { return nc.IsReconnecting() })
	l.clogged.Store(false)
}

func (l *line) mend() { l.cut.Store(false) }

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
	teller := NewTeller(nc)
	tell := func(what turnout) {
		t.Helper()
		err := teller.tell(key, &what)
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

func TestWhatCouldNotBeToldIsReadWhenTheBrokerIsBack(t *testing.T) {
	w, r, _ := registered(t)
	line, nc := w.line()
	for _, edge := range []presence.EdgeID{"a", "b"} {
		if err := r.PutLease(t.Context(), presence.Lease{Edge: edge}); err != nil {
			t.Fatal(err)
		}
	}
	a := w.edge(Config{Registry: r, Edge: "a", ID: "a"})
	b := w.edge(Config{PublisherConfig: PublisherConfig{NATS: nc}, Registry: r, Edge: "b", ID: "b"})
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	seats := map[string]*Seat{}
	for _, name := range []string{"rui", "lia"} {
		seats[name] = b.in(w.visitor(name+"@t.org/1", "s"), "/x", false)
	}
	ana.knows("before", "/x", 3, "ana@t.org", "lia@t.org", "rui@t.org")

	line.breaks(w, nc)
	before := b.count("limegrove_rooms_dropped_total", "broker")
	seats["rui"].Leave()
	w.eventually("it cannot be told", func() bool { return b.count("limegrove_rooms_dropped_total", "broker") > before })
	line.mend()
	ana.knows("who has left meanwhile", "/x", 2, "ana@t.org", "lia@t.org")

	line.clogged.Store(true)
	told := nc.Stats().OutMsgs
	seats["lia"].Leave()
	a.wantPresent("who leaves", "/x", 1, "ana@t.org")
	w.eventually("it is told, and nobody hears", func() bool { return nc.Stats().OutMsgs > told })
	line.breaks(w, nc)
	line.mend()
	ana.knows("who has left before the connection broke", "/x", 1, "ana@t.org")
}

func TestWhatWasWrittenToAnotherConnectionIsInDoubt(t *testing.T) {
	w := newWorld(t)
	line, nc := w.line()
	other := w.server.Connect()
	heard, err := other.SubscribeSync("attend.>")
	if err == nil {
		err = other.FlushTimeout(patience)
	}
	if err != nil {
		t.Fatal(err)
	}
	teller := NewTeller(nc)
	line.clogged.Store(true)
	if err := teller.tell(roomKey{"t.org", "/x"}, &turnout{Version: 1}); err != nil {
		t.Fatal(err)
	}
	line.breaks(w, nc)
	line.mend()
	w.eventually("it is connected again", nc.IsConnected)
	for range 2 { // of which the second has nothing to tell
		if !teller.settle(t.Context()) {
			t.Error("it is not made up for")
		}
	}
	if msg, err := heard.NextMsg(patience); err != nil || string(msg.Data) != `{"version":0,"doubt":true}` {
		t.Errorf("%v is told, %v", msg, err)
	}
	if len(teller.told)+len(teller.lost) > 0 {
		t.Errorf("%v and %v are left", teller.told, teller.lost)
	}
}

func TestARouterTellsOnceItCan(t *testing.T) {
	w, r, server := registered(t)
	line, nc := w.line()
	a, b := w.registering(r, "a", 10), w.registering(r, "b", 10)
	ana := w.visitor("ana@t.org/1", "s")
	a.attends(ana, "/x")
	b.in(w.visitor("rui@t.org/1", "s"), "/x", false)
	ana.knows("both", "/x", 2, "ana@t.org", "rui@t.org")
	router := NewTeller(nc)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { router.Run(ctx) })
	defer running.Wait()
	defer cancel()
	server.Del("lg:edge:b")
	removed, err := r.Sweep(t.Context(), func(e presence.EdgeID) bool { return e == "b" })
	if err != nil || len(removed) != 1 {
		t.Fatalf("%+v were removed (%v)", removed, err)
	}
	line.breaks(w, nc)
	if is, err := router.TellRemoved(nil, &removed[0]); !is || err == nil {
		t.Errorf("it is told while the broker is away: %t, %v", is, err)
	}
	line.mend()
	ana.knows("one", "/x", 1, "ana@t.org")
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
