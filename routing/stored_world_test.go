package routing

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/routing/stream"
	"limegrove/routing/sweep"
)

// storedWorld is a world whose edges store.
type storedWorld struct {
	*world
	streams *stream.Streams
	known   *directory
}

func newStoredWorld(t testing.TB) *storedWorld {
	t.Helper()
	w := &world{TB: t, connect: natstest.New(t).Connect, registry: newRegistry()}
	return &storedWorld{world: w, streams: openStreams(w, stream.Config{Partitions: 2}), known: &directory{}}
}

func openStreams(w *world, cfg stream.Config) *stream.Streams {
	w.Helper()
	cfg.NATS = w.connect()
	s, err := stream.Open(w.Context(), cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(s.Close)
	return s
}

func (w *storedWorld) edge(name string) *testEdge {
	w.Helper()
	return w.world.edge(name, Config{Streams: w.streams, Directory: w.known, StoreTimeout: patience})
}

// sweeper is a router's sweep that passes everything that is older than nothing.
func (w *storedWorld) sweeper(name string) *sweep.Sweeper {
	return sweep.New(sweep.Config{
		Streams: w.streams, Registry: holder{w.registry}, Router: "inc-router", ID: name,
		Delay: time.Nanosecond, Keep: time.Nanosecond, Every: 10 * time.Millisecond, Wary: time.Nanosecond, Logger: testLogger(w),
	})
}

// sweep lets a router sweep until what is not acknowledged is in the inboxes.
func (w *storedWorld) sweep() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.sweeper("router").Run(ctx)
	}()
	eventually(w, "the log is swept and purged", func() bool {
		for p := range w.streams.Partitions() {
			passed, err := w.streams.WalkLog(w.Context(), p, 0, time.Now(), 1)
			if err != nil || len(passed.Entries) > 0 {
				return false
			}
		}
		return true
	})
	cancel()
	<-ended
}

func testLogger(t testing.TB) *logrus.Logger {
	l := logrus.New()
	l.SetOutput(t.Output())
	return l
}

// holder gives every lease to whoever asks.
type holder struct{ *registry }

// directory knows everybody but those that it is told not to know, and of authorities who
// has left a moment ago.
type directory struct {
	strangers, guests, left []string

	mu       sync.Mutex
	policies map[string]lime.InboxPolicy // of identities as they are spelled; nil for none
	contacts map[string]bool             // "owner contact"
	err      error
	asked    []string      // who was asked about, and "owner contact" likewise
	wait     chan struct{} // when not nil, who is a contact is told after it is closed
}

func (d *directory) Account(_ context.Context, i lime.Identity) (p lime.InboxPolicy, found bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, i.String())
	if d.err != nil {
		return p, false, d.err
	}
	return d.policies[i.Fold().String()], !slices.Contains(d.strangers, i.String()) && !slices.Contains(d.guests, i.String()), nil
}

func (d *directory) IsContact(_ context.Context, owner, i lime.Identity) (bool, error) {
	what := owner.Fold().String() + " " + i.Fold().String()
	d.mu.Lock()
	d.asked = append(d.asked, what)
	wait := d.wait
	d.mu.Unlock()
	if wait != nil {
		<-wait
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.contacts[what], d.err
}

func (d *directory) Instances(_ context.Context, i lime.Identity) ([]string, error) {
	if slices.Contains(d.guests, i.String()) {
		return []string{"1"}, nil
	}
	if i.Name == placeDomain {
		return d.left, nil
	}
	return nil, nil
}

func (d *directory) set(f func(*directory)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

// restrict has an identity say who may send to it, and name its contacts.
func (d *directory) restrict(identity string, p lime.InboxPolicy, contacts ...string) {
	d.set(func(d *directory) {
		if d.policies == nil {
			d.policies, d.contacts = map[string]lime.InboxPolicy{}, map[string]bool{}
		}
		d.policies[identity] = p
		for _, c := range contacts {
			d.contacts[identity+" "+c] = true
		}
	})
}

// count tells how often something was asked.
func (d *directory) count(what string) (n int) {
	d.set(func(d *directory) {
		for _, a := range d.asked {
			if a == what {
				n++
			}
		}
	})
	return n
}

// noneLeft waits until everything that c has was acknowledged, and the registry and
// the inbox know.
func (w *storedWorld) noneLeft(c *client) {
	w.Helper()
	eventually(w, c.node+" has acknowledged everything", func() bool {
		s := c.hub.shard
		s.mu.Lock()
		defer s.mu.Unlock()
		return c.window.Len() == 0
	})
	done := make(chan struct{})
	c.e.floors.settle(func() { close(done) })
	w.wait("the registry knows the floors", done)
	eventually(w, "the inbox is cleared", func() bool { return c.e.removals.waiting() == 0 })
}

// waiting is how many are not deleted yet.
func (r *removals) waiting() (n int) {
	for _, q := range r.all {
		n += q.waiting()
	}
	return n
}

// waiting is how many are not deleted yet.
func (q *removalQueue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.sequences) + q.pace.busy
}
