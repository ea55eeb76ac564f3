package routing

import (
	"context"
	"testing"

	"limegrove/lime"
)

// restless changes with each of its first reads.
type restless struct {
	given
	edge *testEdge
	left int
}

func (r *restless) GivenTo(ctx context.Context, target lime.Identity) ([]Delegated, error) {
	all, err := r.given.GivenTo(ctx, target)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left--; r.left < 0 {
		return all, err
	}
	if r.left == 0 {
		r.all = nil // and what was just read holds no more
	}
	for _, s := range r.edge.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			b.news++
		}
		s.mu.Unlock()
	}
	return all, err
}

func (g *given) read() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reads
}

func TestWhatChangesFasterThanItIsReadIsReadLater(t *testing.T) {
	w := newWorld(t)
	g := &restless{left: 3}
	g.set(nil, delegated(5, "rui@t.org"))
	g.edge = w.idleEdge("a", Config{Delegations: g, Logger: testLogger(t)})
	g.edge.run()
	rui := g.edge.Login("rui@t.org/1")
	rui.wantMay("what was read was no more", "ana@t.org", false)
	eventually(t, "it is read again", func() bool { return g.read() > 3 })
	rui.wantMay("nor is it", "ana@t.org", false)
}

// The client library drops what does not fit, and tells the first of several that it drops.
func TestARevocationThatWasDroppedHolds(t *testing.T) {
	w := newWorld(t)
	g := &given{}
	g.set(nil, delegated(5, "rui@t.org"))
	e := w.edge("a", Config{Delegations: g, Shards: 1, Backlog: 4, Logger: testLogger(t)})
	rui := e.Login("rui@t.org/1")
	e.Guest("bia@t.org/1")
	ana := w.edge("b", Config{}).Guest("ana@t.org/1")
	w.quiet()
	full := func(then func()) {
		s := e.shards[0]
		s.mu.Lock() // the dispatcher takes one and waits
		for range 20 {
			ana.Say("bia@t.org/1", "x")
		}
		w.flush(ana.e.nc)
		then()
		w.flush(ana.e.nc)
		w.flush(e.nc)
		s.mu.Unlock()
	}
	full(func() { ana.Say("rui@t.org/1", "x") })
	eventually(t, "something was dropped, so it is read again", func() bool { return g.read() == 2 })
	eventually(t, "it is as it was", func() bool { return rui.may("ana@t.org") })
	full(func() {
		g.set(nil)
		if err := TellDelegation(ana.e.nc, DelegationEvent{Delegated: delegated(6, "rui@t.org"), Revoked: true}); err != nil {
			t.Error(err)
		}
	})
	rui.wantMay("nobody knows", "ana@t.org", false)
	eventually(t, "it is read again", func() bool { return g.read() == 3 })
	rui.wantMay("it was taken back", "ana@t.org", false)
}
