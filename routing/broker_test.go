package routing

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/sirupsen/logrus/hooks/test"

	"limegrove/lime"
)

// broker is a NATS server that can go away and come back at its address.
type broker struct {
	t    testing.TB
	opts server.Options
	srv  *server.Server
}

func startBroker(t testing.TB) *broker {
	b := &broker{t: t, opts: server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true}}
	b.Start()
	u, err := url.Parse(b.srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	if b.opts.Port, err = strconv.Atoi(u.Port()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

func (b *broker) Start() {
	b.t.Helper()
	opts := b.opts
	srv, err := server.NewServer(&opts)
	if err != nil {
		b.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		b.t.Fatal("the broker is not ready")
	}
	b.srv = srv
}

func (b *broker) Stop() {
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
}

func (b *broker) connect(name string) *nats.Conn {
	b.t.Helper()
	nc, err := Connect(ConnectConfig{URL: b.srv.ClientURL(), Name: name})
	if err != nil {
		b.t.Fatal(err)
	}
	closed := make(chan struct{})
	nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	b.t.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

func TestConnectionsAreAnsweredByRole(t *testing.T) {
	bus := startBroker(t)
	for inbox, want := range map[string]string{"": "_INBOX.", "edge": "_INBOX.edge."} {
		nc, err := Connect(ConnectConfig{URL: bus.srv.ClientURL(), Inbox: inbox})
		if err != nil {
			t.Fatal(err)
		}
		if got := nc.NewInbox(); !strings.HasPrefix(got, want) || strings.Count(got, ".") != strings.Count(want, ".") {
			t.Errorf("%q: answers come to %s", inbox, got)
		}
		nc.Close()
	}
}

func TestConnectSaysWhere(t *testing.T) {
	if _, err := Connect(ConnectConfig{URL: "nats://127.0.0.1:1"}); err == nil {
		t.Error("there was a broker on port 1")
	}
}

func TestSessionsOutliveTheBroker(t *testing.T) {
	bus := startBroker(t)
	w := &world{TB: t, registry: newRegistry()}
	a, b := w.edge("a", Config{NATS: bus.connect("a")}), w.edge("b", Config{NATS: bus.connect("b")})
	ana, rui, two := a.Guest("ana@t.org/1"), b.Guest("rui@t.org/1"), a.Guest("rui@t.org/2")
	ana.Say("rui@t.org/1", "before")
	rui.Want("before", "before")
	a.wantRemote("before", "rui@t.org", "rui@t.org/1")

	bus.Stop()
	eventually(t, "the edges see that it is away", func() bool { return !a.nc.IsConnected() && !b.nc.IsConnected() })
	err := ana.route("rui@t.org/1", `{"id":"1","from":"ana@t.org/1","to":"rui@t.org/1","type":"text/plain","content":"x"}`)
	w.wantReason("a message is refused at once", err, lime.CodeDispatchError)
	w.wantReason("a command, too", ana.command(ping("2")), lime.CodeDispatchError)
	a.WantDropped("both are counted", dropBroker, 2)
	rui.Leave() // which nobody hears of
	eventually(t, "the registry is told all the same", func() bool { return w.registry.Holder("rui@t.org/1") == "" })
	ana.WantAlive("sessions stay")
	two.WantAlive("sessions stay")

	bus.Start()
	eventually(t, "the edges are connected again", func() bool { return a.nc.IsConnected() && b.nc.IsConnected() })
	w.settle()
	ana.Say("rui@t.org/2", "after")
	two.Want("subscriptions are back", "after")
	lia := b.Guest("lia@t.org/1")
	lia.Say("ana@t.org/1", "new")
	ana.Want("new ones, too", "new")
	eventually(t, "what was missed of a view is read", func() bool { return len(a.remote("rui@t.org")) == 0 })
	ana.SayID("3", "rui@t.org/1", "x")
	ana.Want("so that nobody waits for who has left", "3 failed 42")
	ana.SayID("4", "nobody@t.org", "x")
	ana.Want("replies are back", "4 failed 42")
}

func TestAnEdgeThatCannotKeepUpDropsAndCounts(t *testing.T) {
	w := newWorld(t)
	logger, hook := test.NewNullLogger()
	e := w.edge("a", Config{Shards: 1, Backlog: 4, Logger: logger})
	rui := e.Guest("rui@t.org/1")
	ana := w.edge("b", Config{}).Guest("ana@t.org/1")
	w.quiet()

	dropped := func() float64 { return e.count("limegrove_routing_dropped_total", string(dropOverload)) }
	flood := func(n int) {
		s := e.shards[0]
		s.mu.Lock() // the dispatcher takes one and waits
		for range n {
			ana.Say("rui@t.org/1", "x")
		}
		w.flush(ana.e.nc)
		w.flush(e.nc)
		s.mu.Unlock()
		w.settle()
	}
	flood(100)
	fitted := len(rui.Got())
	if fitted < 4 || fitted > 6 {
		t.Errorf("%d were delivered, want those that fitted", fitted)
	}
	eventually(t, "the rest is counted", func() bool { return dropped() == float64(100-fitted) })
	rui.Want("and no more comes", rui.Got()...)
	ana.Say("rui@t.org/1", "later")
	rui.Want("until there is room", "later")

	flood(50)
	fitted += len(rui.Got())
	rui.Leave()
	if n := dropped(); n != float64(150-fitted) {
		t.Errorf("when the hub ends %v are counted, want %d", n, 150-fitted)
	}
	if len(hook.AllEntries()) != 0 {
		t.Errorf("it is counted, not logged: %v", hook.AllEntries())
	}
}
