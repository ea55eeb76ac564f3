package routing

import (
	"fmt"
	"slices"
	"testing"

	"limegrove/lime"
)

// The rules over real edges; TestEveryRuleOnOneTwoAndThreeEdges tries all of them.

// ruledWorld has edges a and b in one zone, and c in another.
func ruledWorld(t *testing.T) (w *world, a, b, c *testEdge) {
	w = newWorld(t)
	cfg := Config{Zone: zoneOf}
	return w, w.edge("a", cfg), w.edge("b", cfg), w.edge("c", cfg)
}

func shared() lime.Presence { return lime.Presence{Status: lime.StatusAvailable, RoundRobin: true} }

func TestSessionsInTurnShareWhatIsForTheirIdentity(t *testing.T) { // L-RES-07
	w, a, b, c := ruledWorld(t)
	ana := a.Guest("ana@t.org/1")
	bots := []*client{a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared()), b.Login("bot@t.org/3", shared())}
	watcher := c.Login("bot@t.org/4", available)
	w.quiet()
	const n = 120
	var sent []string
	for i := range n {
		text := "the same again" // without an id, and yet in turn
		if i%2 == 0 {
			text = fmt.Sprint(i)
			ana.SayID(text, "bot@t.org", text)
		} else {
			ana.Say("bot@t.org", text)
		}
		sent = append(sent, text)
	}
	watcher.WantSorted("who does not share gets all", sent...)
	w.settle()
	var all []string
	for _, bot := range bots {
		got := bot.Got()
		if len(got) < n/6 || len(got) > n/2 {
			t.Errorf("%s has %d of %d", bot.node, len(got), n)
		}
		all = append(all, got...)
	}
	slices.Sort(all)
	slices.Sort(sent)
	if !slices.Equal(all, sent) {
		t.Errorf("they have %d together, want each of %d once", len(all), n)
	}
	ana.WantNothing("everything has reached somebody")
}

func TestTheHighestPriorityGetsWhatIsForTheIdentity(t *testing.T) {
	w, a, b, c := ruledWorld(t)
	by := func(priority int) lime.Presence {
		return lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentityByPriority, Priority: priority}
	}
	ana := a.Guest("ana@t.org/1")
	low, one, two := a.Login("bot@t.org/low", by(1)), b.Login("bot@t.org/one", by(5)), c.Login("bot@t.org/two", by(5))
	w.quiet()
	ana.Say("bot@t.org", "to the highest")
	one.Want("those with the same priority get it all", "to the highest")
	two.Want("those with the same priority get it all", "to the highest")
	low.WantNothing("there are higher ones")
	ana.Say("bot@t.org/low", "to one")
	low.Want("its node is its own", "to one")
	one.Leave()
	two.SetPresence(&unavailable)
	w.quiet()
	ana.SayID("m", "bot@t.org", "to who is left")
	low.Want("there is no higher one any more", "to who is left")
	ana.WantNothing("somebody was reached")
}

func TestTheNearestGetsWhatIsForTheIdentity(t *testing.T) { // L-RES-07
	w, a, b, c := ruledWorld(t)
	near := lime.Presence{Status: lime.StatusAvailable, FilterByDistance: true}
	here, beside, far := a.Guest("ana@t.org/1"), b.Guest("rui@t.org/1"), c.Guest("lia@t.org/1")
	one, two, three := a.Login("bot@t.org/1", near), a.Login("bot@t.org/2", near), c.Login("bot@t.org/3", near)
	w.quiet()
	here.Say("bot@t.org", "from the same edge")
	one.Want("it is on the sender's edge", "from the same edge")
	two.Want("and so is this", "from the same edge")
	beside.Say("bot@t.org", "from the same zone")
	one.Want("it is in the sender's zone", "from the same zone")
	two.Want("and so is this", "from the same zone")
	far.Say("bot@t.org", "from another zone")
	three.Want("it is on the sender's edge", "from another zone")
	one.WantNothing("there are nearer ones")
	three.Leave()
	w.quiet()
	far.Say("bot@t.org", "from afar")
	one.Want("nobody is nearer", "from afar")
}

func TestPromiscuousSessionsGetWhatIsForOtherInstances(t *testing.T) { // L-MSG-05
	w, a, b, c := ruledWorld(t)
	ana := c.Guest("ana@t.org/1")
	flag := b.Login("bot@t.org/flag", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance, Promiscuous: true})
	rule := a.Login("bot@t.org/rule", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RoutePromiscuous})
	other := a.Login("bot@t.org/other", available)
	w.quiet()
	ana.SayID("1", "bot@t.org/gone", "to nobody's node")
	flag.Want("any instance is its own", "to nobody's node")
	rule.Want("any instance is its own", "to nobody's node")
	ana.SayID("2", "Bot@t.org/Other", "to another")
	other.Want("it is its own", "to another")
	if got := flag.raw; len(got) != 1 || !slices.Contains([]string{`{"id":"2","from":"ana@t.org/1","to":"Bot@t.org/Other","type":"text/plain","content":"to another"}`}, string(got[0])) {
		t.Errorf("who is not addressed gets %s", got)
	}
	flag.Want("and these get it, too", "to another")
	rule.Want("and these get it, too", "to another")
	ana.Say("bot@t.org", "to the identity")
	rule.Want("the rule includes the identity", "to the identity")
	flag.WantNothing("its rule does not")
	other.Want("it is its own", "to the identity")
	ana.WantNothing("somebody was reached")
}

func TestNobodyIsReachedByRules(t *testing.T) { // L-MSG-08
	w, a, b, c := ruledWorld(t)
	ana := c.Guest("ana@t.org/1")
	a.Login("bot@t.org/1", lime.Presence{Status: lime.StatusUnavailable, RoundRobin: true, Promiscuous: true})
	b.Login("bot@t.org/2", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance, RoundRobin: true})
	w.quiet()
	ana.SayID("m", "bot@t.org", "anybody?")
	ana.Want("it is told once", "m failed 42")
	ana.SayID("m", "bot@t.org/3", "anybody?")
	ana.Want("it is told once", "m failed 42")
}

// A view that was ruled is plain again when the last with a rule has left.
func TestRulesEndWithTheirSession(t *testing.T) {
	w, a, b, _ := ruledWorld(t)
	ana := a.Guest("ana@t.org/1")
	one, two := a.Login("bot@t.org/1", shared()), b.Login("bot@t.org/2", shared())
	two.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	one.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	w.quiet()
	if routes := a.hub("bot@t.org").routes(); routes != nil {
		t.Errorf("there are routes: %v", routes)
	}
	ana.Say("bot@t.org", "to all")
	one.Want("it does not share any more", "to all")
	two.Want("it does not share any more", "to all")
}
