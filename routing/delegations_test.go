package routing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
)

// given is what identities were given, as the store has it.
type given struct {
	mu    sync.Mutex
	all   []Delegated
	err   error
	reads int
	order []lime.Identity // of those who were read
	slow  chan struct{}   // a read that has begun waits for it, unless it is nil
	began chan struct{}
}

func (g *given) GivenTo(ctx context.Context, target lime.Identity) (all []Delegated, _ error) {
	g.mu.Lock()
	g.reads++
	g.order = append(g.order, target)
	for _, d := range g.all {
		if d.Target.Identity.EqualFold(target) {
			all = append(all, d)
		}
	}
	err, slow := g.err, g.slow
	g.slow = nil
	g.mu.Unlock()
	if slow != nil {
		close(g.began)
		<-slow
	}
	return all, err
}

func (g *given) set(err error, all ...Delegated) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all, g.err = all, err
}

// delegated is one of ana's.
func delegated(version uint64, target string, types ...string) Delegated {
	return Delegated{
		Owner: lime.MustParseIdentity("Ana@t.org"), Version: version,
		Delegation: lime.Delegation{Target: lime.MustParseNode(target), EnvelopeTypes: types},
	}
}

// may tells whether a session may send a message for an owner.
func (c *client) may(owner string) bool {
	v, err := lime.ParseNodeView([]byte(owner))
	if err != nil {
		c.e.w.Fatal(err)
	}
	return c.MayActFor(v, &lime.Header{Kind: lime.KindMessage, Type: []byte("text/plain")})
}

func (c *client) wantMay(why, owner string, want bool) {
	c.e.w.Helper()
	if got := c.may(owner); got != want {
		c.e.w.Errorf("%s: %s for %s: %v", why, c.node, owner, got)
	}
}

func (w *world) delegate(e DelegationEvent) {
	w.Helper()
	nc := w.edges[0].nc
	if err := TellDelegation(nc, e); err != nil {
		w.Fatal(err)
	}
	w.flush(nc)
}

func TestWhatASessionWasGivenBeforeItBegan(t *testing.T) { // L-MSG-03
	w := newWorld(t)
	g := &given{}
	g.set(nil, delegated(1, "rui@t.org"), delegated(2, "lia@t.org/desk"), delegated(3, "ivo@t.org", "command"))
	e := w.edge("a", Config{Delegations: g})
	rui, desk, home, ivo := e.Login("Rui@T.org/1"), e.Login("lia@t.org/Desk"), e.Login("lia@t.org/home"), e.Login("ivo@t.org/1")
	rui.wantMay("all nodes of an identity", "ana@t.org", true)
	rui.wantMay("as a node of the owner", "ANA@t.ORG/phone", true)
	rui.wantMay("nobody else", "bia@t.org", false)
	rui.wantMay("nor of another domain", "ana@org", false)
	desk.wantMay("the node that was named", "ana@t.org", true)
	home.wantMay("no other node", "ana@t.org", false)
	ivo.wantMay("not this kind", "ana@t.org", false)
	e.Guest("rui@t.org/guest").wantMay("a guest proves nothing", "ana@t.org", false)
	e.Login("rui@t.org/2").wantMay("nor is it read twice", "ana@t.org", true)
	if g.reads != 3 {
		t.Errorf("read %d times for three identities", g.reads)
	}
}

func TestWhatIsGivenAndTakenBackMeanwhile(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	a, b := w.edge("a", Config{Delegations: g}), w.edge("b", Config{Delegations: g})
	here, there := a.Login("rui@t.org/1"), b.Login("rui@t.org/2")
	both := func(why string, want bool) {
		t.Helper()
		eventually(t, why, func() bool { return here.may("ana@t.org") == want && there.may("ana@t.org") == want })
	}
	both("nothing yet", false)
	w.delegate(DelegationEvent{Delegated: delegated(5, "rui@t.org")})
	both("given", true)
	w.delegate(DelegationEvent{Delegated: delegated(6, "rui@t.org/1", "command")})
	w.delegate(DelegationEvent{Delegated: delegated(7, "rui@t.org", "command")})
	both("narrowed", false)
	w.delegate(DelegationEvent{Delegated: delegated(6, "rui@t.org")})
	w.delegate(DelegationEvent{Delegated: delegated(8, "rui@t.org", "message")})
	both("an older word counts for nothing, a newer one does", true)
	w.delegate(DelegationEvent{Delegated: delegated(9, "rui@t.org"), Revoked: true})
	both("taken back", false)
	w.delegate(DelegationEvent{Delegated: delegated(8, "rui@t.org", "message")})
	w.delegate(DelegationEvent{Delegated: delegated(10, "rui@t.org/2", "message")})
	eventually(t, "one node is given it", func() bool { return there.may("ana@t.org") })
	here.wantMay("what was taken back is not brought back by a late word", "ana@t.org", false)
	w.delegate(DelegationEvent{Delegated: delegated(11, "rui@t.org")})
	both("given again", true)
}

// Of what was told while it was read nobody knows which is newer.
func TestWhatIsTakenBackWhileItIsRead(t *testing.T) {
	w := newWorld(t)
	g := &given{slow: make(chan struct{}), began: make(chan struct{})}
	g.set(nil, delegated(5, "rui@t.org"))
	slow := g.slow
	e := w.edge("a", Config{Delegations: g})
	began := make(chan *client)
	go func() { began <- e.login("rui@t.org/1", false) }()
	<-g.began
	g.set(nil)
	w.delegate(DelegationEvent{Delegated: delegated(6, "rui@t.org"), Revoked: true})
	e.eventuallyChanged(t)
	close(slow)
	(<-began).wantMay("it was taken back", "ana@t.org", false)
	if g.reads != 2 {
		t.Errorf("read %d times, want twice", g.reads)
	}
}

// eventuallyChanged waits until a hub has heard of a change.
func (e *testEdge) eventuallyChanged(t *testing.T) {
	t.Helper()
	eventually(t, "it is heard of", func() bool {
		for _, s := range e.shards {
			s.mu.Lock()
			for b := range s.hubs.all() {
				if b.news > 0 {
					s.mu.Unlock()
					return true
				}
			}
			s.mu.Unlock()
		}
		return false
	})
}

// A replica that is behind answers with what was taken back.
func TestWhatWasTakenBackIsNotBroughtBackByReading(t *testing.T) {
	now := time.Now()
	var d delegations
	d.replace([]Delegated{delegated(5, "rui@t.org")}, now)
	d.take(DelegationEvent{Delegated: delegated(6, "rui@t.org"), Revoked: true}, now)
	d.replace([]Delegated{delegated(5, "rui@t.org")}, now)
	if d.count != 0 {
		t.Error("it is there again")
	}
	d.replace([]Delegated{delegated(7, "rui@t.org")}, now)
	if d.count != 1 {
		t.Error("what was given again is not there")
	}
}

func TestDelegationsInMemoryAreBounded(t *testing.T) {
	now := time.Now()
	var d delegations
	for i := range 2 * maxDelegated {
		one := delegated(5, "rui@t.org")
		one.Owner.Name = string(rune('a'+i%26)) + time.Duration(i).String()
		d.take(DelegationEvent{Delegated: one}, now)
		one.Owner.Name += "x"
		d.take(DelegationEvent{Delegated: one, Revoked: true}, now)
	}
	if d.count != maxDelegated || len(d.revoked) != maxDelegated {
		t.Errorf("%d are kept, and %d that were taken back", d.count, len(d.revoked))
	}
	one := delegated(6, "rui@t.org")
	d.take(DelegationEvent{Delegated: one, Revoked: true}, now.Add(2*revokedKept))
	if len(d.revoked) != 1 {
		t.Errorf("%d old ones are kept", len(d.revoked)-1)
	}
}

func TestDelegationsThatCannotBeReadAreReadLater(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	g.set(errors.New("away"))
	e := w.edge("a", Config{Delegations: g, Logger: testLogger(t)})
	rui := e.Login("rui@t.org/1")
	rui.wantMay("nobody knows", "ana@t.org", false)
	g.set(nil, delegated(5, "rui@t.org"))
	eventually(t, "it is known", func() bool { return rui.may("ana@t.org") })
}

func TestDelegationsAreReadAgainWhenTheBrokerIsBack(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	g.set(nil, delegated(5, "rui@t.org"))
	e := w.edge("a", Config{Delegations: g})
	rui := e.Login("rui@t.org/1")
	rui.wantMay("at first", "ana@t.org", true)
	g.set(nil) // and nobody told
	if err := e.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is taken back", func() bool { return !rui.may("ana@t.org") })
}

// What was told while the broker was away may have taken anything back.
func TestNobodyActsForOthersUntilItIsReadAgain(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	g.set(nil, delegated(5, "rui@t.org"))
	e := w.edge("a", Config{Delegations: g, Logger: testLogger(t)})
	rui := e.Login("rui@t.org/1")
	rui.wantMay("at first", "ana@t.org", true)
	g.set(errors.New("away"), delegated(5, "rui@t.org"))
	if err := e.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nobody knows", func() bool { return !rui.may("ana@t.org") })
	w.delegate(DelegationEvent{Delegated: delegated(6, "rui@t.org")})
	e.eventuallyChanged(t)
	rui.wantMay("one word is not all", "ana@t.org", false)
	g.set(nil, delegated(6, "rui@t.org"))
	eventually(t, "it is known", func() bool { return rui.may("ana@t.org") })
}

func TestWhoWasGivenSomethingIsReadFirst(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	g.set(nil, delegated(5, "rui@t.org"))
	e := w.edge("a", Config{Delegations: g})
	for i := range 100 {
		e.Login(fmt.Sprintf("u%d@t.org/1", i))
	}
	e.Login("rui@t.org/1")
	before := g.read()
	if err := e.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	all := func() []lime.Identity {
		g.mu.Lock()
		defer g.mu.Unlock()
		return slices.Clone(g.order[before:])
	}
	eventually(t, "all are read again", func() bool { return len(all()) >= 101 })
	if at := slices.Index(all(), lime.MustParseIdentity("rui@t.org")); at < 0 || at >= delegationReaders {
		t.Errorf("after %d others", at)
	}
}

func TestAMessageInSomebodysName(t *testing.T) { // L-MSG-03
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, rui, lia := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available), b.Login("lia@t.org/1", available)
	lia.Silent(true)
	rui.mustRoute("lia@t.org", `{"id":"m1","from":"ana@t.org","pp":"rui@t.org/1","to":"lia@t.org","type":"text/plain","content":"one"}`)
	eventually(t, "it comes", func() bool { return len(lia.Got()) == 1 })
	lia.mu.Lock()
	raw := string(lia.raw[0])
	lia.mu.Unlock()
	lia.Want("it comes", "one")
	rui.Want("who has sent it hears so", "m1 accepted")
	var h lime.Header
	if _, err := h.Scan([]byte(raw)); err != nil || string(h.From) != "ana@t.org" || string(h.PP) != "rui@t.org/1" {
		t.Errorf("it came as %s", raw)
	}
	// Some clients answer to pp, others to from.
	lia.mustRoute("rui@t.org/1", `{"id":"m1","from":"lia@t.org/1","to":"rui@t.org/1","event":"received"}`)
	rui.Want("and what becomes of it", "m1 dispatched", "m1 received")
	rui.mustRoute("lia@t.org", `{"id":"m2","from":"ana@t.org","pp":"rui@t.org/1","to":"lia@t.org","type":"text/plain","content":"two"}`)
	lia.Want("another", "two")
	rui.Want("accepted", "m2 accepted")
	lia.mustRoute("ana@t.org", `{"id":"m2","from":"lia@t.org/1","to":"ana@t.org","event":"received"}`)
	rui.Want("and so with this one", "m2 dispatched", "m2 received")
	ana.WantNothing("she has sent nothing")
}

func TestLookingForADelegationDoesNotAllocate(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	g.set(nil, delegated(1, "rui@t.org"))
	e := w.edge("a", Config{Delegations: g})
	rui, lia := e.Login("rui@t.org/1"), e.Login("lia@t.org/1")
	v, err := lime.ParseNodeView([]byte("ana@t.org/x"))
	if err != nil {
		t.Fatal(err)
	}
	h := &lime.Header{Kind: lime.KindMessage, Type: []byte("text/plain")}
	for _, c := range []*client{rui, lia} {
		if n := testing.AllocsPerRun(100, func() { c.MayActFor(v, h) }); n != 0 {
			t.Errorf("%s: %v allocations", c.node, n)
		}
	}
	if !slices.Equal([]bool{rui.may("ana@t.org"), lia.may("ana@t.org")}, []bool{true, false}) {
		t.Error("the wrong one may")
	}
}
