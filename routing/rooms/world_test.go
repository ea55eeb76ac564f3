package rooms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/natstest"
	"limegrove/prepared"
	"limegrove/room"
)

// patience bounds every wait of these tests; only a very busy machine comes near.
const patience = 20 * time.Second

// world is several edges over one broker.
type world struct {
	testing.TB
	server *natstest.Server
}

func newWorld(t testing.TB) *world { return &world{t, natstest.New(t)} }

// testEdge is the rooms of one edge.
type testEdge struct {
	*Rooms
	w       *world
	nc      *nats.Conn
	counted *prometheus.Registry
}

func (w *world) edge(cfg Config) *testEdge {
	w.Helper()
	if cfg.NATS == nil {
		cfg.NATS = w.server.Connect()
	}
	e := &testEdge{w: w, nc: cfg.NATS, counted: prometheus.NewRegistry()}
	cfg.Metrics, cfg.Timeout = e.counted, patience
	if cfg.Shards == 0 {
		cfg.Shards = 2
	}
	e.Rooms = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	w.Cleanup(func() {
		cancel()
		<-ended
	})
	return e
}

// at is the address of a room's text in the domain of these tests.
func (w *world) at(text string) Address {
	w.Helper()
	n, err := room.Parse(text)
	if err != nil {
		w.Fatalf("%s: %v", text, err)
	}
	return Address{Domain: "t.org", Name: n}
}

// session hears what is published.
type session struct {
	w       *world
	visitor Visitor // nobody

	mu      sync.Mutex
	refuses error    // what Hear returns
	refused int      // how often it has
	queued  []string // not flushed yet
	got     []string
}

func (s *session) Hear(seat *Seat, r *prepared.Run, from, to int) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ; from+n < to; n++ {
		if s.refuses != nil {
			s.refused++
			return n, s.refuses
		}
		s.queued = append(s.queued, fmt.Sprintf("%s %s", seat.Room(), r.Envelope(from+n)))
	}
	return n, nil
}

func (s *session) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, s.queued...)
	s.queued = nil
}

func (s *session) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// want waits for exactly these, in any order between rooms, and forgets them.
func (s *session) want(why string, all ...string) {
	s.w.Helper()
	s.w.eventually(why, func() bool { return len(s.all()) >= len(all) })
	got := s.all()
	slices.SortStableFunc(got, byRoom)
	slices.SortStableFunc(all, byRoom)
	if !slices.Equal(got, all) {
		s.w.Errorf("%s: got %q, want %q", why, got, all)
	}
	s.mu.Lock()
	s.got = nil
	s.mu.Unlock()
}

func byRoom(a, b string) int {
	a, _, _ = strings.Cut(a, " ")
	b, _, _ = strings.Cut(b, " ")
	return strings.Compare(a, b)
}

// in enters a room and activates the seat.
func (e *testEdge) in(s *session, text string, wild bool) *Seat {
	e.w.Helper()
	seat, err := e.Enter(e.w.Context(), Entry{Address: e.w.at(text), Wild: wild, Visitor: s.visitor}, s)
	if err != nil {
		e.w.Fatalf("enter %s: %v", text, err)
	}
	seat.Activate()
	return seat
}

func (e *testEdge) say(text, what string, wild bool) {
	e.w.Helper()
	if later, err := e.Publish(e.w.at(text), wild, Publication{Envelope: []byte(what)}); err != nil || later {
		e.w.Fatalf("publish to %s: %t, %v", text, later, err)
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

// count is a metric of the edge.
func (e *testEdge) count(name string, labels ...string) float64 {
	e.w.Helper()
	families, err := e.counted.Gather()
	if err != nil {
		e.w.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metrics:
		for _, m := range f.GetMetric() {
			for i, l := range m.GetLabel() {
				if i < len(labels) && l.GetValue() != labels[i] {
					continue metrics
				}
			}
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	e.w.Fatalf("there is no metric %s of %q", name, labels)
	return 0
}

// wantEmpty checks that nothing is left of rooms that were left.
func (e *testEdge) wantEmpty() {
	e.w.Helper()
	for _, s := range e.shards {
		s.mu.Lock()
		if len(s.halls)+len(s.shapes)+len(s.of) > 0 {
			e.w.Errorf("%d rooms, %d shapes and %d subscriptions are left", len(s.halls), len(s.shapes), len(s.of))
		}
		s.mu.Unlock()
	}
	if n := e.nc.NumSubscriptions(); n != 0 {
		e.w.Errorf("the client library has %d subscriptions", n)
	}
	for _, gauge := range []string{"limegrove_rooms", "limegrove_rooms_seats"} {
		if n := e.count(gauge); n != 0 {
			e.w.Errorf("%s is %v", gauge, n)
		}
	}
}
