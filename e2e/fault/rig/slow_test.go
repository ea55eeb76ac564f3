package rig

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/e2e/programs"
)

func TestSlowWayTakesLongerUntilItIsHealed(t *testing.T) {
	r := startRig(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	// Each way is a question that is answered: to brokers over a connection that is there
	// before and after, to Redis over new ones.
	ways := map[string]func() error{
		"redis":          func() error { return programs.RedisDo(ctx, r.detour.redis.Listen, "PING") },
		"redis, as ever": func() error { return programs.RedisDo(ctx, r.redisAddress(), "PING") },
	}
	connect := func(name, url string) {
		nc, err := nats.Connect(url, nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		if others := nc.DiscoveredServers(); len(others) > 0 {
			t.Errorf("%s tells of %q, by which a client goes round the proxy", name, others)
		}
		ways[name] = func() error { _, err := nc.RTT(); return err }
	}
	for i, h := range r.detour.brokers {
		connect(h.Name, "nats://"+h.Listen)
		connect(h.Name+", as ever", "nats://"+at(r.Brokers[i], portNATS))
	}
	takes := func(way func() error) time.Duration {
		begin := time.Now()
		if err := way(); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	delay := Delay{Latency: 250 * time.Millisecond, Jitter: 50 * time.Millisecond}
	least := 2 * (delay.Latency - delay.Jitter)
	for _, slow := range []bool{false, true, false} {
		if slow {
			if err := r.Slow(delay); err != nil {
				t.Fatal(err)
			}
		}
		for name, way := range ways {
			if slow && !strings.Contains(name, "as ever") {
				if took := takes(way); took < least {
					t.Errorf("%s has answered in %s; want %s at least", name, took, least)
				}
				continue
			}
			took := takes(way)
			for took >= least && ctx.Err() == nil { // the machine may be busy
				took = takes(way)
			}
			if took >= least {
				t.Errorf("%s, not slow, has answered in %s", name, took)
			}
		}
		if slow {
			if err := r.Slow(Delay{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCutOfSlowEdgeIsOneOfItsProxy(t *testing.T) {
	r := startRig(t, Config{})
	if !r.Partitions() {
		return // that nothing can be cut is another test's
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// ask returns what Redis answers, or how the proxy ends the connection: before the edge
	// would, who gives a connection five seconds.
	ask := func() (string, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", r.detour.redis.Listen)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(conn, "PING\r\n")
		answer := make([]byte, 64)
		n := 0
		if err == nil {
			n, err = conn.Read(answer)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the proxy goes on asking for a connection")
		}
		return string(answer[:n]), err
	}
	const want = "+PONG\r\n"
	if answer, err := ask(); answer != want {
		t.Fatalf("without a cut: %q, %v", answer, err)
	}
	cut := Cut{From: SlowEdge, To: "redis", Mode: Both}
	if err := r.Cut(cut); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(); err == nil {
		t.Errorf("%s leaves the way through the proxy: %q", cut, answer)
	}
	if err := r.Heal(cut); err != nil {
		t.Fatal(err)
	}
	if answer, err := ask(); answer != want {
		t.Errorf("%s is healed, and: %q, %v", cut, answer, err)
	}
}

func TestProxyThatEndsByItselfIsAnErrorOfTheRig(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var mu sync.Mutex
	var exits []string
	r, err := Start(ctx, Config{
		Programs: paths, Window: time.Minute, Dir: t.TempDir(), Print: t.Output(), Loopback: true,
		Exited: unasked(func(process, status string) {
			mu.Lock()
			defer mu.Unlock()
			exits = append(exits, process+" "+status)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	closed := sync.OnceValue(r.Close)
	defer func() { _ = closed() }() // it has been looked at, unless the test has failed before

	p := r.detour.process
	p.mu.Lock()
	ended := p.life.ended
	p.mu.Unlock()
	p.signal(9)
	<-ended
	for _, edge := range r.Edges {
		if edge.Name != SlowEdge {
			if err := edge.ready(t.Context()); err != nil {
				t.Errorf("%s leans on a proxy that is not its own: %v", edge.Name, err)
			}
			continue
		}
		for edge.ready(t.Context()) == nil { // it has not noticed yet
			if ctx.Err() != nil {
				t.Fatalf("%s has brokers without its proxy", edge.Name)
			}
		}
	}
	if err := r.Slow(Delay{Latency: time.Millisecond}); err == nil {
		t.Error("an edge was made slow without a proxy")
	}
	const want = "edge-3-proxy"
	if err := closed(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the rig has ended with %v; want an error of %s", err, want)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(exits) != 1 || exits[0] != want+" signal: killed" {
		t.Errorf("the exits are %q", exits)
	}
}
