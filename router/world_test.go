package router

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing"
	"limegrove/routing/interest"
)

// patience bounds every wait of these tests; only a very busy machine comes near.
const patience = 20 * time.Second

// nobody is a registry that has nothing and forgets everything. It serves the edge
// and the router.
type nobody struct {
	mu      sync.Mutex
	sweeps  int
	removed []presence.Removed // by the next sweep
	err     error
	asked   map[presence.EdgeID]bool // what the router says of edges
	edges   []presence.EdgeID        // that it is asked about
}

func (*nobody) Register(_ context.Context, r presence.Registration, _ bool) (presence.View, *presence.Registration, error) {
	return presence.View{Version: 1, Registrations: []presence.Registration{r}}, nil, nil
}

func (*nobody) UpdateAll(_ context.Context, rs []presence.Registration) []presence.Updated {
	return slices.Repeat([]presence.Updated{{Version: 2}}, len(rs))
}

func (*nobody) Unregister(context.Context, lime.Node, string) (int64, error) { return 3, nil }

func (*nobody) View(context.Context, lime.Identity) (v presence.View, _ error) { return v, nil }

func (*nobody) RawView(context.Context, lime.Identity) (v presence.View, _ error) {
	return v, nil
}

func (*nobody) Registered(_ context.Context, ids []lime.Identity) ([]presence.View, error) {
	return make([]presence.View, len(ids)), nil
}

func (*nobody) Telling(context.Context, lime.Identity, string) (string, error) { return "", nil }

func (*nobody) Told(context.Context, lime.Identity, string, string) error { return nil }

func (*nobody) ToldOne(context.Context, []lime.Identity, []string) error { return nil }

func (n *nobody) Sweep(_ context.Context, dead func(presence.EdgeID) bool) ([]presence.Removed, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sweeps++
	n.asked = map[presence.EdgeID]bool{}
	for _, e := range n.edges {
		n.asked[e] = dead(e)
	}
	removed := n.removed
	n.removed = nil
	return removed, n.err
}

func (n *nobody) Sweeps() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.sweeps
}

func (n *nobody) RaiseFloors(context.Context, []presence.Floor) error { return nil }

func (n *nobody) Floors(context.Context, []lime.Identity) ([][]presence.Floor, error) {
	return nil, nil
}

// world is a router and an edge over one broker.
type world struct {
	testing.TB
	server   *natstest.Server
	registry *nobody
	router   *Router
	edge     *routing.Hubs
	edgeNATS *nats.Conn
	stop     func() error // ends the router
}

func newWorld(t testing.TB, cfg Config) *world {
	w := &world{TB: t, server: natstest.New(t), registry: &nobody{}}
	cfg.NATS, cfg.Registry, cfg.Incarnation, cfg.ID, cfg.Domains = w.server.Connect(), w.registry, "inc-r", "r", []string{"t.org"}
	var err error
	if w.router, err = New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	before := cfg.NATS.NumSubscriptions()
	w.stop = w.run(w.router.Run)
	w.eventually("the router listens", func() bool { return cfg.NATS.NumSubscriptions() >= before+1+len(w.router.logins.names) })
	w.flush(cfg.NATS)

	w.edgeNATS = w.server.Connect(interest.Option())
	w.edge = routing.New(routing.Config{
		NATS: w.edgeNATS, Registry: w.registry, Edge: "inc-e", ID: "e", Domains: []string{"t.org"}, Timeout: patience, Shards: 1,
	})
	w.run(w.edge.Run)
	w.eventually("the edge listens", func() bool { return w.edgeNATS.NumSubscriptions() == 2 })
	return w
}

// run runs something until the end of the test, or until the returned function ends it.
func (w *world) run(run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	w.Cleanup(func() {
		if err := stop(); err != nil {
			w.Error(err)
		}
	})
	return stop
}

func (w *world) flush(nc *nats.Conn) {
	w.Helper()
	if err := nc.FlushTimeout(patience); err != nil {
		w.Fatal(err)
	}
}

func (w *world) eventually(why string, holds func() bool) {
	w.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("%s: not so after %v", why, patience)
		}
	}
}

// session is a session on the edge.
type session struct {
	w *world
	*routing.Member
	got     chan *lime.Command
	ended   chan *lime.Reason
	granted chan room.Grants
}

func (s *session) Deliver(envelope []byte) error {
	c, err := lime.DecodeCommand(envelope)
	if err != nil {
		s.w.Errorf("%s is delivered %s: %v", s.Node(), envelope, err)
	}
	s.got <- c
	return nil
}

func (s *session) Flush() {}

func (*session) Pass(any, []byte) (bool, error) { return false, nil }

func (s *session) End(why *lime.Reason) { s.ended <- why }

func (s *session) Probe(uint32) error { return nil }

func (s *session) Hold(bool) {}

func (s *session) Granted(g room.Grants) { s.granted <- g }

func (w *world) login(node string, guest bool) *session {
	w.Helper()
	return w.arrive(routing.Arrival{Node: lime.MustParseNode(node), Session: node, Guest: guest})
}

func (w *world) arrive(a routing.Arrival) *session {
	w.Helper()
	s := &session{w: w, got: make(chan *lime.Command, 100), ended: make(chan *lime.Reason, 10), granted: make(chan room.Grants, 10)}
	m, err := w.edge.Attach(w.Context(), a, s)
	if err != nil {
		w.Fatal(err)
	}
	s.Member = m
	m.Activate()
	return s
}

func (s *session) ask(command string) {
	s.w.Helper()
	var h lime.Header
	if _, err := h.Scan([]byte(command)); err != nil {
		s.w.Fatal(err)
	}
	if err := s.Command(&h, []byte(command)); err != nil {
		s.w.Fatal(err)
	}
}

// want waits for one response.
func (s *session) want(why, id string, status lime.CommandStatus, code lime.Code) *lime.Command {
	s.w.Helper()
	select {
	case c := <-s.got:
		var got lime.Code
		if c.Reason != nil {
			got = c.Reason.Code
		}
		if c.ID != id || c.Status != status || got != code {
			s.w.Errorf("%s: got %s, want %s %s %d", why, c.AppendJSON(nil), id, status, code)
		}
		return c
	case <-time.After(patience):
		s.w.Fatalf("%s: no answer", why)
		return nil
	}
}
