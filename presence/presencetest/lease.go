package presencetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

func leaseEnds(_ *testing.T, w *world) {
	w.live("e1")
	w.register(reg("ana@x/1", "e1", "s1"))
	w.register(reg("ana@x/2", "e2", "s2"))
	w.wantSessions("e2 has no lease yet", w.view("ana@x"), "s1")
	w.live("e2")
	w.wantSessions("both live", w.view("ana@x"), "s1", "s2")
	if w.view("ana@x").Partial {
		w.Error("both live, and one is left out")
	}
	w.die("e1")
	w.wantSessions("e1 is dead", w.view("ana@x"), "s2")
	if !w.view("ana@x").Partial {
		w.Error("nothing says that e1's session is left out")
	}
	v, _ := w.open(presence.Config{LeaseTTL: time.Minute}).RawView(w.ctx(), lime.MustParseIdentity("ana@x"))
	w.wantSessions("to a store that never saw it alive", v, "s2")
}

func edgeComesBack(_ *testing.T, w *world) {
	id := lime.MustParseIdentity("ana@x")
	w.die("e1")
	w.register(reg("ana@x/1", "e1", "s1"))
	for range 3 {
		v, err := w.store.RawView(w.ctx(), id)
		w.must("raw view", err)
		w.wantSessions("without a lease", v)
	}
	w.live("e1")
	v, err := w.store.RawView(w.ctx(), id)
	w.must("raw view", err)
	w.wantSessions("right after the lease was made", v, "s1")
}

// keep runs KeepLease until the returned function is called.
func (w *world) keep(s *presence.Store, e presence.EdgeID, lost func(context.Context)) (stop func() error) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- s.KeepLease(ctx, presence.Lease{Edge: e, Addr: "127.0.0.1:1", Zone: "z"}, lost) }()
	var err error
	stopped := false
	stop = func() error {
		if !stopped {
			cancel()
			err, stopped = <-done, true
		}
		return err
	}
	w.Cleanup(func() { _ = stop() })
	return stop
}

func keepLease(t *testing.T, w *world) {
	s := w.open(presence.Config{LeaseTTL: 3 * time.Second, LeaseEvery: 20 * time.Millisecond})
	made := make(chan struct{}, 9)
	stop := w.keep(s, "e1", func(context.Context) { made <- struct{}{} })
	<-made
	before, err := s.LeaseLeft(w.ctx(), "e1")
	w.must("lease left", err)
	if before <= 0 || before > 3*time.Second {
		t.Fatalf("a lease made for 3s has %v left", before)
	}
	w.eventually("it is renewed", func() error {
		left, err := s.LeaseLeft(w.ctx(), "e1")
		if err == nil && left <= before {
			before = left
			err = fmt.Errorf("%v left, not more than before", left)
		}
		return err
	})
	w.must("stop", stop())
	left, err := s.LeaseLeft(w.ctx(), "e1")
	w.must("lease left", err)
	if left != 0 {
		t.Errorf("%v left after the end, want none", left)
	}
	if len(made) != 0 {
		t.Error("lost was called although nothing was")
	}
	if err := s.KeepLease(w.ctx(), presence.Lease{Edge: "no good"}, nil); err == nil {
		t.Error("a bad edge got a lease")
	}
}

func flushed(t *testing.T, w *world) {
	s := w.open(presence.Config{LeaseTTL: 10 * time.Second, LeaseEvery: 50 * time.Millisecond})
	var mine []presence.Registration
	for i := range 60 {
		mine = append(mine, reg(fmt.Sprintf("u%d@x/1", i), "e1", "s1"))
	}
	lost, flushed := make(chan int, 9), make(chan struct{})
	w.must("lease", s.PutLease(w.ctx(), presence.Lease{Edge: "e1"}))
	w.keep(s, "e1", func(ctx context.Context) {
		<-flushed // all servers of a cluster: one is after the other
		n := 0
		for _, r := range mine {
			if _, _, err := s.Register(ctx, r, false); err == nil {
				n++
			}
		}
		lost <- n
	})
	for _, r := range mine {
		w.register(r)
	}
	w.redis.Flush(t)
	close(flushed)
	if n := <-lost; n != len(mine) {
		t.Errorf("%d of %d registered again", n, len(mine))
	}
	for _, r := range mine {
		w.wantSessions("whole again", w.view(r.Node.Identity.String()), "s1")
	}
}

func sweepRemovesDead(t *testing.T, w *world) {
	w.live("alive", "silent")
	w.die("dead")
	w.die("pausing")
	const n, batch = 60, 25 // more than one step looks at
	for i := range n {
		node := func(instance string) string { return fmt.Sprintf("u%d@x/%s", i, instance) }
		w.register(reg(node("1"), "dead", "s1"))
		w.register(reg(node("2"), "alive", "s2"))
		w.register(reg(node("3"), "silent", "s3"))  // dead to gossip, but with a lease
		w.register(reg(node("4"), "pausing", "s4")) // without a lease, but alive to gossip
		w.register(reg(fmt.Sprintf("only%d@x/1", i), "dead", "s1"))
	}
	s := w.open(presence.Config{Timeout: patience, SweepBatch: batch})
	removed, err := s.Sweep(w.ctx(), func(e presence.EdgeID) bool { return e == "dead" || e == "silent" })
	w.must("sweep", err)
	if len(removed) != 2*n || slices.ContainsFunc(removed, func(r presence.Removed) bool { return r.Edge != "dead" }) {
		t.Errorf("removed %d, want %d of the dead edge", len(removed), 2*n)
	}
	if v := w.view("only7@x"); v.Version != 0 {
		t.Errorf("an empty view is left: %v", v)
	}
	w.live("pausing")
	v := w.view("u7@x")
	w.wantSessions("left", v, "s2", "s3", "s4")
	if !slices.ContainsFunc(removed, func(r presence.Removed) bool {
		return r.Node.String() == "u7@x/1" && r.Version == v.Version
	}) {
		t.Errorf("no removal of u7@x/1 tells version %d", v.Version)
	}
	again, err := w.store.Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
	w.must("sweep again", err)
	if len(again) != 0 {
		t.Errorf("a second sweep removed %d", len(again))
	}
}

func sweepSpares(t *testing.T, w *world) {
	w.die("e1")
	r := reg("ana@x/1", "e1", "s1")
	w.register(r)
	removed, err := w.store.Sweep(w.ctx(), func(presence.EdgeID) bool {
		w.register(r) // after the sweep has read it
		return true
	})
	w.must("sweep", err)
	if len(removed) != 0 {
		t.Errorf("removed %v, which was made meanwhile", removed)
	}
	w.live("e1")
	w.wantSessions("left", w.view("ana@x"), "s1")
}

func sweepLimit(t *testing.T, w *world) {
	s := w.open(presence.Config{SweepLimit: 1, Timeout: patience})
	w.die("e1")
	const n = 510 // more than one step removes by default
	if ok := each(n, func(i int) error {
		_, _, err := s.Register(w.ctx(), reg(fmt.Sprintf("ana@x/%d", i), "e1", "s1"), false)
		return err
	}); ok != n {
		t.Fatalf("%d of %d registered", ok, n)
	}
	first, err := s.Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
	w.must("sweep", err)
	if len(first) != n {
		t.Errorf("removed %d of one identity, want all %d", len(first), n)
	}
	if v := w.view("ana@x"); v.Version != 0 {
		t.Errorf("left: %v", v)
	}

	s = w.open(presence.Config{SweepLimit: 1, SweepBatch: 50, Timeout: patience})
	identities := 120 * max(1, w.redis.Shares) // more than one step looks at, on each server
	if ok := each(identities, func(i int) error {
		_, _, err := s.Register(w.ctx(), user(i), false)
		return err
	}); ok != identities {
		t.Fatalf("%d of %d registered", ok, identities)
	}
	total, sweeps := 0, 0
	for {
		removed, err := s.Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
		w.must("sweep", err)
		if len(removed) == 0 {
			break
		}
		total += len(removed)
		sweeps++
	}
	if total != identities || sweeps < 2 {
		t.Errorf("removed %d in %d sweeps, want %d in several", total, sweeps, identities)
	}
}
