package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	hookAway   = flag.Duration("webhook-away", 5*time.Second, "`time` that the endpoint of the platform is away")
	hookRounds = flag.Int("webhook-rounds", 1, "`times` that it is")
)

// TestPlatformIsTold: what happens to sessions and messages, one of which is on an edge that
// is killed.
func TestPlatformIsTold(t *testing.T) {
	t.Parallel()
	hook, file := startHook(t, "")
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-events", "all", "-webhooks", file}}
	c.start(t, 2)
	s := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}
	zoe := s.newAccount(t, "Zoe") + "@" + domain
	ana, rui := s.guest(t, s.here, "Ana", "home"), s.guest(t, s.there, "rui", "desk")
	ana.setPresence(map[string]any{"status": "busy", "message": "<3"})
	ana.send(text("for-zoe", zoe, "where are you?"))
	sent := time.Now()

	started := hook.want("a session has begun", "session.started", ana.identity())
	if started.Node != ana.node || started.Identity != strings.ToLower(ana.identity()) || started.Domain != domain || started.Data["guest"] != true ||
		time.Since(started.Time).Abs() > patience {
		t.Errorf("told as %+v", started)
	}
	session := started.Data["id"]
	presence := hook.want("with a presence", "presence.changed", ana.identity())
	if shown, ok := presence.Data["presence"].(map[string]any); !ok || shown["status"] != "busy" || shown["message"] != "<3" || presence.Data["session"] != session {
		t.Errorf("told as %+v", presence)
	}

	hook.want("another has begun", "session.started", rui.identity())
	c.edges[1].kill()
	lost := hook.want("and has ended with its edge", "session.ended", rui.identity())
	if lost.Node != rui.node || lost.Data["lost"] != true {
		t.Errorf("told as %+v", lost)
	}

	absent := hook.want("somebody is absent", "message.absent", zoe)
	t.Logf("told after %s", time.Since(sent).Round(time.Millisecond))
	envelope, ok := absent.Data["envelope"].(map[string]any)
	if !ok || envelope["content"] != "where are you?" || envelope["id"] != "for-zoe" || absent.Data["id"] != "for-zoe" || absent.Data["from"] != ana.node ||
		absent.Data["to"] != zoe || absent.Data["type"] != "text/plain" {
		t.Errorf("told as %+v", absent)
	}

	ana.finish()
	ended := hook.want("and the first has ended", "session.ended", ana.identity())
	if ended.Data["id"] != session || ended.Data["lost"] != nil || ended.Node != ana.node {
		t.Errorf("told as %+v", ended)
	}
}

// TestWhatAnEndpointRefusesIsReplayed: in one process, over the HTTP API.
func TestWhatAnEndpointRefusesIsReplayed(t *testing.T) {
	t.Parallel()
	const key = "0123456789abcdef0123456789abcdef"
	hook, file := startHook(t, "")
	hook.findFault("session.started")
	at := address(freePorts(t, 1))
	one := newEdge(t, startProcess(t, "edge", t.TempDir(), edgeProgram,
		"-listen", address(0), "-admin", "", "-gossip", address(0), "-nats", "", "-events", "all", "-webhooks", file, "-api", at, "-api-key", key))
	ana := guest(t, goLibrary, one, "ana/home")
	ana.finish()
	hook.want("what it takes", "session.ended", ana.identity())

	ask := func(method, path string, into any) error {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+at+"/v1/webhooks"+path, http.NoBody)
		if err != nil {
			return err
		}
		request.Close = true
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s %s: %s", method, path, response.Status)
		}
		return json.NewDecoder(response.Body).Decode(into)
	}
	var all struct {
		Webhooks []struct {
			Name, URL           string
			Behind, DeadLetters int
		}
	}
	eventually(t, "the API tells of it", patience, func() error {
		if err := ask("GET", "", &all); err != nil || len(all.Webhooks) != 1 || all.Webhooks[0].DeadLetters == 0 || all.Webhooks[0].Behind != 0 {
			return fmt.Errorf("%+v, %w", all, err)
		}
		return nil
	})
	if w := all.Webhooks[0]; w.Name != "platform" || strings.Contains(w.URL, "?") {
		t.Errorf("told as %+v", w)
	}
	var letters struct {
		DeadLetters []struct {
			Sequence uint64
			Reason   string
			Event    hookEvent
		}
	}
	if err := ask("GET", "/platform/dead-letters", &letters); err != nil || len(letters.DeadLetters) != 1 {
		t.Fatalf("%+v, %v", letters, err)
	}
	if l := letters.DeadLetters[0]; l.Event.Type != "session.started" || l.Event.Node != ana.node || l.Reason != "refused: the endpoint answers 422" {
		t.Errorf("it is %+v", l)
	}
	for _, e := range hook.events() {
		if !strings.HasPrefix(e.Identity, "ana@") {
			t.Errorf("told of somebody else: %+v", e)
		}
	}
	hook.findFault("")
	var replayed struct{ Replayed int }
	if err := ask("POST", "/platform/dead-letters/replay", &replayed); err != nil || replayed.Replayed != 1 {
		t.Errorf("%+v, %v", replayed, err)
	}
	if e := hook.want("and then it takes it", "session.started", ana.identity()); e.ID != letters.DeadLetters[0].Event.ID {
		t.Errorf("it is another: %+v", e)
	}
}

// TestEventsOutliveABroker: what happens while NATS is away is told when it is back, and in
// order.
func TestEventsOutliveABroker(t *testing.T) {
	t.Parallel()
	hook, file := startHook(t, "")
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-events", "session.started,session.ended", "-webhooks", file}}
	c.start(t, 2)
	s := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[1]}}
	ana := s.guest(t, s.here, "ana", "home")
	hook.want("a session has begun", "session.started", ana.identity())

	c.nats.kill()
	for _, e := range c.edges {
		eventually(t, e.name+" notices", patience, func() error {
			if status, err := e.status(t.Context()); err != nil || status.NATS == "CONNECTED" {
				return fmt.Errorf("NATS is %s, %w", status.NATS, err)
			}
			return nil
		})
	}
	ana.finish()
	if all := hook.of("session.ended", ana.identity()); len(all) > 0 {
		t.Errorf("told without NATS: %v", all)
	}
	c.nats.start(t)
	hook.want("and has ended meanwhile", "session.ended", ana.identity())
	eventually(t, "the other edge has a broker as well", patience, func() error { return visit(t, s.there.at, "visitor") })
	again := s.guest(t, s.there, "ana", "home")
	hook.want("others begin", "session.started", again.identity())
}

// TestEndpointThatWasKilledGetsEverything: at least once, and in order for each identity,
// though it was away for a while under load and a router is killed when it is back. What
// messages take meanwhile is told.
func TestEndpointThatWasKilledGetsEverything(t *testing.T) {
	t.Parallel()
	const people = 16
	hook, file := startHook(t, "  batch: 20\n")
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-partitions", "4", "-events", "session.started,session.ended", "-webhooks", file}}
	c.start(t, 2)
	c.addRouter(t)

	talk := startTicker(t, c)
	var stop atomic.Bool
	var comers sync.WaitGroup
	visits := make([]int, people)
	failed := make(chan error, people)
	for i := range people {
		comers.Go(func() {
			for !stop.Load() {
				// At one edge: what two tell of somebody is in no order but that of time.
				if err := visit(t, c.edges[i%2], fmt.Sprintf("visitor%d", i)); err != nil {
					failed <- err
					return
				}
				visits[i]++
				time.Sleep(100 * time.Millisecond) // what visitors do meanwhile
			}
		})
	}
	rest := func(what string, d time.Duration) {
		talk.begin(what)
		select {
		case <-time.After(d):
		case err := <-failed:
			t.Fatal(err)
		}
	}
	hook.want("the first events", "session.started", "visitor0@"+domain)
	for range *hookRounds {
		rest("with the endpoint", *hookAway)
		hook.kill()
		rest("without it", *hookAway)
		before := hook.taken()
		hook.start()
		talk.begin("while it gets what has waited")
		eventually(t, "it gets what has waited", patience, func() error {
			if n := hook.taken(); n == before {
				return fmt.Errorf("still %d", n)
			}
			return nil
		})
	}
	c.router.kill() // which has had all partitions
	rest("with a router less", *hookAway)
	stop.Store(true)
	comers.Wait()
	talk.end()

	total := 0
	for i := range people {
		identity, want := fmt.Sprintf("visitor%d@%s", i, domain), visits[i]
		total += want
		eventually(t, identity+" is told of", patience, func() error {
			if n := len(hook.of("session.ended", identity)); n != want {
				return fmt.Errorf("%d of %d sessions have ended", n, want)
			}
			return nil
		})
	}
	order := map[string]string{} // the session that has begun and not ended, by identity
	begun := map[string]int{}
	for _, e := range hook.events() {
		session, _ := e.Data["id"].(string)
		switch {
		case !strings.HasPrefix(e.Identity, "visitor"):
		case e.Type == "session.started" && order[e.Identity] == "":
			order[e.Identity] = session
			begun[e.Identity]++
		case e.Type == "session.ended" && order[e.Identity] == session:
			order[e.Identity] = ""
		default:
			t.Fatalf("%s of %s comes out of order", e.ID, e.Identity)
		}
	}
	for i := range people {
		if n := begun[fmt.Sprintf("visitor%d@%s", i, domain)]; n != visits[i] {
			t.Errorf("visitor %d has come %d times, and that is told %d times", i, visits[i], n)
		}
	}
	hook.mu.Lock()
	t.Logf("%d sessions; the endpoint was away for %s; it got %d events, of which %d twice, in %d requests",
		total, *hookAway, len(hook.got), len(hook.got)-2*total-talk.events, hook.posts)
	hook.mu.Unlock()
}

// visit is a session of a guest.
func visit(t *testing.T, at *edge, name string) error {
	c := newGoClient(t, nobody{})
	defer c.Drop()
	answer, err := c.Login(at.url, Login{Identity: name + "@" + domain, Instance: "1"})
	if err == nil && answer.State != "established" {
		err = fmt.Errorf("%s logs in: %s", name, answer)
	}
	if err == nil {
		_, err = c.Finish()
	}
	return err
}

// nobody takes nothing of what a client is sent.
type nobody struct{}

func (nobody) take(Envelope) {}
func (nobody) closed()       {}

// ticker sends a message with an id every some milliseconds, and tells how long they took.
type ticker struct {
	t      *testing.T
	stop   func()
	events int // about those who talk

	mu    sync.Mutex
	phase string
	took  map[string][]time.Duration
	order []string
}

func startTicker(t *testing.T, c *cluster) *ticker {
	t.Helper()
	k := &ticker{t: t, took: map[string][]time.Duration{}, events: 2}
	came := make(chan string, 1024)
	rui := newGoClient(t, texts(came))
	ana := newGoClient(t, nobody{})
	for node, client := range map[string]*goClient{"talk-ana": ana, "talk-rui": rui} {
		if answer, err := client.Login(c.edges[len(node)%2].url, Login{Identity: node + "@" + domain, Instance: "1"}); err != nil || answer.State != "established" {
			t.Fatal(answer, err)
		}
	}
	ended := make(chan struct{})
	var done atomic.Bool
	go func() {
		defer close(ended)
		for n := 0; !done.Load(); n++ {
			id, at := strconv.Itoa(n), time.Now()
			if err := ana.Send(text(id, "talk-rui@"+domain+"/1", id)); err != nil {
				t.Error(err)
				return
			}
			select {
			case got := <-came:
				if got != id {
					t.Errorf("message %s comes as %s", id, got)
				}
			case <-time.After(patience):
				t.Errorf("message %s does not come", id)
				return
			}
			k.note(time.Since(at))
			time.Sleep(5 * time.Millisecond) // a rate
		}
	}()
	k.stop = func() {
		done.Store(true)
		<-ended
	}
	t.Cleanup(k.stop)
	return k
}

// texts takes the texts of messages.
type texts chan string

func (c texts) take(e Envelope) {
	if s, ok := e.Content.(string); ok {
		c <- s
	}
}
func (texts) closed() {}

func (k *ticker) note(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.took[k.phase] = append(k.took[k.phase], d)
}

// begin begins a part of what is told at the end.
func (k *ticker) begin(phase string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.phase = phase
	if !slices.Contains(k.order, phase) {
		k.order = append(k.order, phase)
	}
}

func (k *ticker) end() {
	k.t.Helper()
	k.stop()
	for _, phase := range k.order {
		all := slices.Sorted(slices.Values(k.took[phase]))
		if len(all) == 0 {
			continue // it was over before one had come
		}
		at := func(share float64) time.Duration {
			return all[int(share*float64(len(all)-1))].Round(10 * time.Microsecond)
		}
		k.t.Logf("%s: %d messages took p50 %s, p99 %s, at most %s", phase, len(all), at(.5), at(.99), at(1))
	}
}
