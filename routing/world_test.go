package routing

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing/interest"
	"limegrove/routing/subject"
)

// patience bounds every wait of these tests; only a very busy machine comes near.
const patience = 20 * time.Second

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, why string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so after %v", why, patience)
		}
	}
}

// world is several edges over one broker and one registry.
type world struct {
	testing.TB
	connect  func(...nats.Option) *nats.Conn
	registry *registry
	edges    []*testEdge
	sessions int
}

func newWorld(t testing.TB) *world {
	return &world{TB: t, connect: natstest.New(t).Connect, registry: newRegistry()}
}

// testEdge is one edge: its hubs, and no sessions but those of the test.
type testEdge struct {
	*Hubs
	w       *world
	name    string
	nc      *nats.Conn
	counted *prometheus.Registry
	stop    func() // ends Run and waits for it
}

// edge starts an edge with what cfg says beside the usual.
func (w *world) edge(name string, cfg Config) *testEdge {
	w.Helper()
	e := w.idleEdge(name, cfg)
	e.run()
	return e
}

// idleEdge is an edge whose Run was not called.
func (w *world) idleEdge(name string, cfg Config) *testEdge {
	w.Helper()
	if cfg.NATS == nil {
		cfg.NATS = w.connect(interest.Option())
	}
	if cfg.Registry == nil {
		cfg.Registry = w.registry
	}
	cfg.Edge, cfg.ID = presence.EdgeID("inc-"+name), name
	if cfg.Domains == nil {
		cfg.Domains = []string{"t.org", "example.org"}
	}
	if cfg.Shards == 0 {
		cfg.Shards = 2
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = patience
	}
	counted := prometheus.NewRegistry()
	cfg.Metrics = counted
	return &testEdge{Hubs: New(cfg), w: w, name: name, nc: cfg.NATS, counted: counted}
}

func (e *testEdge) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := e.Run(ctx); err != nil {
			e.w.Errorf("edge %s: %v", e.name, err)
		}
	}()
	e.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	e.w.Cleanup(e.stop)
	subscriptions := len(e.shards) + 1 // for control
	if e.cfg.Streams != nil {
		subscriptions += 2 // for acknowledgements and elections
	}
	eventually(e.w, "the edge listens", func() bool { return e.nc.NumSubscriptions() >= subscriptions })
	e.w.flush(e.nc)
	e.w.edges = append(e.w.edges, e)
}

func (w *world) flush(nc *nats.Conn) {
	w.Helper()
	if err := nc.FlushTimeout(patience); err != nil {
		w.Fatalf("flush: %v", err)
	}
}

// publish publishes an envelope to an address behind the edges' backs.
func (w *world) publish(nc *nats.Conn, to, reply, envelope string) {
	w.Helper()
	w.publishTo(nc, subjectOf(lime.MustParseNode(to)), reply, envelope)
}

func (w *world) publishTo(nc *nats.Conn, subject, reply, data string) {
	w.Helper()
	if err := nc.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: []byte(data)}); err != nil {
		w.Fatal(err)
	}
}

// settle returns when all that was published before has had its effect on every
// edge, the answers to it included.
func (w *world) settle() {
	w.Helper()
	for range 3 {
		for _, e := range w.edges {
			w.flush(e.nc)
		}
		for _, e := range w.edges {
			w.flush(e.nc)
			e.settle()
		}
	}
}

// settle returns when the edge has handled what the client library has handed it.
func (e *testEdge) settle() {
	e.w.Helper()
	called := make(chan struct{})
	if err := e.nc.Barrier(func() { close(called) }); err != nil {
		e.w.Fatal(err)
	}
	e.w.wait("the control messages are handled", called)
	for _, s := range e.shards {
		p := &probe{flushed: make(chan struct{})}
		b := &hub{key: "probe", shard: s}
		b.members = rollOf(&Member{hub: b, to: p, state: active, guest: true})
		s.mu.Lock()
		s.hubs.add(b)
		s.mu.Unlock()
		s.messages <- &nats.Msg{
			Subject: "to.probe._", Reply: "edge.probe.re.0.0", Data: []byte(`{"from":"a@b/c","content":"","type":"text/plain"}`),
		}
		e.w.wait("a shard is through", p.flushed)
		s.mu.Lock()
		s.hubs.remove(b)
		s.mu.Unlock()
	}
}

func (w *world) wait(why string, done <-chan struct{}) {
	w.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		w.Fatalf("%s: not so after %v", why, patience)
	}
}

// probe is told when its shard has come to it.
type probe struct{ flushed chan struct{} }

func (p *probe) Deliver([]byte) error { return nil }
func (p *probe) Flush()               { close(p.flushed) }

func (p *probe) Pass(any, []byte) (bool, error) { return false, nil }

func (p *probe) End(*lime.Reason)    {}
func (p *probe) Probe(uint32) error  { return nil }
func (p *probe) Hold(bool)           {}
func (p *probe) Granted(room.Grants) {}

// WantDropped waits for a counter of drops, which tells as soon as it is too much.
func (e *testEdge) WantDropped(why string, r dropReason, n float64) {
	e.w.Helper()
	got := func() float64 { return e.count("limegrove_routing_dropped_total", string(r)) }
	for deadline := time.Now().Add(patience); got() < n && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if got := got(); got != n {
		e.w.Errorf("%s: %s dropped %v for %s, want %v", why, e.name, got, r, n)
	}
}

// count is the value of a metric of the edge with these label values.
func (e *testEdge) count(name string, labels ...string) float64 {
	e.w.Helper()
	return gather(e.w, e.counted, name, labels...)
}

// gather is the value of one metric, by its name and its labels' values.
func gather(t testing.TB, from prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no metric %s%v", name, labels)
	return 0
}

// quiet returns when the edge has nothing more to tell the registry, and the others
// have heard what it told.
func (w *world) quiet() {
	w.Helper()
	for _, e := range w.edges {
		eventually(w, "the registry knows of all", e.idle)
	}
	w.settle()
	for _, e := range w.edges {
		eventually(w, "the views were read", e.idle)
	}
	w.settle()
}

// idle tells whether the registry has been told of everything.
func (e *testEdge) idle() bool { return e.registrar.waiting() == 0 }

// hub returns the edge's hub of an identity, or nil.
func (e *testEdge) hub(identity string) *hub {
	i, err := lime.ParseIdentity(identity)
	if err != nil {
		e.w.Fatal(err)
	}
	key, err := subject.MakeKey(i)
	if err != nil {
		e.w.Fatal(err)
	}
	s := e.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hubs.find(key)
}

// remote returns the nodes elsewhere in the edge's view of an identity.
func (e *testEdge) remote(identity string) map[string]presence.Registration {
	b := e.hub(identity)
	if b == nil {
		return nil
	}
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	all := map[string]presence.Registration{}
	for _, r := range b.remote() {
		all[r.Node.String()] = r
	}
	return all
}

// mustName is Hubs.Name for what is short enough.
func mustName(t testing.TB, n lime.Node, session string) lime.Packed {
	t.Helper()
	var h Hubs
	h.scratch.New = func() any { return new(scratch) }
	who, ok := h.Name(n, session)
	if !ok {
		t.Fatalf("the names of %s are too long", n)
	}
	return who
}

// rollOf returns a roll of members that are in none.
func rollOf(all ...*Member) (l roll) {
	for _, m := range all {
		l.add(m)
	}
	return l
}
