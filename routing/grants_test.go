package routing

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/subject"
)

// grantedAt is what somebody was granted by a change.
func grantedAt(revision uint64) room.Grants {
	return room.Grants{Revision: revision, Rules: room.Rules{{Room: "/ride/42", Who: room.Everyone, May: room.Enter}}}
}

func (w *world) grant(identity string, g room.Grants) {
	w.Helper()
	if err := TellGranted(w.edges[0].nc, lime.MustParseIdentity(identity), g); err != nil {
		w.Fatal(err)
	}
	w.settle()
}

// wantGranted fails the test unless the session was told just this, in this order.
func (c *client) wantGranted(why string, want ...room.Grants) {
	c.e.w.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !reflect.DeepEqual(c.granted, want) {
		c.e.w.Errorf("%s: %s is told %+v, want %+v", why, c.node, c.granted, want)
	}
}

// awaitGranted waits for something to be told.
func (c *client) awaitGranted(why string) {
	c.e.w.Helper()
	eventually(c.e.w, why, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.granted) > 0
	})
}

func TestWhatIsGrantedIsToldToTheSessionsOfItsOwner(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	one, two := a.Login("rui@t.org/1"), b.Login("Rui@T.org/2")
	guest, other := b.Guest("rui@t.org/3"), b.Login("bia@t.org/1")
	coming, err := b.arrive("rui@t.org/4", false)
	if err != nil {
		t.Fatal(err)
	}
	w.grant("RUI@t.org", grantedAt(7))
	one.wantGranted("on any edge", grantedAt(7))
	two.wantGranted("on any edge", grantedAt(7))
	coming.wantGranted("who is on the way in", grantedAt(7))
	guest.wantGranted("a guest's name is nobody's")
	other.wantGranted("somebody else")
	w.grant("rui@t.org", room.Grants{Revision: 9})
	two.wantGranted("taken back", grantedAt(7), room.Grants{Revision: 9})

	key, err := subject.MakeKey(lime.MustParseIdentity("rui@t.org"))
	if err != nil {
		t.Fatal(err)
	}
	w.publishTo(a.nc, key.Granted(), "", `{"revision":10,"rules":[{"room":5}]}`)
	w.settle()
	b.WantDropped("what cannot be read", dropMalformed, 1)
	two.wantGranted("and changes nothing", grantedAt(7), room.Grants{Revision: 9})
}

// grants has what rui was granted.
type grants struct {
	mu    sync.Mutex
	now   room.Grants
	err   error
	reads int
}

func (g *grants) set(now room.Grants, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now, g.err = now, err
}

func (g *grants) read() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reads
}

func (g *grants) GrantedTo(_ context.Context, i lime.Identity) (room.Grants, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reads++
	if !i.EqualFold(lime.MustParseIdentity("rui@t.org")) {
		return room.Grants{}, errors.New("it is asked about " + i.String())
	}
	return g.now, g.err
}

func TestWhatWasGrantedWhileTheBrokerWasAwayIsRead(t *testing.T) {
	w := newWorld(t)
	g := &grants{}
	e := w.edge("a", Config{Grants: g, Logger: testLogger(t)})
	rui := e.Login("rui@t.org/1")
	e.Guest("bia@t.org/1")
	if n := g.read(); n != 0 {
		t.Errorf("it is read %d times though the login has brought it", n)
	}
	g.set(room.Grants{}, errors.New("no leader"))
	if err := e.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is to be read", func() bool { return g.read() > 0 })
	rui.wantGranted("it cannot be read yet")
	g.set(grantedAt(9), nil)
	rui.awaitGranted("it is read later")
	rui.wantGranted("it is told", grantedAt(9))
}

func TestWhatWasGrantedAndDroppedIsRead(t *testing.T) {
	w := newWorld(t)
	g := &grants{}
	e := w.edge("a", Config{Grants: g, Shards: 1, Backlog: 4, Logger: testLogger(t)})
	rui := e.Login("rui@t.org/1")
	ana := w.edge("b", Config{}).Guest("ana@t.org/1")
	w.quiet()
	g.set(grantedAt(9), nil)
	s := e.shards[0]
	s.mu.Lock() // the dispatcher takes one and waits
	for range 20 {
		ana.Say("rui@t.org/1", "x")
	}
	w.flush(ana.e.nc)
	if err := TellGranted(ana.e.nc, lime.MustParseIdentity("rui@t.org"), grantedAt(9)); err != nil {
		t.Error(err)
	}
	w.flush(ana.e.nc)
	w.flush(e.nc)
	s.mu.Unlock()
	rui.awaitGranted("something was dropped, so it is read")
	rui.wantGranted("and told", grantedAt(9))
}
