package router

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus"

	"limegrove/edge/auth"
	"limegrove/internal/complaint"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/resource"
	"limegrove/room"
	"limegrove/routing"
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
func (*nobody) Unregister(context.Context, lime.Node, string) (int64, error)   { return 3, nil }
func (*nobody) View(context.Context, lime.Identity) (v presence.View, _ error) { return v, nil }

func (*nobody) RawView(context.Context, lime.Identity) (v presence.View, _ error) {
	return v, nil
}

func (*nobody) Registered(_ context.Context, ids []lime.Identity) ([]presence.View, error) {
	return make([]presence.View, len(ids)), nil
}
func (*nobody) Telling(context.Context, lime.Identity, string) (string, error) { return "", nil }
func (*nobody) Told(context.Context, lime.Identity, string, string) error      { return nil }
func (*nobody) ToldOne(context.Context, []lime.Identity, []string) error       { return nil }

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

	w.edgeNATS = w.server.Connect()
	w.edge = routing.New(routing.Config{
		NATS: w.edgeNATS, Registry: w.registry, Edge: "inc-e", ID: "e", Domains: []string{"t.org"}, Timeout: patience,
	})
	w.run(w.edge.Run)
	w.eventually("the edge listens", func() bool { return w.edgeNATS.NumSubscriptions() == 1 })
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
	got   chan *lime.Command
	ended chan *lime.Reason
}

func (s *session) Deliver(envelope []byte) error {
	c, err := lime.DecodeCommand(envelope)
	if err != nil {
		s.w.Errorf("%s is delivered %s: %v", s.Node(), envelope, err)
	}
	s.got <- c
	return nil
}
func (s *session) Flush()                       {}
func (*session) Granted(room.Grants)            {}
func (*session) Pass(any, []byte) (bool, error) { return false, nil }
func (s *session) End(why *lime.Reason)         { s.ended <- why }
func (s *session) Probe(uint32) error           { return nil }
func (s *session) Hold(bool)                    {}

func (w *world) login(node string, guest bool) *session {
	w.Helper()
	return w.arrive(routing.Arrival{Node: lime.MustParseNode(node), Session: node, Guest: guest})
}

func (w *world) arrive(a routing.Arrival) *session {
	w.Helper()
	s := &session{w: w, got: make(chan *lime.Command, 100), ended: make(chan *lime.Reason, 10)}
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

const (
	success = lime.CommandSuccess
	failure = lime.CommandFailure
)

func TestARouterAnswersPing(t *testing.T) { // L-CMD-01, L-CMD-02, L-CMD-10
	w := newWorld(t, Config{})
	ana := w.login("Ana@T.org/1", true)
	ana.ask(`{"id":"1","from":"Ana@T.org/1","method":"get","uri":"/ping"}`)
	c := ana.want("a ping", "1", success, 0)
	if got := string(c.AppendJSON(nil)); !strings.Contains(got, `"application/vnd.lime.ping+json"`) || strings.Contains(got, "uri") {
		t.Errorf("answered by %s", got)
	}
	if c.From.String() != "postmaster@T.org/#r" || c.To.String() != "Ana@T.org/1" || c.Method != lime.MethodGet {
		t.Errorf("answered from %s to %s", c.From, c.To)
	}
}

func TestWhatARouterCannotAnswerFails(t *testing.T) { // L-CMD-04, L-CMD-06
	w := newWorld(t, Config{})
	ana := w.login("ana@t.org/1", true)
	for _, c := range []struct {
		why, command string
		code         lime.Code
	}{
		{"nobody handles it", `"method":"get","uri":"/nothing"`, lime.CodeCommandResourceNotSupported},
		{"not by this method", `"method":"delete","uri":"/ping"`, lime.CodeCommandMethodNotSupported},
		{"another scheme", `"method":"get","uri":"http://t.org/ping"`, lime.CodeValidationInvalidURI},
		{"no URI", `"method":"get","uri":"::"`, lime.CodeValidationInvalidURI},
	} {
		ana.ask(`{"id":"1","from":"ana@t.org/1",` + c.command + `}`)
		ana.want(c.why, "1", failure, c.code)
	}
	ana.ask(`{"method":"get","uri":"/ping","from":"ana@t.org/1"}`) // L-CMD-08
	ana.ask(`{"id":"2","method":"observe","uri":"/ping","from":"ana@t.org/1"}`)
	ana.ask(`{"id":"3","method":"get","uri":"/ping","from":"ana@t.org/1"}`)
	ana.want("without an id, or to observe, there is no answer", "3", success, 0)
}

func TestAnswerThatIsTooLongFails(t *testing.T) {
	w := newWorld(t, Config{})
	o := routing.Order{Requester: lime.MustParseNode("ana@t.org/1")}
	h := lime.Header{ID: []byte("1"), Method: lime.MethodGet}
	for _, row := range []struct {
		what string
		size int64
		want lime.CommandStatus
	}{
		{"with room for the rest", w.edgeNATS.MaxPayload() - 4096, success},
		{"longer than the broker takes", w.edgeNATS.MaxPayload(), failure},
	} {
		b := w.router.answer(o, &h, resource.Response{
			Status: success, Type: lime.MediaJSON, Resource: json.RawMessage(`"` + strings.Repeat("x", int(row.size)) + `"`),
		})
		var got struct {
			ID, Status string
			Reason     *lime.Reason
		}
		if err := json.Unmarshal(b, &got); err != nil || got.ID != "1" || got.Status != row.want.String() || (got.Reason != nil) != (row.want == failure) {
			t.Errorf("%s: %.200s, %v", row.what, b, err)
		}
		if got.Reason != nil && got.Reason.Code != lime.CodeCommandProcessingError {
			t.Errorf("%s: %v", row.what, got.Reason)
		}
	}
}

func TestCommandsThatCannotBeReadAreLeftAlone(t *testing.T) {
	w := newWorld(t, Config{})
	ana := w.login("ana@t.org/1", true)
	if err := w.edgeNATS.PublishMsg(&nats.Msg{Subject: "cmd.org.t", Data: []byte("no JSON")}); err != nil {
		t.Fatal(err)
	}
	// From the edge, whose header has everything but an envelope behind it.
	var h lime.Header
	if err := ana.Command(&h, []byte(`{"id":7}`)); err != nil {
		t.Fatal(err)
	}
	ana.ask(`{"id":"1","from":"ana@t.org/1","method":"get","uri":"/ping"}`)
	ana.want("the router goes on", "1", success, 0)
}

func (w *world) authenticate(scheme auth.Scheme, node, password string) (auth.Grant, error) {
	q := auth.Request{Scheme: scheme, Node: lime.MustParseNode(node)}
	if password != "" {
		q.Credentials = fmt.Appendf(nil, `{"password":%q}`, base64.StdEncoding.EncodeToString([]byte(password)))
	}
	return w.ask(q)
}

// ask asks the router for a login, as an edge does.
func (w *world) ask(q auth.Request) (auth.Grant, error) {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	return auth.Remote{Ask: func(ctx context.Context, scheme string, question []byte) ([]byte, error) {
		return routing.AskLogin(ctx, w.edgeNATS, scheme, question)
	}}.Authenticate(ctx, q)
}

func (w *world) wantRefused(why string, err error, code lime.Code) {
	w.Helper()
	if r := lime.AsReason(err); r == nil || r.Code != code {
		w.Errorf("%s: got %v, want a reason with %d", why, err, code)
	}
}

func TestAnAccountFromItsMakingToItsLogin(t *testing.T) {
	w := newWorld(t, Config{})
	if g, err := w.authenticate(auth.SchemeGuest, "Ana@t.org/1", ""); err != nil || !g.Guest {
		t.Errorf("the name is free: %+v, %v", g, err)
	}
	_, err := w.authenticate(auth.SchemePlain, "Ana@t.org/1", "secret")
	w.wantRefused("there is no account yet", err, lime.CodeSessionAuthenticationFailed)

	maker, other := w.login("Ana@t.org/1", true), w.login("ana@t.org/2", true)
	password := base64.StdEncoding.EncodeToString([]byte("secret"))
	set := `"from":"Ana@t.org","pp":"Ana@t.org/1","method":"set","uri":"/account","type":"application/vnd.lime.account+json",` +
		`"resource":{"password":"` + password + `","fullName":"Ana"}}`
	maker.ask(`{"id":"1",` + set)
	maker.want("the account is made", "1", success, 0)
	select {
	case why := <-other.ended:
		if why.Code != lime.CodeSessionRegistrationError {
			t.Errorf("a guest of the name ends with %v", why)
		}
	case <-time.After(patience):
		t.Error("a guest of the name goes on")
	}
	select {
	case why := <-maker.ended:
		t.Errorf("who has made it ends with %v", why)
	default:
	}
	maker.ask(`{"id":"2",` + set)
	maker.want("it exists", "2", failure, lime.CodeCommandNotAllowed)

	if g, err := w.authenticate(auth.SchemePlain, "ANA@T.org/1", "secret"); err != nil || g.Guest || g.Identity != (lime.Identity{Name: "ANA", Domain: "T.org"}) {
		t.Errorf("its owner comes in, in the spelling of this login: %+v, %v", g, err)
	}
	_, err = w.authenticate(auth.SchemePlain, "ana@t.org/1", "wrong")
	w.wantRefused("a wrong password", err, lime.CodeSessionAuthenticationFailed)
	if _, err = w.authenticate(auth.SchemeGuest, "ana@t.org/1", ""); err == nil {
		t.Error("a guest took the name of an account")
	}
	owner := w.login("Ana@t.org/3", false)
	owner.ask(`{"id":"3","from":"Ana@t.org/3","method":"get","uri":"/account"}`)
	c := owner.want("the owner asks for it", "3", success, 0)
	if got := string(c.Resource); !strings.Contains(got, `"fullName":"Ana"`) || strings.Contains(got, "assword") { // L-RES-10
		t.Errorf("the account is %s", got)
	}
}

func TestWhatBecomesOfAccountsIsTold(t *testing.T) {
	nc := natstest.Start(t)
	told, err := nc.SubscribeSync("to.org.t.@.rui._account")
	if err != nil {
		t.Fatal(err)
	}
	var there bool
	away := error(nil)
	forgotten := make(chan lime.Identity, 10)
	log := logrus.New()
	log.SetOutput(io.Discard)
	e := newAccountEvents(nc, &complaint.Log{Logger: log}, func(context.Context, lime.Identity) (bool, error) { return there, away },
		func(_ context.Context, i lime.Identity) error {
			forgotten <- i
			return nil
		})
	rui, maker := lime.Identity{Name: "Rui", Domain: "t.org"}, lime.MustParseNode("Rui@t.org/1")
	want := func(why, event string) {
		t.Helper()
		if msg, err := told.NextMsg(patience); err != nil || string(msg.Data) != event {
			t.Errorf("%s: got %v, %v", why, msg, err)
		}
	}
	run := func(queue chan laterEvent) (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			e.tell(ctx, queue)
		}()
		return func() {
			cancel()
			<-ended
		}
	}
	atOnce := func(queue chan laterEvent) {
		later := <-queue
		later.at = time.Now() // not to wait for it
		queue <- later
	}

	e.create(rui, maker)
	want("a new account, at once", `{"maker":"Rui@t.org/1"}`)
	atOnce(e.made)
	stop := run(e.made)
	want("and again, for guests who were on their way in", `{"maker":"Rui@t.org/1","guestsOnly":true}`)
	e.create(rui, maker)
	want("another one, at once", `{"maker":"Rui@t.org/1"}`)
	stop() // with one that waits

	e.delete(rui, maker)
	want("a deleted one, at once, but for the session that has asked", `{"spared":"Rui@t.org/1"}`)
	e.deleteAgain(rui)
	atOnce(e.deleted)
	stop = run(e.deleted)
	want("and then that one", `{}`)
	if got := <-forgotten; got != rui {
		t.Errorf("the messages of %v are removed", got)
	}
	atOnce(e.gone)
	stop()
	stop = run(e.gone)
	if got := <-forgotten; got != rui {
		t.Errorf("the messages of %v are removed once more", got)
	}
	stop()

	there = true
	e.deleteAgain(rui)
	atOnce(e.deleted)
	if !e.outdated(t.Context(), (<-e.deleted).AccountEvent) {
		t.Error("the sessions of who has made a deleted account again would end")
	}
	away = errors.New("away")
	e.deleteAgain(rui)
	atOnce(e.deleted)
	stop = run(e.deleted)
	want("one of which nobody knows, and none that was made again", `{}`)
	stop()
	if n, _, err := told.Pending(); n != 0 || err != nil {
		t.Errorf("%d more were told, %v", n, err)
	}
}

func TestWhoDeletesAnAccountHasTheAnswerAndThenNoSession(t *testing.T) {
	w := newWorld(t, Config{})
	password := base64.StdEncoding.EncodeToString([]byte("secret"))
	maker := w.login("rui@t.org/1", true)
	maker.ask(`{"id":"1","from":"rui@t.org","pp":"rui@t.org/1","method":"set","uri":"/account",` +
		`"type":"application/vnd.lime.account+json","resource":{"password":"` + password + `"}}`)
	maker.want("the account is made", "1", success, 0)
	owner, spy := w.login("rui@t.org/2", false), w.login("rui@t.org/3", false)
	owner.ask(`{"id":"2","from":"rui@t.org/2","method":"delete","uri":"/account"}`)
	owner.want("it is deleted", "2", success, 0)
	for _, s := range []*session{owner, spy} {
		select {
		case why := <-s.ended:
			if why.Code != lime.CodeSessionRegistrationError {
				t.Errorf("a session of it ends with %v", why)
			}
		case <-time.After(patience):
			t.Error("a session of it goes on, and would belong to the next who takes the name")
		}
	}
}

func TestALoginThatCannotBeReadFails(t *testing.T) {
	w := newWorld(t, Config{})
	for _, question := range []string{"", "no JSON", `{"node":7}`, `{"scheme":"plain"}`, `{"scheme":"key","node":"ana@t.org"}`, `{}`} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		text, err := routing.AskLogin(ctx, w.edgeNATS, "plain", []byte(question))
		cancel()
		var a auth.Answer
		if err != nil || json.Unmarshal(text, &a) != nil || a.Reason == nil {
			t.Errorf("%q is answered by %s, %v; want a reason", question, text, err)
		}
	}
}

func TestWhenTheStoreIsAwayALoginSaysSo(t *testing.T) {
	w := newWorld(t, Config{})
	text := func() []byte {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		return w.router.logins.answer(ctx, []byte(`{"scheme":"guest","node":"ana@t.org/1"}`))
	}()
	var a auth.Answer
	if err := json.Unmarshal(text, &a); err != nil || a.Reason == nil || a.Reason.Code != lime.CodeSessionError {
		t.Errorf("answered by %s, %v; want 11, and no word of ours", text, err)
	}
	if !a.Fault {
		t.Error("it does not say that it is the cluster's fault")
	}
	refusal := w.router.logins.answer(t.Context(), []byte(`{"scheme":"plain","node":"ana@t.org/1","authentication":{"password":"eA=="}}`))
	if a = (auth.Answer{}); json.Unmarshal(refusal, &a) != nil || a.Reason == nil || a.Fault {
		t.Errorf("who has no account is answered by %s; want a refusal", refusal)
	}
}

func TestWhatADeadEdgeLeftIsRemovedAndTold(t *testing.T) {
	w := newWorld(t, Config{
		SweepInterval: time.Hour, // only when it is told
		Alive:         func(e presence.EdgeID) bool { return e == "inc-e" },
	})
	listener := w.server.Connect()
	views, err := listener.SubscribeSync("to.org.t.@.rui._view")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Flush(); err != nil {
		t.Fatal(err)
	}
	w.registry.mu.Lock()
	w.registry.edges = []presence.EdgeID{"inc-e", "inc-x"}
	w.registry.removed = []presence.Removed{{
		Registration: presence.Registration{Node: lime.MustParseNode("Rui@t.org/1"), Edge: "inc-x", Session: "s"}, Version: 7,
	}}
	w.registry.err = errors.New("the rest cannot be read now")
	w.registry.mu.Unlock()

	w.router.EdgeDied()
	msg, err := views.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(msg.Data); !strings.Contains(got, `"version":7`) || !strings.Contains(got, "Rui@t.org/1") || !strings.Contains(got, `"gone":true`) {
		t.Errorf("told as %s", got)
	}
	w.registry.mu.Lock()
	if !w.registry.asked["inc-x"] || w.registry.asked["inc-e"] {
		t.Errorf("taken for dead: %v", w.registry.asked)
	}
	w.registry.mu.Unlock()

	before := w.registry.Sweeps()
	for range 100 {
		w.router.EdgeDied() // does not block
	}
	w.eventually("it goes on after an error", func() bool { return w.registry.Sweeps() > before })
}

func TestARouterLooksNowAndThen(t *testing.T) {
	w := newWorld(t, Config{SweepInterval: time.Millisecond})
	w.registry.mu.Lock()
	w.registry.edges = []presence.EdgeID{"inc-e"}
	before := w.registry.sweeps
	w.registry.mu.Unlock()
	w.eventually("it looks", func() bool { return w.registry.Sweeps() > before+1 })
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	if !w.registry.asked["inc-e"] {
		t.Error("without gossip the leases alone decide")
	}
}

func TestARouterThatStopsAnswersWhatItHasTaken(t *testing.T) {
	const many = 50
	w := newWorld(t, Config{})
	ana := w.login("ana@t.org/1", true)
	for i := range many {
		ana.ask(fmt.Sprintf(`{"id":"%d","from":"ana@t.org/1","method":"get","uri":"/ping"}`, i))
	}
	w.flush(w.edgeNATS)
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	got := map[string]bool{}
	for range many {
		select {
		case c := <-ana.got:
			if c.Status != success {
				t.Errorf("%s: %v", c.ID, c.Reason)
			}
			got[c.ID] = true
		case <-time.After(patience):
			t.Fatalf("%d of %d were answered", len(got), many)
		}
	}
	if len(got) != many {
		t.Errorf("%d of %d were answered", len(got), many)
	}
	ana.ask(`{"id":"late","from":"ana@t.org/1","method":"get","uri":"/ping"}`)
	ana.want("then there is no router", "late", failure, lime.CodeRoutingDestinationNotFound)
}

func TestARouterNeedsItsStreams(t *testing.T) {
	nc := natstest.Start(t)
	nc.Close()
	if _, err := New(t.Context(), Config{NATS: nc, Registry: &nobody{}, Domains: []string{"t.org"}}); err == nil {
		t.Error("a router was made without a broker")
	}
}

// Package presence's store is what a router needs.
var _ Registry = (*presence.Store)(nil)
