package fanout

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
	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; only a very busy machine comes near.
const patience = 20 * time.Second

// store is the streams in memory: of one partition the messages of groups, and a log that
// knows ids.
type store struct {
	mu      sync.Mutex
	waiting []stream.Message
	next    uint64
	log     []*nats.Msg
	ids     map[string]bool
	again   int // copies that were there already
	read    int // messages of single groups
	lags    int // so many times nothing of a group is known

	refuse func(*nats.Msg) error // what a message is answered, nil for nothing
}

func newStore() *store { return &store{next: 100, ids: map[string]bool{}} }

func (s *store) Partitions() int { return 1 }

func (s *store) WalkGroup(_ context.Context, _ int, from uint64, messages, _ int) (page stream.Page, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.waiting {
		if m.Sequence >= from && len(page.Messages) < messages {
			page.Messages = append(page.Messages, m)
			page.Through = m.Sequence
		}
	}
	return page, nil
}

func (s *store) ReadGroup(_ context.Context, _ int, subject string, from uint64, messages, _ int) (page stream.Page, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page.Through = s.next // the last sequence of all
	if s.lags > 0 {
		s.lags--
		page.Through = from - 1
		return page, nil
	}
	for _, m := range s.waiting {
		if m.Subject != subject || m.Sequence < from {
			continue
		}
		if len(page.Messages) == messages {
			page.More = true
			break
		}
		page.Messages = append(page.Messages, m)
		page.Through = m.Sequence
	}
	s.read += len(page.Messages)
	return page, nil
}

func (s *store) DeleteGroup(_ context.Context, _ int, sequence uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, m := range s.waiting {
		if m.Sequence == sequence {
			s.waiting = slices.Delete(s.waiting, i, i+1)
			break
		}
	}
	return nil
}

func (s *store) Store(_ context.Context, all []*nats.Msg) []error {
	errs := make([]error, len(all))
	for i, m := range all {
		s.mu.Lock()
		refuse := s.refuse
		s.mu.Unlock()
		if refuse != nil {
			if errs[i] = refuse(m); errs[i] != nil {
				continue
			}
		}
		s.mu.Lock()
		if id := m.Header.Get(nats.MsgIdHdr); s.ids[id] {
			s.again++
		} else {
			s.ids[id] = true
			s.log = append(s.log, m)
		}
		s.mu.Unlock()
	}
	return errs
}

// refusing has Store ask f.
func (s *store) refusing(f func(*nats.Msg) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// add stores a message of somebody for a group.
func (s *store) add(group, from, id string, header ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	m := stream.Message{
		Subject: keyOf(group).Group(0), Sequence: s.next,
		Header: nats.Header{nats.MsgIdHdr: []string{group + from + id}},
		Data:   []byte(fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"type":"text/plain","content":%q}`, id, from, group, id)),
	}
	for _, h := range header {
		m.Header.Set(h, "1")
	}
	s.waiting = append(s.waiting, m)
}

// left is how many messages are not fanned out.
func (s *store) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// got is what the log has for an address, as "id from to" of messages, and the event of
// notifications.
func (s *store) got(address string) (all []string) {
	n := lime.MustParseNode(address)
	token := subject.Identity
	if n.Instance != "" {
		token = subject.Token(n.Instance)
	}
	at := keyOf(n.Identity.String()).Log(0, token)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.log {
		if m.Subject != at {
			continue
		}
		var h lime.Header
		if _, err := h.Scan(m.Data); err != nil {
			panic(err)
		}
		if h.Kind == lime.KindNotification {
			all = append(all, fmt.Sprintf("%s %s", h.ID, h.Event))
		} else {
			all = append(all, fmt.Sprintf("%s %s %s", h.ID, h.From, h.To))
		}
	}
	return all
}

func keyOf(identity string) subject.Key {
	k, err := subject.MakeKey(lime.MustParseIdentity(identity))
	if err != nil {
		panic(err)
	}
	return k
}

// people are groups in memory, by their identities.
type people struct {
	mu       sync.Mutex
	revision uint64
	in       map[string][]Member
	asked    int
	refused  int // how often it had an error
	err      error
}

// set makes the members of a group these; one with a - before it only listens.
func (p *people) set(group string, members ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revision++
	if p.in == nil {
		p.in = map[string][]Member{}
	}
	delete(p.in, group)
	for _, m := range members {
		address, listens := strings.CutPrefix(m, "-")
		p.in[group] = append(p.in[group], Member{Address: lime.MustParseNode(address), MaySend: !listens})
	}
}

func (p *people) Revision(context.Context, lime.Identity) (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		p.refused++
	}
	return p.revision, p.err
}

func (p *people) Roster(_ context.Context, group lime.Identity, _ uint64) (Roster, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	members, ok := p.in[group.String()]
	if !ok {
		return Roster{}, fmt.Errorf("%s: %w", group, ErrGone)
	}
	return Roster{Group: group, Revision: p.revision, Members: members}, p.err
}

// leases are one holder's, or everybody's.
type leases struct {
	mu     sync.Mutex
	holder presence.EdgeID
	all    bool
	err    error
}

func (l *leases) Hold(_ context.Context, _ string, holder presence.EdgeID, _ time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false, l.err
	}
	if l.holder == "" {
		l.holder = holder
	}
	return l.all || l.holder == holder, nil
}

func (l *leases) Release(_ context.Context, _ string, holder presence.EdgeID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder == holder {
		l.holder = ""
	}
	return nil
}

func (l *leases) set(f func(*leases)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

// world is what routers share.
type world struct {
	testing.TB
	server *natstest.Server
	store  *store
	people *people
	leases *leases
}

func newWorld(t testing.TB) *world {
	return &world{t, natstest.New(t), newStore(), &people{}, &leases{}}
}

// router is one that fans out.
type router struct {
	metrics *prometheus.Registry
	stop    func()
}

// start starts a router. Its lease lasts however slow the machine is, unless a test wants it to run out.
func (w *world) start(name string, change func(*Config)) *router {
	r := &router{metrics: prometheus.NewRegistry()}
	cfg := Config{
		NATS: w.server.Connect(), Streams: w.store, Leases: w.leases, Groups: w.people, Router: presence.EdgeID(name), ID: name,
		Every: 5 * time.Millisecond, Lease: patience, Metrics: r.metrics,
	}
	if change != nil {
		change(&cfg)
	}
	f := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.Run(ctx)
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	w.Cleanup(r.stop)
	return r
}

// short is a lease that runs out.
func short(c *Config) { c.Lease = 150 * time.Millisecond }

func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.Fatal(what + ": not in time")
		}
	}
}

// done waits until everything is fanned out.
func (w *world) done() {
	w.Helper()
	w.eventually("all is fanned out", func() bool { return w.store.left() == 0 })
}

func (w *world) want(what, address string, want ...string) {
	w.Helper()
	if got := w.store.got(address); fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: %s has %q, want %q", what, address, got, want)
	}
}

// dropped is how many were dropped for a reason.
func (r *router) dropped(t testing.TB, why dropReason) float64 {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "limegrove_group_dropped_total" && m.GetLabel()[0].GetValue() == string(why) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}
