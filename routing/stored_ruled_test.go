package routing

import (
	"fmt"
	"slices"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
)

// ruledStoredWorld has edges a and b in one zone, and c in another.
func ruledStoredWorld(t *testing.T) (w *storedWorld, a, b, c *testEdge) {
	w = newStoredWorld(t)
	cfg := func() Config {
		return Config{Streams: w.streams, Directory: w.known, StoreTimeout: patience, Zone: zoneOf}
	}
	return w, w.world.edge("a", cfg()), w.world.edge("b", cfg()), w.world.edge("c", cfg())
}

// wantSharing waits until all edges know that these sessions share.
func (w *storedWorld) wantSharing(all ...*client) {
	w.Helper()
	for _, c := range all {
		eventually(w, c.node+" has a share, and all know", func() bool {
			for _, e := range w.edges {
				b := e.hub(c.Node().Identity.String())
				if b == nil {
					continue
				}
				b.shard.mu.Lock()
				ok := slices.ContainsFunc(b.routes(), func(r route) bool { return r.address == c.node && r.since > 0 })
				b.shard.mu.Unlock()
				if !ok {
					return false
				}
			}
			return true
		})
	}
}

// have waits until the sessions have so many messages between them, and returns whose is
// which. Each is to be there once.
func (w *storedWorld) have(why string, n int, all ...*client) map[string]*client {
	w.Helper()
	count := func() (n int) {
		for _, c := range all {
			n += len(c.Got())
		}
		return n
	}
	eventually(w, fmt.Sprintf("%s: %d are there", why, n), func() bool { return count() >= n })
	w.settle()
	if got := count(); got != n {
		w.Errorf("%s: they have %d, want %d", why, got, n)
	}
	whose := map[string]*client{}
	for _, c := range all {
		for _, text := range c.Got() {
			if other := whose[text]; other != nil {
				w.Errorf("%s: both %s and %s have %s", why, other.node, c.node, text)
			}
			whose[text] = c
		}
	}
	return whose
}

// send sends messages with ids from, from+1 …, each of which is its id.
func (c *client) send(to string, from, n int) {
	c.e.w.Helper()
	for i := range n {
		id := fmt.Sprintf("m%03d", from+i)
		c.SayID(id, to, id)
	}
}

func (w *storedWorld) passed(c *client) int {
	c.hub.shard.mu.Lock()
	defer c.hub.shard.mu.Unlock()
	return c.follows[byIdentity].Passed()
}

func TestStoredMessagesAreSharedInTurn(t *testing.T) { // L-RES-07
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	bots := []*client{a.Login("bot@t.org/1", shared()), a.Login("bot@t.org/2", shared()), b.Login("bot@t.org/3", shared())}
	w.wantSharing(bots...)
	const n = 150
	ana.send("bot@t.org", 0, n)
	w.have("each message is one session's", n, bots...)
	for _, bot := range bots {
		if got := len(bot.Got()); got < n/6 {
			t.Errorf("%s has %d of %d", bot.node, got, n)
		}
		if !slices.IsSorted(bot.Got()) {
			t.Errorf("%s has them out of order: %q", bot.node, bot.Got())
		}
	}
	// They tell each other what they have acknowledged, so that the floor follows and the
	// sweep finds nothing to be moved.
	for _, bot := range bots {
		eventually(w, bot.node+" knows that all is acknowledged", func() bool { return w.passed(bot) == 0 && !bot.held() })
	}
	w.wantFloorAt("the floor is above all of it", bots...)
	w.sweep()
	if n := w.waitingFor(bots[0]); n != 0 {
		t.Errorf("%d of them are in the inbox", n)
	}
}

// wantFloorAt waits until the registry has the highest floor of these sessions.
func (w *storedWorld) wantFloorAt(why string, all ...*client) {
	w.Helper()
	highest := uint64(0)
	for _, c := range all {
		w.noneLeft(c)
		highest = max(highest, c.floor())
	}
	eventually(w, why, func() bool { return w.floor(all[0].Node().Identity) >= highest })
}

// waitingFor is how many messages the inbox has for the identity of c.
func (w *storedWorld) waitingFor(c *client) int {
	w.Helper()
	n, err := w.streams.Waiting(w.Context(), c.partition(), c.hub.key.Inbox(c.partition(), subject.Identity))
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// What a session had and has not acknowledged goes to another when it is gone: it has
// left, its edge has died, it is away, it shares no more.
func TestWhatASessionLeavesBehindIsAnothers(t *testing.T) { // L-RES-07
	for name, goes := range map[string]func(w *storedWorld, gone *client){
		"it leaves": func(_ *storedWorld, gone *client) { gone.Leave() },
		"its edge dies": func(w *storedWorld, gone *client) {
			gone.e.stop()
			w.edges = slices.DeleteFunc(w.edges, func(e *testEdge) bool { return e == gone.e })
			for _, e := range w.edges {
				e.DropEdge(presence.EdgeID("inc-" + gone.e.name))
			}
		},
		"it is away": func(_ *storedWorld, gone *client) { gone.SetPresence(&unavailable) },
	} {
		for _, swept := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, swept %v", name, swept), func(t *testing.T) {
				w, a, b, c := ruledStoredWorld(t)
				ana := c.Login("ana@t.org/1", available)
				ana.SetReceipts(0)
				one, two, gone := a.Login("bot@t.org/1", shared()), c.Login("bot@t.org/2", shared()), b.Login("bot@t.org/3", shared())
				gone.Silent(true)
				w.wantSharing(one, two, gone)
				const n = 60
				ana.send("bot@t.org", 0, n)
				whose := w.have("each message is one session's", n, one, two, gone)
				w.noneLeft(one)
				w.noneLeft(two)
				if swept {
					w.sweep()
					if got, want := w.waitingFor(one), len(gone.Got()); got < want {
						t.Errorf("%d wait, want the %d that are not acknowledged", got, want)
					}
				}
				left := len(gone.Got())
				had := len(one.Got()) + len(two.Got())
				goes(w, gone)
				after := w.have("what it leaves is another's", had+left, one, two)
				for id := range whose {
					if after[id] == nil {
						t.Errorf("%s is lost", id)
					}
				}
				ana.send("bot@t.org", n, 20)
				w.have("those that are left share on", n+20, one, two)
				w.noneLeft(one)
				w.noneLeft(two)
				eventually(t, "the inbox has nothing", func() bool { return w.waitingFor(one) == 0 })
			})
		}
	}
}

// What one has acknowledged says nothing of what another was given before it.
func TestAcknowledgingOnesShareSaysNothingOfAnothers(t *testing.T) {
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	one, slow := a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared())
	slow.Silent(true)
	w.wantSharing(one, slow)
	ana.send("bot@t.org", 0, 40)
	w.have("each message is one session's", 40, one, slow)
	w.noneLeft(one)
	w.sweep()
	unacknowledged := len(slow.Got())
	if got := w.waitingFor(one); got < unacknowledged {
		t.Fatalf("%d wait, want at least the %d that are not acknowledged", got, unacknowledged)
	}
	one.Leave()
	slow.Leave()
	w.quiet()
	next := a.Login("bot@t.org/3", available)
	eventually(t, "the next gets them", func() bool { return len(next.Got()) >= unacknowledged })
	for _, id := range slow.Got() {
		if !slices.Contains(next.Got(), id) {
			t.Errorf("%s is lost", id)
		}
	}
}

func TestWhoComesTakesNothingThatAnotherHas(t *testing.T) {
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	first := a.Login("bot@t.org/1", shared())
	first.Silent(true)
	w.wantSharing(first)
	ana.send("bot@t.org", 0, 30)
	w.have("all of it is its", 30, first)
	second := b.Login("bot@t.org/2", shared())
	w.wantSharing(second)
	ana.send("bot@t.org", 30, 40)
	whose := w.have("they share what comes from then on", 70, first, second)
	if n := len(second.Got()); n < 8 {
		t.Errorf("the second has %d of 40", n)
	}
	for id, c := range whose {
		if c == second && id < "m030" {
			t.Errorf("the second has %s, which the first had", id)
		}
	}
	first.Leave()
	w.have("the rest is its, too", 70, second)
}

func TestWhatHasWaitedIsOneSessions(t *testing.T) {
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	ana.send("bot@t.org", 0, 30)
	one, two := a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared())
	w.have("each message is one session's", 30, one, two)
}

func TestStoredMessagesGoToTheHighestPriority(t *testing.T) {
	w, a, b, c := ruledStoredWorld(t)
	by := func(priority int) lime.Presence {
		return lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentityByPriority, Priority: priority}
	}
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	low, high := a.Login("bot@t.org/low", by(1)), b.Login("bot@t.org/high", by(2))
	high.Silent(true)
	w.wantSharing(low, high)
	ana.send("bot@t.org", 0, 10)
	w.have("all of it is the highest's", 10, high)
	low.WantNothing("there is a higher one")
	high.Leave()
	w.have("there is none any more", 10, low)
}

func TestStoredMessagesGoToTheNearest(t *testing.T) { // L-RES-07
	w, a, b, c := ruledStoredWorld(t)
	near := lime.Presence{Status: lime.StatusAvailable, FilterByDistance: true}
	ana, far := b.Login("ana@t.org/1", available), c.Login("lia@t.org/1", available)
	ana.SetReceipts(0)
	far.SetReceipts(0)
	one, two := a.Login("bot@t.org/1", near), c.Login("bot@t.org/2", near)
	w.wantSharing(one, two)
	ana.send("bot@t.org", 0, 5)
	far.send("bot@t.org", 5, 5)
	one.Want("it is in the sender's zone", "m000", "m001", "m002", "m003", "m004")
	two.Want("it is on the sender's edge", "m005", "m006", "m007", "m008", "m009")
}

// A session that has passed as much as it may waits, and goes on when it hears of it.
func TestWhatIsAcknowledgedElsewhereIsRead(t *testing.T) {
	positions := []uint64{1 << 52, 7, 9, 8}
	b := appendAcked(nil, "inc-a", positions)
	edge, got, ok := parseAcked(b)
	if want := []uint64{7, 8, 9, 1 << 52}; !ok || edge != "inc-a" || !slices.Equal(got, want) {
		t.Errorf("%q, %v, %v; want %v", edge, got, ok, want)
	}
	for _, bad := range [][]byte{nil, []byte("inc-a"), []byte("inc-a\n\xff")} {
		if _, _, ok := parseAcked(bad); ok {
			t.Errorf("%q is taken", bad)
		}
	}
	if delivery.MaxPassed < 1<<10 {
		t.Error("a session that shares may pass hardly anything")
	}
}

// What is stored for a node is the node's. Others that want it hear it when it is stored.
func TestPromiscuousSessionsHearWhatIsStoredForANode(t *testing.T) { // L-MSG-05, L-MSG-07
	w, a, b, c := ruledStoredWorld(t)
	ana := c.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	nosy := a.Login("bot@t.org/nosy", lime.Presence{Status: lime.StatusAvailable, Promiscuous: true})
	w.quiet()
	ana.SayID("m", "bot@t.org/home", "to the node")
	nosy.Want("it is there when it is stored", "to the node")
	w.noneLeft(nosy)
	w.sweep()
	nosy.WantNothing("it has had it")
	b.Login("bot@t.org/home", available).Want("it has waited for its node", "to the node")
}
