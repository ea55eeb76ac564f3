package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// withinPromise is how soon all must be right again after an edge has died, or Redis
// was emptied: design, promises P6 and P7.
const withinPromise = 10 * time.Second

// TestKilledEdgeIsForgotten: design, promise P7.
func TestKilledEdgeIsForgotten(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	js := limeJS(t)
	survivor, victim := c.edges[0], c.edges[1]
	home := guest(t, js, survivor, "ana/home")
	work := guest(t, js, victim, "ana/work")
	phone := guest(t, goLibrary, victim, "ana/phone")
	alone := guest(t, goLibrary, victim, "rui/desk")
	home.wantInstances("all see all", patience, "home", "phone", "work")

	victim.kill()
	killed := time.Now()
	home.wantInstances("what the dead edge held is gone", withinPromise, "home")
	t.Logf("the registrations of the dead edge were gone after %s", time.Since(killed).Round(time.Millisecond))

	for _, to := range []string{work.node, phone.node, alone.node} {
		answer := home.call(Envelope{Method: methodGet, URI: "/ping", To: to})
		if !answer.failedFor(lime.CodeRoutingDestinationNotFound) {
			t.Errorf("a command to %s gets %s", to, answer)
		}
	}
	home.send(text("waits", work.node, "when you are back"))
	eventually(t, "a router has cleaned Redis", patience, func() error {
		left, err := c.redis.Client().Keys(t.Context(), "lg:{rui@*").Result() // design, section 7
		if err != nil || len(left) > 0 {
			return fmt.Errorf("there is %q, %w", left, err)
		}
		return nil
	})
	again := guest(t, js, survivor, "ana/work")
	again.wantInstances("its client has come back elsewhere", patience, "home", "work")
	again.wantText("what was sent meanwhile has waited", "when you are back")
	home.send(text("back", again.node, "welcome back"))
	again.wantText("and is reached", "welcome back")
	home.wantNothingElse("but for what was told")
}

// TestEmptiedRedisIsFilledAgain: design, promise P6.
func TestEmptiedRedisIsFilledAgain(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	js := limeJS(t)
	ana := guest(t, js, c.edges[0], "ana/home")
	rui := guest(t, goLibrary, c.edges[1], "rui/desk")
	guest(t, js, c.edges[1], "ana/work").setPresence(map[string]any{"status": "busy"})
	redis := openRegistrations(t, c)
	all := []string{"ana/home", "ana/work busy", "rui/desk"}
	eventually(t, "all are registered", patience, func() error { return redis.hold(t, all) })

	if err := c.redis.Client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	emptied := time.Now()
	talk := talk{ana: ana, rui: rui}
	eventually(t, "Redis is whole again", withinPromise, func() error {
		talk.exchange("meanwhile no message is lost")
		return redis.hold(t, all)
	})
	t.Logf("Redis was whole again after %s; meanwhile %d messages went each way",
		time.Since(emptied).Round(time.Millisecond), talk.exchanged)

	guest(t, js, c.edges[0], "ana/new").wantInstances("who comes now sees all", patience, "home", "new", "work")
	talk.exchange("nor afterwards")
}

// TestRestartedRedisIsFilledAgain: design, section 7. Sessions that come while Redis
// is away are registered later.
func TestRestartedRedisIsFilledAgain(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	js := limeJS(t)
	ana := guest(t, js, c.edges[0], "ana/home")
	redis := openRegistrations(t, c)

	c.redis.Stop()
	rui := guest(t, goLibrary, c.edges[1], "rui/desk")
	talk := talk{ana: ana, rui: rui}
	talk.exchange("without Redis")
	c.redis.Start()
	took := eventually(t, "both are registered", withinPromise, func() error {
		return redis.hold(t, []string{"ana/home", "rui/desk"})
	})
	t.Logf("Redis was whole again %s after it was back", took.Round(time.Millisecond))
	talk.exchange("with Redis")
}

// TestRestartedBrokerLosesNoSession: design, section 7.
func TestRestartedBrokerLosesNoSession(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	js := limeJS(t)
	s := stage{c, place{js, c.edges[0]}, place{goLibrary, c.edges[1]}}
	account := s.newAccount(t, "zoe")
	ana, rui := s.guest(t, s.here, "ana", "home"), s.guest(t, s.there, "rui", "desk")
	talk := talk{ana: ana, rui: rui}
	talk.exchange("before")

	c.nats.kill()
	for _, e := range c.edges {
		eventually(t, e.name+" notices", patience, func() error {
			if status, err := e.status(t.Context()); err != nil || status.NATS == "CONNECTED" {
				return fmt.Errorf("NATS is %s, %w", status.NATS, err)
			}
			return nil
		})
	}
	for _, one := range []*session{ana, rui} {
		one.send(text("lost", one.node, "into the void"))
		one.wantFailed("without NATS a message with an id", "lost", lime.CodeDispatchError)
		if pong := one.get("/ping"); pong.Status != "success" {
			t.Errorf("without NATS the session gets %s for a ping", pong)
		}
	}
	ana.wantNothingElse("without NATS")
	rui.wantNothingElse("without NATS")

	c.nats.start(t)
	back := time.Now()
	talk.resume("with NATS back")
	t.Logf("traffic resumed %s after NATS was back", time.Since(back).Round(time.Millisecond))
	talk.exchange("and goes on")
	eventually(t, "the routers are back, and the accounts", patience, func() error {
		if answer := dial(t, js).login(c.edges[0], account+"/home", secret(password)); answer.State != "established" {
			return fmt.Errorf("login: %s", answer)
		}
		return nil
	})
}

// talk is two sessions that write to each other in turn.
type talk struct {
	ana, rui  *session
	exchanged int // messages, each way
}

// exchange sends one message each way and waits for both.
func (k *talk) exchange(what string) {
	k.ana.t.Helper()
	k.exchanged++
	content := strconv.Itoa(k.exchanged)
	k.ana.send(text(content, k.rui.node, content))
	k.rui.wantText(what, content)
	k.rui.send(text(content, k.ana.node, content))
	k.ana.wantText(what, content)
}

// resume sends messages each way until one arrives. Those before may fail.
func (k *talk) resume(what string) {
	k.ana.t.Helper()
	for from, to := range map[*session]*session{k.ana: k.rui, k.rui: k.ana} {
		tries := 0
		eventually(from.t, what, patience, func() error {
			tries++
			from.send(text("try-"+strconv.Itoa(tries), to.node, "anybody there?"))
			_, arrived, _ := to.find(func(e Envelope) bool { return e.Content == "anybody there?" })
			if !arrived {
				return fmt.Errorf("%d messages have not arrived", tries)
			}
			return nil
		})
	}
}

// registrations is what Redis holds, read past the edges.
type registrations struct{ store *presence.Store }

func openRegistrations(t *testing.T, c *cluster) registrations {
	t.Helper()
	store, err := presence.Open(presence.Config{URL: c.redis.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return registrations{store}
}

// hold returns an error unless Redis holds these nodes of ana's and rui's, each with
// its status if it has one: "ana/home busy".
func (r registrations) hold(t *testing.T, want []string) error {
	t.Helper()
	var got []string
	for _, name := range []string{"ana", "rui"} {
		view, err := r.store.View(t.Context(), lime.Identity{Name: name, Domain: domain})
		if err != nil {
			return err
		}
		for _, one := range view.Registrations {
			got = append(got, strings.TrimSpace(name+"/"+one.Node.Instance+" "+string(one.Presence.Status)))
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("Redis holds %q, not %q", got, want)
	}
	return nil
}
