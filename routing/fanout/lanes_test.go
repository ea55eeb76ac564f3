package fanout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	dto "github.com/prometheus/client_model/go"

	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// waits is how many messages a router says to have waiting.
func (r *router) waits(t testing.TB) float64 {
	t.Helper()
	return r.metric(t, "limegrove_group_waiting").GetGauge().GetValue()
}

// stuck tells whether a message has found a log that does not take it.
func (r *router) stuck(t testing.TB) bool {
	t.Helper()
	return r.metric(t, "limegrove_group_repeated_total").GetCounter().GetValue() > 0
}

func (r *router) metric(t testing.TB, name string) *dto.Metric {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0]
		}
	}
	t.Fatalf("there is no metric %s", name)
	return nil
}

// refusesFor has the logs of members take nothing.
func (w *world) refusesFor(members ...string) {
	refused := map[string]bool{}
	for _, m := range members {
		refused[keyOf(m).Log(0, subject.Identity)] = true
	}
	w.store.refusing(func(m *nats.Msg) error {
		if refused[m.Subject] {
			return stream.ErrUnavailable
		}
		return nil
	})
}

// wantAll fails the test unless a member has so many messages of ops, each once and in order.
func (w *world) wantAll(what, who string, many int) {
	w.Helper()
	var all []string
	for i := range many {
		all = append(all, fmt.Sprintf("%d %s %s", i, from, who))
	}
	w.want(what, who, all...)
}

// TestGroupThatIsStuckHoldsUpNoOther, however much of it waits.
func TestGroupThatIsStuckHoldsUpNoOther(t *testing.T) {
	const other, many = "other@groups.x", 2000
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.people.set(other, "eva@x")
	w.refusesFor("rui@x")
	for i := range many {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	w.store.add(other, ana, "x")
	r := w.start("r", nil)
	w.eventually("the other group goes on", func() bool { return len(w.store.got("eva@x")) == 1 })
	w.eventually("what is passed over waits", func() bool { return r.waits(t) == many })
	w.store.add(other, ana, "y")
	w.eventually("and on", func() bool { return len(w.store.got("eva@x")) == 2 })
	w.store.mu.Lock()
	if w.store.read != 0 {
		t.Errorf("%d messages of a group that is stuck were read again", w.store.read)
	}
	w.store.mu.Unlock()
	w.store.refusing(nil)
	w.done()
	w.wantAll("nothing is lost", "rui@x", many)
	if n := w.store.read; n >= many {
		t.Errorf("%d of %d messages were read again, want each once at most", n, many)
	}
	w.eventually("nothing waits", func() bool { return r.waits(t) == 0 })
}

// TestGroupsThatAreStuckHoldUpNoOther: there are more of them than are worked for at once,
// and than have messages kept.
func TestGroupsThatAreStuckHoldUpNoOther(t *testing.T) {
	const other, groups, many = "other@groups.x", 40, 80
	w := newWorld(t)
	w.people.set(other, "eva@x")
	var stuck []string
	for i := range groups {
		g := fmt.Sprintf("g%d@groups.x", i)
		stuck = append(stuck, fmt.Sprintf("m%d@x", i))
		w.people.set(g, stuck[i])
		for n := range many {
			w.store.add(g, ana, fmt.Sprint(n))
		}
	}
	w.refusesFor(stuck...)
	w.store.add(other, ana, "x")
	r := w.start("r", func(c *Config) { c.AtOnce, c.Stores = 4, 2 })
	w.eventually("the other group goes on", func() bool { return len(w.store.got("eva@x")) == 1 })
	w.eventually("what is passed over waits", func() bool { return r.waits(t) == groups*many })
	w.store.refusing(nil)
	w.done()
	for i, who := range stuck {
		var all []string
		for n := range many {
			all = append(all, fmt.Sprintf("%d g%d@groups.x/ana%%40x %s", n, i, who))
		}
		w.want("nothing is lost", who, all...)
	}
}

// TestLogThatHangsHoldsUpNobodyElse, though as many wait for it as there are places.
func TestLogThatHangsHoldsUpNobodyElse(t *testing.T) {
	const other, groups = "other@groups.x", 8
	w := newWorld(t)
	w.people.set(other, "eva@x")
	hangs := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(hangs) })
	defer goOn()
	again := make(chan string, 100)
	w.store.refusing(func(m *nats.Msg) error {
		if m.Subject == keyOf("eva@x").Log(0, subject.Identity) {
			return nil
		}
		w.store.mu.Lock()
		tried := w.store.ids[m.Subject]
		w.store.ids[m.Subject] = true
		w.store.mu.Unlock()
		if tried {
			again <- m.Subject
			<-hangs
		}
		return stream.ErrUnavailable
	})
	for i := range groups {
		g := fmt.Sprintf("g%d@groups.x", i)
		w.people.set(g, fmt.Sprintf("m%d@x", i))
		w.store.add(g, ana, "0")
	}
	w.start("r", func(c *Config) { c.Stores = 2 })
	for range retriesAtOnce {
		<-again
	}
	w.store.add(other, ana, "x")
	w.eventually("who is in another log", func() bool { return len(w.store.got("eva@x")) == 1 })
	w.store.refusing(nil)
	goOn()
	w.done()
}

// TestFloodIsInOrderWhoeverFansItOut: routers take over from each other in the middle of
// what they have passed over, and more comes meanwhile.
func TestFloodIsInOrderWhoeverFansItOut(t *testing.T) {
	const many = 1200
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	for i := range many / 2 {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	sent := many / 2
	for n := range 4 {
		r := w.start(fmt.Sprint("r", n), nil)
		w.eventually("some is done", func() bool { return len(w.store.got("rui@x")) >= (n+1)*100 })
		for range many / 8 {
			w.store.add(ops, ana, fmt.Sprint(sent))
			sent++
		}
		r.stop()
		if left := r.waits(t); left != 0 {
			t.Errorf("a router that has ended says that %v wait", left)
		}
	}
	w.start("last", nil)
	w.start("another", nil)
	w.done()
	w.wantAll("all", "rui@x", many)
}

// TestReplicaThatIsBehindHidesNothing of what another has shown.
func TestReplicaThatIsBehindHidesNothing(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.store.lags = 20
	for i := range 300 {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	w.start("r", nil)
	w.done()
	w.wantAll("all", "rui@x", 300)
}

// TestWhatIsGoneIsWaitedForNoMore: another router has removed it.
func TestWhatIsGoneIsWaitedForNoMore(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	w.refusesFor("rui@x")
	for i := range 300 {
		w.store.add(ops, ana, fmt.Sprint(i))
	}
	r := w.start("r", nil)
	w.eventually("all is known", func() bool { return r.waits(t) == 300 })
	w.eventually("the first one is tried again, and the others are left in the stream", func() bool { return r.stuck(t) })
	w.store.mu.Lock()
	w.store.waiting = w.store.waiting[:1]
	w.store.mu.Unlock()
	w.store.refusing(nil)
	w.eventually("nothing waits", func() bool { return r.waits(t) == 0 })
	w.store.add(ops, ana, "1")
	w.done()
	w.wantAll("what was there, and what came then", "rui@x", 2)
}

// begun is a tenure that lasts until it is over, without what reads the stream.
func (w *world) begun(groups Groups) *tenure {
	f := New(Config{NATS: w.server.Connect(), Streams: w.store, Leases: w.leases, Groups: groups, Router: "r", ID: "r"})
	t := f.newTenure(0)
	t.lastUntil(time.Now().Add(time.Hour))
	working, over := context.WithCancelCause(w.Context())
	t.over = over
	t.lanes.begin(working, t)
	return t
}

func (t *tenure) lastUntil(then time.Time) { t.lease.LastUntil(then) }

// renewing are groups of which the second question finds a lease renewed.
type renewing struct {
	*people
	tenure *tenure
	asked  atomic.Int64
}

func (r *renewing) Revision(ctx context.Context, group lime.Identity) (uint64, error) {
	if r.asked.Add(1) == 2 {
		r.tenure.lastUntil(time.Now().Add(time.Hour))
	}
	return r.people.Revision(ctx, group)
}

// TestNothingOvertakesWhatALeaseRanOutFor, even if the lease is renewed just then.
func TestNothingOvertakesWhatALeaseRanOutFor(t *testing.T) {
	w := newWorld(t)
	w.people.set(ops, "rui@x")
	groups := &renewing{people: w.people}
	held := w.begun(groups)
	groups.tenure = held
	w.store.add(ops, ana, "0")
	w.store.add(ops, ana, "1")
	two := w.store.waiting
	var once sync.Once
	w.store.refusing(func(*nats.Msg) (err error) {
		once.Do(func() {
			held.lanes.add(t.Context(), two[1])
			held.lastUntil(time.Now())
			err = stream.ErrUnavailable
		})
		return err
	})
	held.lanes.add(t.Context(), two[0])
	select {
	case <-held.lanes.working.Done():
	case <-time.After(patience):
		t.Error("the tenure goes on")
	}
	held.lanes.finish()
	w.want("neither", "rui@x")
	if n := w.store.left(); n != 2 {
		t.Errorf("%d are left to whoever is next, want both", n)
	}
}

// TestWhatIsKeptIsBounded, whatever the number of groups.
func TestWhatIsKeptIsBounded(t *testing.T) {
	w := newWorld(t)
	w.people.err = errors.New("away") // nothing gets on
	held := w.begun(w.people)
	l, working := &held.lanes, t.Context()
	data := []byte(fmt.Sprintf(`{"id":"1","from":%q,"to":%q,"type":"text/plain","content":%q}`, ana, ops, strings.Repeat("x", 30_000)))
	sequence := uint64(0)
	add := func(ctx context.Context, group string) bool {
		key, err := subject.MakeKey(lime.Identity{Name: group, Domain: "groups.x"})
		if err != nil {
			t.Fatal(err)
		}
		sequence++
		return l.add(ctx, stream.Message{Subject: key.Group(0), Sequence: sequence, Data: data})
	}
	for i := range maxGroups {
		for range 2 {
			if !add(working, fmt.Sprint("g", i)) {
				t.Fatal("it was not taken")
			}
		}
	}
	l.mu.Lock()
	messages, bytes, groups := l.waiting, l.bytes, len(l.groups)
	l.mu.Unlock()
	if messages > maxWaiting || bytes > maxWaitingBytes+len(data) || groups != maxGroups {
		t.Errorf("%d messages of %d bytes of %d groups are kept", messages, bytes, groups)
	}
	soon, cancel := context.WithTimeout(working, 20*time.Millisecond)
	defer cancel()
	if !add(soon, "g1") {
		t.Error("another message of a group that is known waits")
	}
	if add(soon, "more") {
		t.Error("there was room for one group more")
	}
	held.over(errEnded)
	l.finish()
}
