package backend

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/internal/leaktest"
	"limegrove/internal/natstest"
	"limegrove/internal/redistest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/routing"
	"limegrove/routing/interest"
	"limegrove/routing/stream"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Run(m)) }

const patience = 20 * time.Second

// world is an edge with a session of rui's, and a router with backends, over real servers.
type world struct {
	*testing.T
	*Backend
	rui *session
}

// session is rui's. It does what the test says with each envelope.
type session struct {
	*routing.Member
	mu     sync.Mutex
	answer func(h lime.Header, envelope []byte)
}

func (s *session) Deliver(envelope []byte) error {
	var h lime.Header
	envelope = slices.Clone(envelope)
	if _, err := h.Scan(envelope); err != nil {
		return err
	}
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	if answer != nil {
		go answer(h, envelope) // routing has a lock
	}
	return nil
}

func (*session) Flush() {}

func (*session) Pass(any, []byte) (bool, error) { return false, nil }

func (*session) End(*lime.Reason)    {}
func (*session) Probe(uint32) error  { return nil }
func (*session) Hold(bool)           {}
func (*session) Granted(room.Grants) {}

// says has rui send an envelope.
func (s *session) says(t testing.TB, envelope string) {
	var h lime.Header
	if _, err := h.Scan([]byte(envelope)); err != nil {
		t.Error(err)
		return
	}
	to, err := lime.ParseNodeView(h.To)
	if err != nil {
		t.Error(err)
		return
	}
	if err := s.Route(to, &h, []byte(envelope)); err != nil {
		t.Error(err)
	}
}

func (s *session) does(answer func(h lime.Header, envelope []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	n, r := natstest.New(t), redistest.Start(t)
	log := logrus.New()
	log.SetOutput(t.Output())
	store, err := presence.Open(presence.Config{URL: r.URL(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if err := store.PutLease(t.Context(), presence.Lease{Edge: "edge-1", Started: time.Now()}); err != nil {
		t.Fatal(err)
	}
	streams, err := stream.Open(t.Context(), stream.Config{NATS: n.Connect(), Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(streams.Close)
	hubs := func(run presence.EdgeID) *routing.Hubs {
		h := routing.New(routing.Config{
			NATS: n.Connect(interest.Option()), Registry: store, Streams: streams, Directory: known{}, Edge: run, ID: string(run), Domains: []string{"t.org"}, Logger: log,
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- h.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return h
	}
	edge, router := hubs("edge-1"), hubs("router-1")
	w := &world{T: t, Backend: New(Config{Hubs: router, Run: "router-1", Domains: []string{"T.org"}, Logger: log}), rui: &session{}}
	w.rui.Member, err = edge.Attach(t.Context(), routing.Arrival{Node: lime.MustParseNode("rui@t.org/1"), Session: "s"}, w.rui)
	if err != nil {
		t.Fatal(err)
	}
	w.rui.Activate()
	w.rui.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	t.Cleanup(w.rui.Leave)
	for range 2 {
		if err := w.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(w.Close)
	return w
}

// known knows rui alone.
type known struct{}

func (known) Account(_ context.Context, i lime.Identity) (p lime.InboxPolicy, found bool, err error) {
	return p, i.Name == "rui", nil
}

func (known) IsContact(context.Context, lime.Identity, lime.Identity) (bool, error) { return true, nil }

func (known) Instances(context.Context, lime.Identity) (all []string, err error) { return nil, nil }

// message is one from the server to somebody.
func (w *world) message(id, to string) []byte {
	node, _ := w.Node("t.ORG")
	return []byte(`{"id":"` + id + `","from":"` + node.String() + `","to":"` + to + `","type":"text/plain","content":"x"}`)
}

func (w *world) events(told []Told) (all []lime.Event) {
	for _, t := range told {
		all = append(all, t.Event)
	}
	return all
}

// told is how much was told so far of what is waited for under an id.
func (w *world) told(id string) int {
	p := w.posts["t.org"]
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.waiting[id]; one != nil {
		return len(one.told)
	}
	return 0
}

func TestTheFateOfAMessageIsTold(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	told, err := w.SendAndWait(ctx, "t.org", w.message("m0", "rui@t.org"), lime.EventAccepted)
	if want := []lime.Event{lime.EventAccepted}; err != nil || !slices.Equal(w.events(told), want) {
		t.Errorf("it is stored: %v, %v", told, err)
	}
	w.rui.does(func(h lime.Header, _ []byte) {
		w.rui.says(t, `{"id":"`+string(h.ID)+`","from":"rui@t.org/1","to":"`+string(h.From)+`","event":"received"}`)
	})
	told, err = w.SendAndWait(ctx, "t.org", w.message("m1", "rui@t.org"), lime.EventReceived)
	if want := []lime.Event{lime.EventAccepted, lime.EventDispatched, lime.EventReceived}; err != nil || !slices.Equal(w.events(told), want) {
		t.Errorf("it has arrived: %v, %v", told, err)
	}
	if from := told[len(told)-1].From.String(); from != "rui@t.org/1" {
		t.Errorf("%s says so", from)
	}
	told, err = w.SendAndWait(ctx, "t.org", w.message("m2", "nobody@t.org"), lime.EventReceived)
	if err != nil || len(told) != 1 || told[0].Event != lime.EventFailed || told[0].Reason == nil {
		t.Errorf("nobody is there: %v, %v", told, err)
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for w.told("m3") == 0 && waiting.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		stop()
	}()
	told, err = w.SendAndWait(waiting, "t.org", w.message("m3", "rui@t.org"), lime.EventConsumed)
	if !errors.Is(err, context.Canceled) || len(told) == 0 {
		t.Errorf("it is not read: %v, %v", told, err)
	}
	if err := w.Send(ctx, "T.ORG", w.message("m4", "rui@t.org")); err != nil {
		t.Error(err)
	}
}

func TestOthersCannotSayWhatBecameOfIt(t *testing.T) {
	w := newWorld(t)
	p := w.posts["t.org"]
	var h lime.Header
	envelope := w.message("m1", "rui@t.org")
	if _, err := h.Scan(envelope); err != nil {
		t.Fatal(err)
	}
	one, err := p.wait(&h, lime.MustParseIdentity("rui@t.org"), lime.EventReceived)
	if err != nil {
		t.Fatal(err)
	}
	for _, forged := range []string{
		`{"id":"m1","from":"eve@t.org/1","event":"received"}`, `{"id":"m2","from":"rui@t.org/1","event":"received"}`,
		`{"id":"m1","from":"rui@t.org/1","method":"get","status":"success"}`, `{"id":"m1","from":"rui@t.org/1","type":"text/plain","content":"x"}`,
		`{"id":"m1","event":"received"}`, `{`, `{"id":"m1","from":"rui@evil.org","event":"consumed"}`,
	} {
		if err := p.Deliver([]byte(forged)); err != nil {
			t.Error(err)
		}
	}
	if len(one.told) > 0 || one.over {
		t.Errorf("it was told %v", one.told)
	}
	for range 2 * maxTold {
		if err := p.Deliver([]byte(`{"id":"m1","from":"rui@t.org/1","event":"dispatched"}`)); err != nil {
			t.Error(err)
		}
	}
	if len(one.told) != maxTold {
		t.Errorf("%d are kept", len(one.told))
	}
	p.stop(one)
	if len(p.waiting) > 0 {
		t.Error("it still waits")
	}
}

func TestACommandIsAnswered(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.rui.does(func(h lime.Header, _ []byte) {
		w.rui.says(t, `{"id":"`+string(h.ID)+`","from":"rui@t.org/1","to":"`+string(h.From)+`","method":"get","status":"success","type":"text/plain","resource":"yes"}`)
	})
	node, _ := w.Node("t.org")
	ask := func(to string) (*lime.Command, error) {
		return w.Ask(ctx, "t.org", []byte(`{"id":"c1","from":"`+node.String()+`","to":"`+to+`","method":"get","uri":"/x"}`))
	}
	if c, err := ask("rui@t.org/1"); err != nil || string(c.Resource) != `"yes"` {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := ask("rui@t.org/2"); err != nil || c.Status != lime.CommandFailure || c.Reason.Code != lime.CodeRoutingDestinationNotFound {
		t.Errorf("of nobody: %+v, %v", c, err)
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	w := newWorld(t)
	for envelope, code := range map[string]lime.Code{
		`{`: 21, `{"id":"m"}`: 21, `{"id":"m","to":"rui@t.org","content":"x"}`: 21, `{"id":"m","to":"rui","type":"text/plain","content":"x"}`: 26,
		`{"id":"m","type":"text/plain","content":"x"}`: 26, `{"id":"m","to":"rui@t.org","type":"text/plain","content":{}}`: 23,
	} {
		if err := w.Send(t.Context(), "t.org", []byte(envelope)); lime.AsReason(err) == nil || lime.AsReason(err).Code != code {
			t.Errorf("%s: %v, want %d", envelope, err, code)
		}
	}
	if err := w.Send(t.Context(), "evil.org", w.message("m", "rui@t.org")); lime.AsReason(err) == nil {
		t.Errorf("of another domain: %v", err)
	}
	if _, err := w.SendAndWait(t.Context(), "t.org", []byte(`{"to":"rui@t.org","type":"text/plain","content":"x"}`), lime.EventAccepted); lime.AsReason(err) == nil {
		t.Errorf("without an id: %v", err)
	}
	if _, ok := w.Node("evil.org"); ok {
		t.Error("another domain has a node")
	}

	p := w.posts["t.org"]
	h := lime.Header{ID: []byte("m")}
	if _, err := p.wait(&h, lime.Identity{}, lime.EventAccepted); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SendAndWait(t.Context(), "t.org", w.message("m", "rui@t.org"), lime.EventAccepted); !errors.Is(err, ErrIDInUse) {
		t.Errorf("the same id: %v", err)
	}
	p.most = 1
	if _, err := w.SendAndWait(t.Context(), "t.org", w.message("n", "rui@t.org"), lime.EventAccepted); !errors.Is(err, ErrCrowded) {
		t.Errorf("one too many: %v", err)
	}
	w.Close()
	if err := w.Send(t.Context(), "t.org", w.message("m", "rui@t.org")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after the end: %v", err)
	}
}

func TestWhoSendsWaitsWhileTooMuchIsUnderWay(t *testing.T) {
	w := newWorld(t)
	p := w.posts["t.org"]
	p.Hold(true)
	p.Hold(true)
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := w.Send(short, "t.org", w.message("m", "rui@t.org")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("while it is held: %v", err)
	}
	sent := make(chan error, 1)
	go func() { sent <- w.Send(t.Context(), "t.org", w.message("m", "rui@t.org")) }()
	p.Hold(false)
	p.Hold(false)
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
