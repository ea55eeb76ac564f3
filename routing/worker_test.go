package routing

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
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/lime"
	"limegrove/routing/subject"
)

// testWorker is a router's worker and its end.
type testWorker struct {
	*Worker
	w       *world
	counted *prometheus.Registry
	stop    context.CancelFunc
	ended   chan struct{} // closed when Run has returned
	err     error
}

func (w *world) worker(cfg WorkerConfig) *testWorker {
	w.Helper()
	counted := prometheus.NewRegistry()
	if cfg.NATS == nil {
		cfg.NATS = w.connect()
	}
	cfg.Router, cfg.Metrics = "inc-r", counted
	if cfg.Command == nil {
		cfg.Command = answerAll
	}
	if cfg.Login == nil {
		cfg.Login = func(context.Context, []byte) []byte { return []byte("welcome") }
	}
	cfg.Busy = []byte("busy")
	ctx, cancel := context.WithCancel(context.Background())
	r := &testWorker{Worker: NewWorker(cfg), w: w, counted: counted, stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.err = r.Run(ctx)
	}()
	w.Cleanup(func() {
		cancel()
		<-r.ended
	})
	subscriptions := len(r.jobs)
	if cfg.Presence != nil {
		subscriptions++
	}
	eventually(w, "the worker listens", func() bool { return cfg.NATS.NumSubscriptions() == subscriptions })
	w.flush(cfg.NATS)
	return r
}

// answerAll answers every command with success.
func answerAll(_ context.Context, o Order) []byte {
	var h lime.Header
	if _, err := h.Scan(o.Envelope); err != nil {
		return nil
	}
	return lime.AppendCommandResponse(nil, h.ID, []byte("postmaster@t.org/#r"), []byte(o.Requester.String()),
		h.Method, lime.CommandSuccess, "", nil, nil)
}

func ping(id string) string { return fmt.Sprintf(`{"id":%q,"method":"get","uri":"/ping"}`, id) }

func (c *client) ask(envelope string) {
	c.e.w.Helper()
	if err := c.command(envelope); err != nil {
		c.e.w.Fatalf("%s asks %s: %v", c.node, envelope, err)
	}
}

func TestACommandWithoutARouterFails(t *testing.T) {
	ana := newWorld(t).edge("a", Config{}).Guest("ana@t.org/1")
	ana.ask(ping("1"))
	ana.Want("no router hears it", "1 get failure 42")
	ana.ask(`{"method":"get","uri":"/ping"}`)
	ana.WantNothing("nor is one without an id answered")
}

func TestAWorkerAnswersCommands(t *testing.T) {
	w := newWorld(t)
	orders := make(chan Order, 2)
	w.worker(WorkerConfig{Command: func(ctx context.Context, o Order) []byte {
		orders <- o
		return answerAll(ctx, o)
	}})
	e := w.edge("a", Config{})
	for _, c := range []struct {
		node  string
		guest bool
	}{
		{"Ana@t.org/1", true},
		{"rui@t.org/a b/c@d ", false}, // spaces at the ends, too: L-ADR-01, L-ADR-08
		{" lia@t.org/ x", false},
		{`ivo@t.org/"é\n%0A"`, true},
	} {
		s := e.login(c.node, c.guest)
		s.ask(ping("1"))
		o := <-orders
		if o.Requester.String() != c.node || o.Guest != c.guest || o.Role != lime.RoleMember || string(o.Envelope) != ping("1") {
			t.Errorf("the order of %q is %+v", c.node, o)
		}
		s.Want("it is answered", "1 get success")
	}
}

func TestAWorkerKnowsTheAuthorityOfWhoAsks(t *testing.T) {
	w := newWorld(t)
	orders := make(chan Order, 1)
	w.worker(WorkerConfig{Command: func(ctx context.Context, o Order) []byte {
		orders <- o
		return answerAll(ctx, o)
	}})
	for _, role := range []lime.Role{lime.RoleMember, lime.RoleAuthority, lime.RoleRootAuthority} {
		s := w.edge("e"+string(role), Config{}).login("ana@t.org/"+string(role), false)
		s.rank = role.Rank()
		s.ask(ping("1"))
		if o := <-orders; o.Role != role {
			t.Errorf("a %s is taken for a %s", role, o.Role)
		}
	}
}

func TestAWorkerThatHasNoAnswerGivesNone(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	w.worker(WorkerConfig{Command: func(context.Context, Order) []byte {
		asked.Add(1)
		return nil
	}})
	ana := w.edge("a", Config{}).Guest("ana@t.org/1")
	ana.ask(`{"method":"observe","uri":"/x","type":"text/plain","resource":"x"}`)
	eventually(t, "the command arrives", func() bool { return asked.Load() == 1 })
	ana.WantNothing("an observe is never answered") // L-CMD-07
}

func TestCommandsOfNobodyAreLeftAlone(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	r := w.worker(WorkerConfig{Command: func(context.Context, Order) []byte {
		asked.Add(1)
		return nil
	}})
	for _, requester := range []string{"", "ana@t.org/1", `""`, `"ana"`, `"ana@t.org"`, `"a@b@c/1"`} {
		err := r.cfg.NATS.PublishMsg(&nats.Msg{
			Subject: subject.Command("t.org"), Data: []byte(ping("1")), Header: nats.Header{headerRequester: []string{requester}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.stop()
	<-r.ended
	if n := asked.Load(); n != 0 || r.err != nil {
		t.Errorf("%d were handled (%v)", n, r.err)
	}
}

// busy is a handler that holds what it is given until it is released.
type busy struct {
	entered chan struct{}
	release chan struct{}
	once    sync.Once
}

func newBusy(t *testing.T) *busy {
	b := &busy{entered: make(chan struct{}, 100), release: make(chan struct{})}
	t.Cleanup(b.free)
	return b
}

func (b *busy) free() { b.once.Do(func() { close(b.release) }) }

func (b *busy) command(ctx context.Context, o Order) []byte {
	b.entered <- struct{}{}
	<-b.release
	return answerAll(ctx, o)
}

func TestASlowCommandHoldsUpNoOther(t *testing.T) { // L-CMD-09
	w := newWorld(t)
	b := newBusy(t)
	w.worker(WorkerConfig{Command: func(ctx context.Context, o Order) []byte {
		if string(o.Envelope) == ping("slow") {
			return b.command(ctx, o)
		}
		return answerAll(ctx, o)
	}})
	ana := w.edge("a", Config{}).Guest("ana@t.org/1")
	ana.ask(ping("slow"))
	w.wait("it is worked on", b.entered)
	ana.ask(ping("1"))
	ana.ask(ping("2"))
	ana.WantSorted("what came later is answered before, in any order", "1 get success", "2 get success")
	b.free()
	ana.Want("the slow one is answered, too", "slow get success")
}

func TestABusyWorkerRefusesCommands(t *testing.T) {
	w := newWorld(t)
	b := newBusy(t)
	r := w.worker(WorkerConfig{Command: b.command, Commands: 1, Backlog: 1})
	ana := w.edge("a", Config{}).Guest("ana@t.org/1")
	ana.ask(ping("1"))
	w.wait("the first one is worked on", b.entered)
	ana.ask(ping("2"))
	eventually(t, "the second one waits", func() bool { return gather(t, r.counted, "limegrove_router_waiting", "command") == 1 })

	ana.ask(ping("3"))
	ana.Want("the third one is refused", "3 get failure 1")
	ana.ask(`{"method":"get","uri":"/ping"}`)
	ana.ask(`{"id":"5","method":"observe","uri":"/x","type":"text/plain","resource":"x"}`)
	eventually(t, "all refused ones are counted", func() bool {
		return gather(t, r.counted, "limegrove_router_refused_total", "command") == 3
	})
	b.free()
	ana.Want("the others are answered", "1 get success", "2 get success")
	if n := gather(t, r.counted, "limegrove_router_taken_total", "command"); n != 2 {
		t.Errorf("%v were taken, want 2", n)
	}
}

func TestLoginsAreAskedOfARouter(t *testing.T) {
	w := newWorld(t)
	nc := w.connect()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := AskLogin(ctx, nc, "plain", []byte("?")); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("without a router: %v", err)
	}
	entered, release := make(chan struct{}, 1), make(chan struct{})
	r := w.worker(WorkerConfig{Logins: 1, Backlog: 1, LoginPatience: patience, Login: func(_ context.Context, q []byte) []byte {
		if string(q) == "slow" {
			entered <- struct{}{}
			<-release
		}
		return []byte("welcome, " + string(q))
	}})
	if a, err := AskLogin(ctx, nc, "plain", []byte("ana")); err != nil || string(a) != "welcome, ana" {
		t.Errorf("got %q, %v", a, err)
	}
	answers := make(chan string, 2)
	ask := func() {
		a, err := AskLogin(ctx, nc, "plain", []byte("slow"))
		answers <- fmt.Sprint(string(a), err)
	}
	go ask()
	w.wait("one is worked on", entered)
	go ask()
	eventually(t, "another one waits", func() bool { return gather(t, r.counted, "limegrove_router_waiting", "plain") == 1 })
	if a, err := AskLogin(ctx, nc, "plain", []byte("ana")); err != nil || string(a) != "busy" {
		t.Errorf("a third one gets %q, %v; want to hear that the router is busy", a, err)
	}
	close(release)
	for range 2 {
		if a := <-answers; a != "welcome, slow<nil>" {
			t.Errorf("got %q", a)
		}
	}
}

func TestSchemesDoNotHoldUpEachOther(t *testing.T) {
	w := newWorld(t)
	nc := w.connect()
	entered, release := make(chan struct{}, 1), make(chan struct{})
	defer close(release)
	w.worker(WorkerConfig{Logins: 1, Backlog: 1, Login: func(_ context.Context, q []byte) []byte {
		if string(q) == "slow" {
			entered <- struct{}{}
			<-release
		}
		return []byte("welcome")
	}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	slow := make(chan error, 1)
	go func() {
		_, err := AskLogin(ctx, nc, "plain", []byte("slow"))
		slow <- err
	}()
	w.wait("a password is checked", entered)
	if a, err := AskLogin(ctx, nc, "guest", nil); err != nil || string(a) != "welcome" {
		t.Errorf("a guest gets %q, %v", a, err)
	}
	if _, err := AskLogin(ctx, nc, "key", nil); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a scheme that nobody takes: %v", err)
	}
	release <- struct{}{}
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

func TestWhatHasWaitedTooLongIsRefused(t *testing.T) {
	w := newWorld(t)
	b := newBusy(t)
	r := w.worker(WorkerConfig{Command: b.command, Commands: 1, Patience: time.Nanosecond})
	ana := w.edge("a", Config{}).Guest("ana@t.org/1")
	ana.ask(ping("1"))
	ana.Want("its edge has given up", "1 get failure 1")
	if n := gather(t, r.counted, "limegrove_router_refused_total", "command"); n != 1 {
		t.Errorf("%v were refused", n)
	}
}

// What edges would ask about again is refused before.
func TestLoginsThatHaveWaitedTooLongAreRefused(t *testing.T) {
	w := newWorld(t)
	r := w.worker(WorkerConfig{LoginPatience: time.Nanosecond, Patience: patience, Login: func(context.Context, []byte) []byte {
		return []byte("welcome")
	}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if a, err := AskLogin(ctx, w.connect(), "plain", nil); err != nil || string(a) != "busy" {
		t.Errorf("got %q, %v", a, err)
	}
	if n := gather(t, r.counted, "limegrove_router_refused_total", "plain"); n != 1 {
		t.Errorf("%v were refused", n)
	}
	if usual := NewWorker(WorkerConfig{}); usual.jobs[1].patience >= loginPatience {
		t.Errorf("a login waits for %v, and its edge asks again after %v", usual.jobs[1].patience, loginPatience)
	}
}

func TestWorkIsBoundedInTime(t *testing.T) {
	w := newWorld(t)
	w.worker(WorkerConfig{Timeout: time.Millisecond, Login: func(ctx context.Context, _ []byte) []byte {
		<-ctx.Done()
		return []byte(ctx.Err().Error())
	}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if a, err := AskLogin(ctx, w.connect(), "plain", nil); err != nil || !strings.Contains(string(a), "deadline") {
		t.Errorf("got %q, %v", a, err)
	}
}

func TestAWorkerThatStopsFinishesWhatItWasHanded(t *testing.T) {
	const many = 300
	w := newWorld(t)
	b := newBusy(t)
	r := w.worker(WorkerConfig{Commands: 1, Command: func(ctx context.Context, o Order) []byte {
		select {
		case b.entered <- struct{}{}:
		default:
		}
		<-b.release
		return answerAll(ctx, o)
	}})
	ana := w.edge("a", Config{}).Guest("ana@t.org/1")
	var want []string
	for i := range many {
		ana.ask(ping(fmt.Sprint(i)))
		want = append(want, fmt.Sprintf("%d get success", i))
	}
	w.wait("the first one is worked on", b.entered)
	w.flush(ana.e.nc) // the broker has them all, and the worker perhaps few
	r.stop()
	b.free()
	w.wait("the worker ends", r.ended)
	w.flush(r.cfg.NATS)
	ana.WantSorted("all that were handed to it are answered", want...)
	if r.err != nil {
		t.Error(r.err)
	}
	ana.ask(ping("late"))
	ana.Want("nobody takes commands any more", "late get failure 42")
}

func TestAWorkerEndsWithItsConnection(t *testing.T) {
	w := newWorld(t)
	r := w.worker(WorkerConfig{})
	r.cfg.NATS.Close()
	r.stop()
	w.wait("it ends", r.ended)
	if r.err != nil {
		t.Errorf("that the connection has ended is no error of the worker: %v", r.err)
	}
}

func TestDrainingIsBounded(t *testing.T) {
	w := newWorld(t)
	nc := w.connect()
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	sub, err := nc.Subscribe("x", func(*nats.Msg) {
		close(entered)
		<-release
	})
	if err != nil {
		t.Fatal(err)
	}
	w.publishTo(nc, "x", "", "")
	w.wait("a callback hangs", entered)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := drain(ctx, sub); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
