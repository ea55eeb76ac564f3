package routing

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/subject"
)

// shortCuts is how many there have been.
func (e *testEdge) shortCuts() float64 { return e.count("limegrove_routing_short_cuts_total") }

// goesShort has one session send to an address until the short cut is gone, and returns how many it
// has sent.
func (c *client) goesShort(to string) (n int) {
	c.e.w.Helper()
	before := c.e.shortCuts()
	eventually(c.e.w, "the short cut is gone to "+to, func() bool {
		c.Say(to, strconv.Itoa(n))
		n++
		return c.e.shortCuts() > before
	})
	return n
}

// numbers are what a number of envelopes say, from one on.
func numbers(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

func TestSessionsOfOneEdgeGoTheShortCut(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	w.edge("b", Config{}).Guest("lia@t.org/1")
	ana, rui := e.Guest("ana@t.org/1"), e.Guest("rui@t.org/1")
	n := ana.goesShort("rui@t.org")
	published := e.count("limegrove_routing_published_total")
	ana.Say("rui@t.org/1", strconv.Itoa(n))
	ana.Say("Rui@t.org", strconv.Itoa(n+1))
	rui.Want("each comes once, and in order", numbers(0, n+2)...)
	if got := e.count("limegrove_routing_published_total"); got != published {
		t.Errorf("%v envelopes were published", got-published)
	}
	ana.SayID("7", "rui@t.org/other", "x")
	ana.Want("who is not there is told of as ever", fmt.Sprint("7 failed ", int(lime.CodeRoutingDestinationNotFound)))
	ana.Say("lia@t.org", "elsewhere")
	w.edges[1].settle()
}

func TestSecondSessionOnAnotherEdgeEndsTheShortCut(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, rui := a.Guest("ana@t.org/1"), a.Guest("rui@t.org/1")
	n := ana.goesShort("rui@t.org")
	second := b.Guest("rui@t.org/2")
	eventually(t, "the view is told", func() bool { return len(a.remote("rui@t.org")) == 1 })
	for i := n; i < n+100; i++ {
		ana.Say("rui@t.org", strconv.Itoa(i))
	}
	rui.Want("each once, and none before an earlier one", numbers(0, n+100)...)
	second.Want("each since it is there", numbers(n, n+100)...)
	second.Leave()
	w.quiet()
	eventually(t, "the view is told", func() bool { return len(a.remote("rui@t.org")) == 0 })
	k := ana.goesShort("rui@t.org")
	rui.Want("when it has gone, the way is short again", numbers(0, k)...)
}

func TestSessionThatIsNotRegisteredEndsTheShortCut(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, rui := a.Guest("ana@t.org/1"), a.Guest("rui@t.org/1")
	ana.goesShort("rui@t.org")
	w.registry.SetAway(true)
	second := b.Guest("rui@t.org/2")
	w.settle()
	before := a.shortCuts()
	ana.Say("rui@t.org", "x")
	second.Want("Redis knows nothing of it", "x")
	if a.shortCuts() != before {
		t.Error("the short cut was gone")
	}
	rui.WantAlive("the other")
	w.registry.SetAway(false)
	w.quiet()
}

// What has waited for its domain's gateway to be found is let go by who has found it, beside what the sender's
// connection does.
func TestWhatHasWaitedGoesTheShortCut(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana, gw := e.Guest("ana@t.org/1"), e.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	n := ana.goesShort("lia@partner.example")
	w.forget()
	before := e.shortCuts()
	shard := gw.hub.shard
	shard.mu.Lock() // so that it waits until the sender's connection does something else
	ana.Say("lia@partner.example", strconv.Itoa(n))
	shard.mu.Unlock()
	gw.Want("each comes once, and in order", numbers(0, n+1)...)
	if e.shortCuts() == before {
		t.Error("the short cut was not gone")
	}
}

// Word of a session on another edge may be behind what that session has sent, which is answered.
func TestNobodyIsToldByTheShortCutThatASessionIsNotThere(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, rui := a.Guest("ana@t.org/1"), a.Guest("rui@t.org/1")
	ana.goesShort("rui@t.org")
	second := b.Guest("rui@t.org/2")
	eventually(t, "the view is told", func() bool { return len(a.remote("rui@t.org")) == 1 })
	rui.hub.shard.mu.Lock()
	rui.hub.forgetsOthers() // as before it was
	rui.hub.shard.mu.Unlock()
	ana.mustRoute("rui@t.org/2", `{"id":"1","from":"ana@t.org/1","to":"rui@t.org/2","method":"get","status":"success"}`)
	second.Want("the answer comes, whatever this edge knew", "1 get success")
}

// What was told of the second session was lost, and its edge's answer, too.
func TestShortCutIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, rui := a.Guest("ana@t.org/1"), a.Guest("rui@t.org/1")
	n := ana.goesShort("rui@t.org")
	second := b.Guest("rui@t.org/2")
	eventually(t, "the view is told", func() bool { return len(a.remote("rui@t.org")) == 1 })
	rui.hub.shard.mu.Lock()
	rui.hub.forgetsOthers()
	rui.hub.shard.mu.Unlock()
	before := a.shortCuts()
	ana.Say("rui@t.org", strconv.Itoa(n))
	second.WantNothing("it is not known to be there")
	a.checks.Add(1)
	ana.Say("rui@t.org", strconv.Itoa(n+1))
	if a.shortCuts() != before+2 {
		t.Error("the short cut was not gone on with")
	}
	eventually(t, "its edge answers", func() bool {
		rui.hub.shard.mu.Lock()
		defer rui.hub.shard.mu.Unlock()
		return !rui.hub.known().alone.settled
	})
	ana.Say("rui@t.org", strconv.Itoa(n+2))
	second.Want("it is known by now", strconv.Itoa(n+2))
	rui.Want("each once, and in order", numbers(0, n+3)...)
}

func TestShortCutIsGoneOnlyWhereAllAnswer(t *testing.T) {
	w := newWorld(t)
	var all atomic.Bool
	e := w.edge("a", Config{AllAnswer: all.Load})
	ana, rui := e.Guest("ana@t.org/1"), e.Guest("rui@t.org/1")
	ana.Say("rui@t.org", "a")
	w.settle()
	if rui.hub.known().alone != nil {
		t.Error("who may not answer is asked")
	}
	all.Store(true)
	ana.goesShort("rui@t.org")
	all.Store(false)
	e.lookWhoAnswers()
	before := e.shortCuts()
	ana.Say("rui@t.org", "b")
	w.settle()
	if e.shortCuts() != before {
		t.Error("the short cut is gone all the same")
	}
	rui.WantAlive("all comes")
}

func TestSessionThatRedisDoesNotKnowIsNotAlone(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana := e.Guest("ana@t.org/1")
	w.registry.SetAway(true)
	rui := e.Guest("rui@t.org/1")
	ana.Say("rui@t.org", "a")
	rui.Want("it goes over the broker", "a")
	if rui.hub.known().alone != nil {
		t.Error("others are asked, who would tell nobody of a session that comes next")
	}
	w.registry.SetAway(false)
	w.quiet()
	ana.goesShort("rui@t.org")
}

func TestBrokenConnectionEndsTheShortCut(t *testing.T) {
	b := startBroker(t)
	w := &world{TB: t, connect: nil, registry: newRegistry()}
	nc, err := Connect(ConnectConfig{URL: b.srv.ClientURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	e := w.edge("a", Config{NATS: nc})
	ana := e.Guest("ana@t.org/1")
	e.Guest("rui@t.org/1")
	ana.goesShort("rui@t.org")
	b.Stop()
	eventually(t, "the edge knows", func() bool { return e.doubts.Load() > 0 })
	if err := ana.route("rui@t.org", `{"from":"ana@t.org/1","to":"rui@t.org","type":"text/plain","content":"x"}`); err == nil {
		t.Error("it is not known who else is there, and the envelope went somewhere")
	}
	b.Start()
	eventually(t, "NATS is back", nc.IsConnected)
	ana.goesShort("rui@t.org")
}

// TestShortCutOvertakesNothing has many sessions send to one, while other edges come, are heard of and
// go, by a broker that keeps order and sometimes drops.
func TestShortCutOvertakesNothing(t *testing.T) {
	key, err := subject.MakeKey(lime.MustParseIdentity("rui@t.org"))
	if err != nil {
		t.Fatal(err)
	}
	short := 0
	for seed := range uint64(300) {
		draw := rand.New(rand.NewPCG(seed, 1))
		w := &simulated{draw: draw, hub: &hub{key: key, shard: &shard{}, members: rollOf(&Member{registered: 1})}, now: time.Unix(1e9, 0), last: map[int]int{}, sending: map[int]func(){}}
		w.turn.hubs = &Hubs{cfg: Config{Edge: "inc-a"}}
		for range 2000 {
			w.step()
		}
		if w.wrong != "" {
			t.Fatalf("seed %d: %s", seed, w.wrong)
		}
		short += w.short
	}
	if short < 5_000 {
		t.Errorf("the short cut was gone %d times alone", short)
	}
}

// simulated is an edge with one hub, a broker, and senders whose envelopes are numbered.
type simulated struct {
	draw   *rand.Rand
	hub    *hub
	turn   turn
	now    time.Time
	doubts uint32
	checks uint32

	broker     []func()       // what is on its way to the hub
	sending    map[int]func() // senders that are publishing
	sent       [4]int
	publishing int
	last       map[int]int // number of each sender's that was handed out last
	short      int
	wrong      string
}

func (w *simulated) handOut(sender, n int) {
	if n <= w.last[sender] {
		w.wrong = fmt.Sprintf("%d of %d comes behind %d", n, sender, w.last[sender])
	}
	w.last[sender] = n
}

func (w *simulated) say(data []byte) {
	w.broker = append(w.broker, func() { w.turn.hostTold(w.hub, data) })
}

func (w *simulated) step() {
	w.now = w.now.Add(time.Duration(w.draw.Int64N(int64(50 * time.Millisecond))))
	switch n := w.draw.IntN(2000); {
	case n < 20:
		w.hub.widened().remote = []presence.Registration{{}}
	case n < 60:
		w.hub.forgetsOthers()
	case n < 62:
		w.doubts++
	case n < 64:
		w.checks++
	case n == 64:
		w.say(hostOf("inc-b", 0))
	case n < 75 && len(w.broker) > 0:
		w.broker = w.broker[1:] // dropped
	case n < 200: // all arrives
		for len(w.broker) > 0 {
			w.arrive()
		}
	case n < 1000 && len(w.broker) > 0:
		w.arrive()
	default:
		w.send(w.draw.IntN(len(w.sent)))
	}
}

func (w *simulated) arrive() {
	first := w.broker[0]
	w.broker = w.broker[1:]
	first()
	for i := range w.turn.fates {
		w.turn.fates[i] = fate{}
	}
	w.turn.fates = w.turn.fates[:0]
}

// send has a sender do its next step: to decide, to publish, or to count that it has published.
func (w *simulated) send(sender int) {
	if next := w.sending[sender]; next != nil {
		delete(w.sending, sender)
		next()
		return
	}
	w.sent[sender]++
	n := w.sent[sender]
	is, ask := w.hub.isAlone(w.doubts, w.checks, func() time.Time { return w.now })
	if is && w.publishing == 0 {
		w.short++
		w.handOut(sender, n)
		if ask > 0 {
			w.sending[sender] = func() { w.say(hostOf("inc-a", ask)) }
		}
		return
	}
	publish := func() {
		w.publishing++
		w.broker = append(w.broker, func() {
			w.hub.cameBack()
			w.handOut(sender, n)
		})
		w.sending[sender] = func() {
			if a := w.hub.known().alone; a != nil {
				a.out++ // as sentAway does
			}
			w.publishing--
		}
	}
	w.sending[sender] = publish
	if ask > 0 {
		w.sending[sender] = func() {
			w.say(hostOf("inc-a", ask))
			w.sending[sender] = publish
		}
	}
}

func TestShortCutsAndPublicationsTogether(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	rui := a.Guest("rui@t.org/1")
	const senders, each = 4, 500
	var sending sync.WaitGroup
	for s := range senders {
		c := a.Guest(fmt.Sprintf("ana%d@t.org/1", s))
		sending.Go(func() {
			for i := range each {
				c.Say("rui@t.org/1", fmt.Sprintf("%d %d", s, i))
				if i%50 == 0 {
					w.flush(a.nc) // so that now and then nothing is under way
				}
			}
		})
	}
	for range 10 {
		second := b.Guest("rui@t.org/2")
		second.Leave()
	}
	sending.Wait()
	eventually(t, "all come", func() bool { return len(rui.Got()) == senders*each })
	next := [senders]int{}
	for _, said := range rui.Got() {
		var s, i int
		if _, err := fmt.Sscanf(said, "%d %d", &s, &i); err != nil || i != next[s] {
			t.Fatalf("%q comes instead of %d of %d (%v)", said, next[s], s, err)
		}
		next[s]++
	}
}

// forgetsOthers has a hub know of no session on another edge.
func (h *hub) forgetsOthers() {
	h.widened().remote = nil
	h.narrow()
}
