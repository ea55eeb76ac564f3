package e2e

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"limegrove/internal/jobcontrol"
	"limegrove/lime"
)

// storeTimeout is after how long a sender hears that a message was not stored.
const storeTimeout = 10 * time.Second

// TestLogWithoutLeader: two of three brokers stand still, and the third leads nothing.
func TestLogWithoutLeader(t *testing.T) {
	t.Parallel()
	brokers := startNATSCluster(t)
	// The edge is connected to the one that goes on.
	c := &cluster{broker: brokers[0].url, settings: []string{"-replicas", "3"}}
	c.start(t, 1)
	e := c.edges[0]
	ana, rui := guest(t, goLibrary, e, "ana/home"), guest(t, goLibrary, e, "rui/desk")
	ana.setReceipts("accepted", "failed")
	ana.send(text("before", rui.node, "before"))
	ana.wantEvent("with a leader", "before", "accepted")
	rui.wantText("with a leader", "before")

	for _, one := range brokers[1:] {
		if err := jobcontrol.Stop(one.cmd.Process); err != nil {
			t.Fatal(err)
		}
	}
	ana.send(text("m", rui.node, "meanwhile"))
	sent := time.Now()
	ana.wantFailed("without a leader", "m", lime.CodeDispatchError)
	if took := time.Since(sent); took < storeTimeout-time.Second || took > 2*storeTimeout {
		t.Errorf("its sender heard after %s that it was not stored", took)
	}
	if answer := ana.get("/ping"); answer.Status != "success" {
		t.Errorf("without a leader a command gets %s", answer)
	}
	e.wantTold(t, "without a leader", "the log does not take messages", 1, 2)
	e.wantMetric(t, `limegrove_routing_dropped_total{reason="not_stored"}`, 1)
	e.wantMetric(t, "limegrove_routing_store_retries_total", 1)

	for _, one := range brokers[1:] {
		one.signal(t, syscall.SIGCONT)
	}
	back := time.Now()
	for try := 1; ; try++ {
		ana.send(text("m", rui.node, "meanwhile"))
		answer := ana.want("the same id again", func(e Envelope) bool { return e.ID == "m" && e.Event != "" })
		if answer.Event == "accepted" {
			t.Logf("it was accepted at try %d, %s after the brokers went on", try, time.Since(back).Round(time.Millisecond))
			break
		}
	}
	rui.wantText("the message that was sent again", "meanwhile")
	ana.send(text("last", rui.node, "last"))
	rui.wantText("what is sent then", "last")
	rui.wantNothingElse("the message came once")
}

// TestMessageThatExpires is told to its sender, once, and comes to nobody.
func TestMessageThatExpires(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	const lifetime = 20 * time.Second // no less than -duplicate-window
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-message-lifetime", lifetime.String()}}
	c.start(t, 1)
	s := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[0]}}
	lia := s.newAccount(t, "lia")
	ana := s.guest(t, s.here, "ana", "home")
	ana.setReceipts("accepted", "failed")
	ana.send(text("late", lia+"@"+domain, "too late"))
	ana.wantEvent("it is stored for an account that is away", "late", "accepted")
	sent := time.Now()
	ana.wantWithin("it has expired", lifetime+patience, func(e Envelope) bool { return e.ID == "late" && e.failedFor(lime.CodeRoutingError) })
	t.Logf("its sender heard of it after %s", time.Since(sent).Round(time.Millisecond))
	c.wantRouterMetric(t, `limegrove_sweep_given_back_total{reason="expired"}`, 1)

	desk := s.arrive(t, lia)
	ana.send(text("now", desk.node, "in time"))
	desk.wantText("what is sent to the account when it is there", "in time")
	desk.wantNothingElse("what has expired does not come")
	ana.wantEvent("it is stored", "now", "accepted")
	ana.wantNothingElse("its sender is told once")
}

// TestInboxThatIsFull refuses what comes on top, and keeps what it has.
func TestInboxThatIsFull(t *testing.T) {
	t.Parallel()
	const limit = 5
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-inbox-limit", strconv.Itoa(limit)}}
	c.start(t, 2)
	s := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}
	lia := s.newAccount(t, "lia")
	to := lia + "@" + domain
	ana, rui := s.guest(t, s.here, "ana", "home"), s.guest(t, s.there, "rui", "desk")
	ana.setReceipts("accepted", "failed")
	for i := range limit {
		ana.send(text(strconv.Itoa(i), to, "letter "+strconv.Itoa(i)))
		ana.wantEvent("there is room", strconv.Itoa(i), "accepted")
	}
	c.wantRouterMetric(t, "limegrove_sweep_moved_total", limit)

	// An edge that has looked before believes for a minute what it saw.
	rui.send(text("more", to, "one more"))
	rui.wantFailed("there is no room", "more", lime.CodeAuthorizationQuotaThresholdExceeded)
	c.edges[1].wantMetric(t, `limegrove_routing_dropped_total{reason="inbox_full"}`, 1)

	desk := s.arrive(t, lia)
	for i := range limit {
		want := "letter " + strconv.Itoa(i)
		if got := desk.want("what has waited", func(e Envelope) bool { return e.Content != nil }); got.Content != want {
			t.Errorf("%s came where %s was to come", got, want)
		}
	}
	desk.wantNothingElse("and nothing else")
	ana.wantNothingElse("nothing that was accepted has failed")
	eventually(t, "there is room again", patience, func() error {
		rui.send(text("again", desk.identity(), "room again"))
		if _, arrived, _ := desk.find(func(e Envelope) bool { return e.Content == "room again" }); !arrived {
			return fmt.Errorf("%v", rui.received())
		}
		return nil
	})
}

// TestAllRoutersAway: nobody comes in, and those who are in session notice nothing. The
// sweep catches up.
func TestAllRoutersAway(t *testing.T) {
	t.Parallel()
	const messages = 200
	c := startCluster(t, 2)
	ana, rui := guest(t, goLibrary, c.edges[0], "ana/home"), guest(t, goLibrary, c.edges[1], "rui/desk")
	talk := talk{ana: ana, rui: rui}
	talk.exchange("with a router")

	c.router.kill()
	for range messages / 2 {
		talk.exchange("without a router")
	}
	if code := refused(t, goLibrary, c.edges[0], "eve/lair", "").Code; code != lime.CodeSessionError {
		t.Errorf("without a router a login fails with %d", code)
	}
	talk.exchange("after that")

	c.startRouter(t)
	back := time.Now()
	c.wantRouterMetric(t, "limegrove_sweep_messages_total", messages)
	t.Logf("the sweep had come by all that was stored %s after a router was back", time.Since(back).Round(time.Millisecond))
	eventually(t, "somebody can log in", patience, func() error {
		if answer := dial(t, goLibrary).login(c.edges[0], "eve/lair", ""); answer.State != "established" {
			return fmt.Errorf("login: %s", answer)
		}
		return nil
	})
	if moved := c.routerMetric(t, "limegrove_sweep_moved_total"); moved > 0 {
		t.Errorf("%v messages moved to an inbox, though all were acknowledged", moved)
	}
	talk.exchange("and they talk on")
	ana.wantNothingElse("nothing came twice")
	rui.wantNothingElse("nothing came twice")
}

// arrive logs an account in that messages wait for, and which takes them.
func (s stage) arrive(t *testing.T, name string) *session {
	t.Helper()
	desk := login(t, s.here.lib, s.here.at, name+"/desk", secret(password))
	desk.setPresence(map[string]any{"status": "available"})
	return desk
}

// wantEvent waits until an event is told about a message.
func (s *session) wantEvent(what, id, event string) {
	s.t.Helper()
	s.want(what, func(e Envelope) bool { return e.ID == id && e.Event == event })
}

// wantTold wants a line in the log of a process so many times.
func (p *process) wantTold(t *testing.T, what, line string, least, most int) {
	t.Helper()
	log, _ := p.output.read()
	if n := bytes.Count(log, []byte(line)); n < least || n > most {
		t.Errorf("%s: the log of %s has %q %d times, not %d to %d times", what, p.name, line, n, least, most)
	}
}

// wantMetric waits until a metric has at least so much.
func (e *edge) wantMetric(t *testing.T, name string, least float64) {
	t.Helper()
	wantMetric(t, e.admin, name, least)
}

func (c *cluster) wantRouterMetric(t *testing.T, name string, least float64) {
	t.Helper()
	wantMetric(t, c.routerAdmin, name, least)
}

func (c *cluster) routerMetric(t *testing.T, name string) float64 {
	t.Helper()
	v, err := metric(t.Context(), c.routerAdmin, name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantMetric(t *testing.T, at, name string, least float64) {
	t.Helper()
	eventually(t, name, patience, func() error {
		v, err := metric(t.Context(), at, name)
		if err == nil && v < least {
			err = fmt.Errorf("it is %v, not %v or more", v, least)
		}
		return err
	})
}

// metric reads one metric, written as Prometheus does.
func metric(ctx context.Context, at, name string) (float64, error) {
	text, err := page(ctx, at, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), name+" "); found {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("there is no metric %s", name)
}
