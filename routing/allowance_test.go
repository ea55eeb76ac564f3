package routing

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/stream"
	"limegrove/routing/subject"
)

// limited has room for so many messages for an identity.
type limited struct {
	*stream.Streams
	limit int
}

func (l limited) InboxLimit() int { return l.limit }

func (w *storedWorld) limitedEdge(name string, limit int) *testEdge {
	w.Helper()
	return w.world.edge(name, Config{Streams: limited{w.streams, limit}, StoreTimeout: patience})
}

// say sends a message, and adds what is answered at once to what the client was told.
func (c *client) say(id, to string) {
	c.e.w.Helper()
	err := c.route(to, fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"type":"text/plain","content":"x"}`, id, c.node, to))
	if err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, id+" failed "+code(lime.AsReason(err)))
	c.written = len(c.got)
}

func TestTheAddressesOfAnIdentityShareItsRoom(t *testing.T) {
	w := newStoredWorld(t)
	ana := w.limitedEdge("a", 3).Login("ana@t.org/1", available)
	for i, to := range []string{"rui@t.org", "rui@t.org/1", "rui@t.org/2"} {
		ana.say(fmt.Sprint("m", i), to)
		ana.Want("there is room", fmt.Sprintf("m%d accepted", i))
	}
	w.sweep()
	b := w.limitedEdge("b", 3)
	lia := b.Login("lia@t.org/1", available)
	for i, to := range []string{"rui@t.org", "rui@t.org/1", "rui@t.org/3"} {
		lia.say(fmt.Sprint("n", i), to)
	}
	lia.WantSorted("there is none at any", "n0 failed 34", "n1 failed 34", "n2 failed 34")
	b.WantDropped("it is counted", dropInboxFull, 3)
	lia.say("n3", "eve@t.org")
	lia.Want("another identity has its own", "n3 accepted")
}

// The inbox knows of a message when the sweep has come by. Until then an edge knows what
// it has passed itself, and what the log has.
func TestABurstIsRefusedAtTheLimit(t *testing.T) {
	w := newStoredWorld(t)
	const limit = 10
	ana := w.limitedEdge("a", limit).Login("ana@t.org/1", available)
	for i := range limit {
		ana.say(fmt.Sprint("m", i), fmt.Sprint("rui@t.org/", i%3))
		ana.Want("there is room", fmt.Sprintf("m%d accepted", i))
	}
	for i := range limit {
		ana.say(fmt.Sprint("n", i), fmt.Sprint("rui@t.org/", i%5))
		ana.Want("there is none", fmt.Sprintf("n%d failed 34", i))
	}
	for i := range 3 * limit {
		ana.say(fmt.Sprint("o", i), "ivo@t.org")
	}
	eventually(t, "all at once, each is answered", func() bool { return len(ana.Got()) == 3*limit })
	all := strings.Join(ana.Got(), "\n")
	if n := strings.Count(all, "accepted"); n > limit || n < limit/2 || strings.Count(all, "failed 34") != 3*limit-n {
		t.Errorf("of %d at once with room for %d these were accepted:\n%s", 3*limit, limit, all)
	}
}

func TestWhoAcknowledgesIsNeverFull(t *testing.T) {
	w := newStoredWorld(t)
	const limit = 12
	a := w.limitedEdge("a", limit)
	ana, rui := a.Login("ana@t.org/1", available), a.Login("rui@t.org/1", available)
	for round := range 5 {
		var heard []string
		for i := range limit / 3 {
			id := fmt.Sprintf("m%d-%d", round, i)
			ana.SayID(id, "rui@t.org/1", id)
			heard = append(heard, id+" accepted", id+" dispatched")
		}
		ana.WantSorted("all is taken", heard...)
		w.noneLeft(rui)
	}
	a.WantDropped("nothing was refused", dropInboxFull, 0)
}

// counted has this much in its inbox, and in its log what may be in the inbox as well.
type counted struct {
	emptyStreams
	inbox int
	log   map[string][]uint64 // positions by subject
}

func (c counted) InboxLimit() int                                   { return 10 }
func (c counted) Waiting(context.Context, int, string) (int, error) { return c.inbox, nil }
func (c counted) Logged(_ context.Context, _ int, at string, from uint64) (n int, err error) {
	for s, all := range c.log {
		if prefix, wild := strings.CutSuffix(at, "*"); s == at || wild && strings.HasPrefix(s, prefix) {
			for _, position := range all {
				if position >= from {
					n++
				}
			}
		}
	}
	return n, nil
}

func TestNothingCountsTwice(t *testing.T) {
	rui := lime.MustParseNode("rui@t.org/1")
	key, err := subject.MakeKey(rui.Identity)
	if err != nil {
		t.Fatal(err)
	}
	e := newWorld(t).idleEdge("a", Config{Streams: counted{inbox: 2, log: map[string][]uint64{
		key.Log(0, "1"):              {1, 2, 5, 6}, // 1 and 2 are in the inbox, 5 is acknowledged
		key.Log(0, "2"):              {7, 8},       // both are acknowledged
		key.Log(0, subject.Identity): {9},
	}}})
	err = e.w.registry.RaiseFloors(t.Context(), []presence.Floor{
		{Identity: subject.Swept(0), Log: "1", Position: 4},
		{Identity: rui.Identity, Instance: "1", Log: "1", Position: 5},
		{Identity: rui.Identity, Instance: "2", Log: "1", Position: 20},
		{Identity: rui.Identity, Instance: "3", Log: "1", Position: 3},
		{Identity: rui.Identity, Log: "another", Position: 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	q := &question{identity: rui.Identity, key: key}
	used := &allowance{had: 10, left: 4, until: time.Now().Add(time.Hour)}
	used.underWay.Store(1)
	e.recipients.allowances.put(key, used)
	got, _, err := e.recipients.allowanceFor(t.Context(), q, nil)
	// Two are in the inbox, 6 and 9 in the log, and one is under way.
	if err != nil || got != used || got.left != 5 {
		t.Errorf("there is room for %d, want 5: %v", got.left, err)
	}
	if again, _, err := e.recipients.allowanceFor(t.Context(), q, nil); err != nil || again.left != 5 {
		t.Errorf("asked again there is room for %d: %v", again.left, err)
	}

	got.left = 1
	e.w.registry.SetAway(true)
	if away, _, err := e.recipients.allowanceFor(t.Context(), q, nil); err != nil || away.left != 7 {
		t.Errorf("without Redis there is room for %d, want 7: %v", away.left, err)
	}
}

func TestAnInboxIsAsLargeAsItsOwnerSays(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", lime.InboxPolicy{Size: 2})
	w.known.restrict("ivo@t.org", lime.InboxPolicy{Size: 1000})
	limit := func(name string) *testEdge {
		return w.world.edge(name, Config{Streams: limited{w.streams, 4}, Directory: w.known, StoreTimeout: patience})
	}
	a, b := limit("a"), limit("b")
	ana, lia := a.Login("ana@t.org/1"), b.Login("lia@t.org/1")
	ana.say("m1", "rui@t.org")
	ana.Want("there is room", "m1 accepted")
	lia.say("m1", "rui@t.org/1")
	lia.Want("for two", "m1 accepted")
	for _, c := range []*client{ana, lia} {
		c.e.forgetRecipients() // they count again in some seconds
		c.say("m2", "rui@t.org")
		c.Want("whichever edge the others came by", "m2 failed 34")
	}
	b.WantDropped("it is counted", dropInboxFull, 1)
	for i := range 4 {
		ana.say(fmt.Sprint("n", i), "ivo@t.org")
		ana.Want("he says more than the operator", fmt.Sprintf("n%d accepted", i))
	}
	ana.say("n4", "ivo@t.org")
	ana.Want("whose limit it is", "n4 failed 34")

	w.known.restrict("rui@t.org", lime.InboxPolicy{Size: 3})
	a.forgetRecipients()
	ana.say("m3", "rui@t.org")
	ana.Want("one more, as he says now", "m3 accepted")
	ana.say("m4", "rui@t.org")
	ana.Want("and no more", "m4 failed 34")
	w.known.restrict("rui@t.org", lime.InboxPolicy{})
	a.forgetRecipients()
	ana.say("m5", "rui@t.org")
	ana.Want("he says nothing: it is the operator's limit", "m5 accepted")
	ana.say("m6", "rui@t.org")
	ana.Want("which is full now", "m6 failed 34")
	w.known.restrict("rui@t.org", lime.InboxPolicy{Size: 2})
	a.forgetRecipients()
	ana.say("m7", "rui@t.org")
	ana.Want("less than there is", "m7 failed 34")
}
