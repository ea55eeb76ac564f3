package routing

import (
	"fmt"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/routing/subject"
)

var (
	available   = lime.Presence{Status: lime.StatusAvailable}
	unavailable = lime.Presence{Status: lime.StatusUnavailable}
)

// everywhere runs a test with both ends on one edge, and on two.
func everywhere(t *testing.T, test func(t *testing.T, w *world, here, there *testEdge)) {
	t.Run("OneEdge", func(t *testing.T) {
		w := newWorld(t)
		e := w.edge("a", Config{})
		test(t, w, e, e)
	})
	t.Run("TwoEdges", func(t *testing.T) {
		w := newWorld(t)
		test(t, w, w.edge("a", Config{}), w.edge("b", Config{}))
	})
}

func TestAFullNodeReachesOnlyThatInstance(t *testing.T) { // L-MSG-05
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		ana := here.Guest("ana@t.org/1")
		one, two := there.Guest("rui@t.org/1"), here.Guest("rui@t.org/2")
		w.quiet()

		ana.Say("rui@t.org/1", "to one")
		one.Want("the instance that was named gets it", "to one")
		two.WantNothing("another instance does not")
		ana.WantNothing("a message that arrived is not answered")
	})
}

func TestAnIdentityReachesAllWhoseRuleIncludesIt(t *testing.T) { // L-MSG-06, L-RES-02
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		ana := here.Guest("ana@t.org/1")
		one := there.Login("rui@t.org/1", available)
		two := here.Login("rui@t.org/2", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity})
		three := there.Login("rui@t.org/3", lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance})
		four := there.Login("rui@t.org/4", unavailable)
		five := here.Login("rui@t.org/5")
		w.quiet()

		ana.SayID("1", "rui@t.org", "to all")
		one.Want("available without a rule means the identity", "to all")
		two.Want("the rule identity includes it", "to all")
		three.WantNothing("the rule instance does not")
		four.WantNothing("an unavailable session gets nothing")
		five.WantNothing("an account that set no presence is reached at its node only")
		ana.WantNothing("somebody was reached")
	})
}

// reach is whom an address reaches by the rules: a session with an account, and a guest.
type reach struct {
	name           string
	presence       *lime.Presence
	node, identity [2]bool // account, guest
	listed         bool
}

var reaches = []reach{
	{"never set", nil, [2]bool{true, true}, [2]bool{false, true}, true},
	{"empty", &lime.Presence{}, [2]bool{true, true}, [2]bool{false, true}, true},
	{"a message alone", &lime.Presence{Message: "hi"}, [2]bool{true, true}, [2]bool{false, true}, true},
	{"available", &available, [2]bool{true, true}, [2]bool{true, true}, true},
	{"busy", &lime.Presence{Status: lime.StatusBusy}, [2]bool{true, true}, [2]bool{true, true}, true},
	{"away", &lime.Presence{Status: lime.StatusAway}, [2]bool{true, true}, [2]bool{true, true}, true},
	{"invisible", &lime.Presence{Status: lime.StatusInvisible}, [2]bool{true, true}, [2]bool{true, true}, false}, // L-RES-05
	{"unavailable", &unavailable, [2]bool{}, [2]bool{}, false},                                                   // L-RES-03
	{
		"unavailable with the rule identity",
		&lime.Presence{Status: lime.StatusUnavailable, RoutingRule: lime.RouteIdentity},
		[2]bool{},
		[2]bool{},
		false,
	},
	{
		"available with the rule instance",
		&lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteInstance},
		[2]bool{true, true},
		[2]bool{},
		true,
	},
	{
		"the rule instance alone",
		&lime.Presence{RoutingRule: lime.RouteInstance},
		[2]bool{true, true},
		[2]bool{},
		true,
	},
	{
		"the rule identity alone",
		&lime.Presence{RoutingRule: lime.RouteIdentity},
		[2]bool{true, true},
		[2]bool{true, true},
		true,
	},
}

func TestRulesDecideWhoIsReached(t *testing.T) {
	for _, r := range reaches {
		for i, guest := range []bool{false, true} {
			if got := reachedAtNode(r.presence, false); got != r.node[i] {
				t.Errorf("%s, guest %v: reached at its node %v, want %v", r.name, guest, got, r.node[i])
			}
			if got := reachedAtIdentity(r.presence, guest, false); got != r.identity[i] {
				t.Errorf("%s, guest %v: reached at its identity %v, want %v", r.name, guest, got, r.identity[i])
			}
			if !reachedAtNode(r.presence, true) || !reachedAtIdentity(r.presence, guest, true) {
				t.Errorf("%s, guest %v: not reached by its server", r.name, guest)
			}
		}
		if got := listed(r.presence); got != r.listed {
			t.Errorf("%s: listed %v, want %v", r.name, got, r.listed)
		}
	}
}

// TestRulesDecideAcrossEdges has one session of an identity on each of two edges,
// where each edge has to decide, for its own session and by its view of the other,
// who tells the sender that nobody was reached.
func TestRulesDecideAcrossEdges(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.edge("a", Config{}), w.edge("b", Config{}), w.edge("c", Config{})
	ana := c.Guest("ana@t.org/1")
	login := func(e *testEdge, node string, r reach, guest bool) *client {
		s := e.login(node, guest)
		if r.presence != nil {
			p := *r.presence
			s.SetPresence(&p)
		}
		return s
	}
	for i, one := range reaches {
		other := reaches[(i*5+3)%len(reaches)] // another one, or once itself
		for g, guest := range []bool{false, true} {
			rui1, rui2 := login(a, "rui@t.org/1", one, guest), login(b, "rui@t.org/2", other, guest)
			w.quiet()

			ana.SayID("i", "rui@t.org", "identity")
			ana.SayID("1", "rui@t.org/1", "node 1")
			ana.SayID("2", "rui@t.org/2", "node 2")
			ana.SayID("3", "rui@t.org/3", "node 3")

			why := fmt.Sprintf("%s on one edge, %s on another, guests %v", one.name, other.name, guest)
			var told, first, second []string
			take := func(got *[]string, reached bool, text string) {
				if reached {
					*got = append(*got, text)
				}
			}
			take(&first, one.identity[g], "identity")
			take(&first, one.node[g], "node 1")
			take(&second, other.identity[g], "identity")
			take(&second, other.node[g], "node 2")
			take(&told, !one.identity[g] && !other.identity[g], "i failed 42")
			take(&told, !one.node[g], "1 failed 42")
			take(&told, !other.node[g], "2 failed 42")
			take(&told, true, "3 failed 42")
			rui1.Want(why, first...)
			rui2.Want(why, second...)
			ana.WantSorted(why, told...) // two edges tell, in any order
			rui1.Leave()
			rui2.Leave()
			w.quiet()
		}
	}
}

func TestOneSendersEnvelopesStayInOrder(t *testing.T) { // L-MSG-11
	const many = 1000
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		rui := there.Guest("rui@t.org/1")
		senders := []*client{here.Guest("ana@t.org/1"), here.Guest("lia@t.org/1"), there.Guest("ivo@t.org/1")}
		w.quiet()

		for i := range many {
			for _, s := range senders {
				s.Say("rui@t.org/1", fmt.Sprintf("%s %d", s.node, i))
			}
		}
		eventually(t, "all have come", func() bool { return len(rui.Got()) >= many*len(senders) })
		w.settle()
		next := map[string]int{}
		for _, text := range rui.Got() {
			var from string
			var i int
			if _, err := fmt.Sscan(text, &from, &i); err != nil {
				t.Fatal(err)
			}
			if i != next[from] {
				t.Fatalf("%q came when %d was due", text, next[from])
			}
			next[from]++
		}
		for from, n := range next {
			if n != many {
				t.Errorf("%d of %d came from %s", n, many, from)
			}
		}
	})
}

func TestAnAddressIsDeliveredAsItWasAnnounced(t *testing.T) { // L-ADR-05, L-ADR-06
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		ana := here.Guest("ana@t.org/1")
		rui := there.Guest("Rui.Ção@T.org/Home Phone")
		w.quiet()

		for to, want := range map[string]string{
			"rui.ção@t.ORG/home phone": "Rui.Ção@T.org/Home Phone",
			"RUI.ÇÃO@t.org":            "Rui.Ção@T.org",
			"Rui.Ção@T.org/Home Phone": "Rui.Ção@T.org/Home Phone",
		} {
			ana.Say(to, "hello")
			eventually(t, "it arrives", func() bool { return len(rui.Got()) > 0 })
			rui.mu.Lock()
			var h lime.Header
			if _, err := h.Scan(rui.raw[0]); err != nil || string(h.To) != want {
				t.Errorf("sent to %s, delivered to %s (%v), want %s", to, h.To, err, want)
			}
			if string(h.From) != "ana@t.org/1" {
				t.Errorf("delivered from %s", h.From)
			}
			rui.mu.Unlock()
			rui.Want("once", "hello")
		}
	})
}

func TestAnEnvelopeOfTheAnnouncedSpellingIsNotTouched(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana, rui := e.Guest("ana@t.org/1"), e.Guest("rui@t.org/1")
	const odd = `{ "content" : {"a":[1, 2]} ,"x":null, "type":"application/json","to":"rui\u0040t.org/1","from":"ana@t.org/1" }`

	ana.mustRoute("rui@t.org/1", odd)
	eventually(t, "it arrives", func() bool { return len(rui.Got()) == 1 })
	if got := string(rui.raw[0]); got != odd {
		t.Errorf("%s became %s", odd, got)
	}
}

func TestOnlyEchoBringsBackWhatOneHasSent(t *testing.T) { // L-MSG-14
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		plain := here.Login("ana@t.org/1", available)
		echo := there.Login("ana@t.org/2", lime.Presence{Status: lime.StatusAvailable, Echo: true})
		w.quiet()

		plain.SayID("1", "ana@t.org", "from plain")
		echo.Want("another session of the identity gets it", "from plain")
		plain.WantNothing("without echo nothing comes back")

		echo.SayID("2", "ana@t.org", "from echo")
		echo.Want("with echo it does", "from echo")
		plain.Want("another session gets it", "from echo")

		plain.Say("ana@t.org/1", "to myself")
		plain.Want("what is for the own node arrives, echo or not", "to myself")
	})
}

func TestNobodyWhereNoEdgeHasTheIdentity(t *testing.T) { // L-MSG-08, L-MSG-09, L-CMD-13
	w := newWorld(t)
	e := w.edge("a", Config{})
	w.edge("b", Config{})
	ana := e.Guest("ana@t.org/1")

	ana.SayID("1", "rui@t.org/1", "x")
	ana.Want("the broker knows that nobody is there", "1 failed 42")
	ana.SayID("2", "rui@t.org", "x")
	ana.Want("likewise at the identity", "2 failed 42")
	ana.mustRoute("rui@t.org/1", `{"id":"3","from":"ana@t.org/1","to":"rui@t.org/1","method":"get","uri":"/ping"}`)
	ana.Want("a command gets a failure response", "3 get failure 42")
	ana.Say("rui@t.org/1", "x")
	ana.mustRoute("rui@t.org/1", `{"id":"4","from":"ana@t.org/1","to":"rui@t.org/1","event":"received"}`)
	ana.mustRoute("rui@t.org/1", `{"id":"5","from":"ana@t.org/1","to":"rui@t.org/1","method":"get","status":"success"}`)
	ana.mustRoute("rui@t.org/1", `{"id":"6","from":"ana@t.org/1","to":"rui@t.org/1","method":"observe","uri":"/x","type":"text/plain","resource":"x"}`)
	ana.WantNothing("no id, a notification, a response and an observe are not answered")
}

func TestNobodyAtAnInstanceOfAKnownIdentity(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		ana := there.Guest("ana@t.org/1")
		rui := []*client{here.Guest("rui@t.org/1"), there.Guest("rui@t.org/2")}
		w.quiet()

		ana.SayID("1", "rui@t.org/3", "x")
		ana.Want("told once, however many edges have the identity", "1 failed 42")
		ana.mustRoute("rui@t.org/3", `{"id":"2","from":"ana@t.org/1","to":"rui@t.org/3","method":"set","uri":"/x","type":"text/plain","resource":"y"}`)
		ana.Want("a command gets a failure response once", "2 set failure 42")
		ana.Say("rui@t.org/3", "x")
		ana.WantNothing("no id, no answer")
		for _, r := range rui {
			r.WantNothing("another instance is not reached instead") // L-MSG-07
		}
	})
}

func TestAFailureSaysWhoTellsAndWhom(t *testing.T) { // L-CMD-01, L-CMD-02
	w := newWorld(t)
	ana := w.edge("a", Config{}).Guest("Ana@T.org/1")
	ana.SayID("1", "rui@t.org", "x")
	ana.mustRoute("rui@t.org", `{"id":"2","from":"Ana@T.org/1","to":"rui@t.org","method":"get","uri":"/ping"}`)
	eventually(t, "both are told", func() bool { return len(ana.Got()) == 2 })

	for _, raw := range ana.raw {
		var h lime.Header
		if _, err := h.Scan(raw); err != nil {
			t.Fatal(err)
		}
		if string(h.From) != "postmaster@T.org/#a" || string(h.To) != "Ana@T.org/1" || len(h.URI) != 0 {
			t.Errorf("told as %s", raw)
		}
	}
}

func TestAFullRecipientIsToldToTheSender(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		ana, rui := here.Guest("ana@t.org/1"), there.Guest("rui@t.org/1")
		w.quiet()

		rui.Refuse(fmt.Errorf("%w: slow", ErrQueueFull))
		ana.SayID("1", "rui@t.org/1", "x")
		ana.Want("the sender hears of it", "1 failed 51")
		there.WantDropped("and it is counted", dropQueueFull, 1)

		rui.Refuse(fmt.Errorf("the connection is closing"))
		ana.SayID("2", "rui@t.org", "x")
		ana.Want("likewise of a connection that is closing", "2 failed 51")
		there.WantDropped("under its own reason", dropClosed, 1)

		two := there.Guest("rui@t.org/2")
		w.quiet()
		ana.SayID("3", "rui@t.org", "x")
		two.Want("one of two took it", "x")
		ana.WantNothing("that is enough")
	})
}

func TestAFullRecipientIsNotToldWhenAnotherEdgeReachesOne(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana, one, two := a.Guest("ana@t.org/1"), a.Guest("rui@t.org/1"), b.Guest("rui@t.org/2")
	w.quiet()
	one.Refuse(ErrQueueFull)
	ana.SayID("1", "rui@t.org", "x")
	two.Want("one of two took it", "x")
	ana.WantNothing("that is enough, wherever it was")
	a.WantDropped("it is counted all the same", dropQueueFull, 1)
}

func TestWhoHasLeftIsToldNothing(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana := e.Guest("ana@t.org/1")
	sequence := e.replies.add(ana.Member, message("1"), nil)
	ana.Leave()
	w.publishTo(e.nc, string(subject.AppendReply(nil, e.prefix, 0, sequence)), "", "42")
	ana.WantNothing("its session is over")
	e.WantDropped("which is counted", dropClosed, 1)
}

func TestTheServerReachesWhomOthersDoNot(t *testing.T) { // L-RES-03
	everywhere(t, func(t *testing.T, w *world, here, there *testEdge) {
		rui := there.Login("rui@t.org/1", unavailable)
		ana := here.Guest("ana@t.org/1")
		w.quiet()

		ana.SayID("1", "rui@t.org/1", "x")
		ana.Want("an unavailable session is nobody to others", "1 failed 42")
		fromServer := `{"id":"2","from":"postmaster@t.org/#r","to":"rui@t.org/1","method":"get","status":"success"}`
		w.publish(here.nc, "rui@t.org/1", "edge.r.re.1.0", fromServer)
		rui.Want("but not to its server", "2 get success")
		w.publish(here.nc, "rui@t.org", "edge.r.re.1.0", `{"from":"postmaster@t.org","to":"rui@t.org","type":"text/plain","content":"news"}`)
		rui.Want("nor at its identity", "news")
	})
}

func TestWhatIsNoEnvelopeIsCounted(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{MaxHops: 2})
	rui := e.Guest("rui@t.org/1")
	const good = `{"from":"ana@t.org/1","to":"rui@t.org/1","type":"text/plain","content":"x"}`
	w.quiet()

	w.publish(e.nc, "rui@t.org/1", "edge.b.re.0.0", "no JSON")
	w.publish(e.nc, "rui@t.org/1", "edge.b.re.0.0", "")
	w.publish(e.nc, "rui@t.org/1", "edge.b.re.0.0", `{"to":"rui@t.org/1","type":"text/plain","content":"from nobody"}`)
	w.publish(e.nc, "rui@t.org/1", "edge.b.re.0.0", `{"from":"a@b@c","to":"rui@t.org/1","type":"text/plain","content":"x"}`)
	w.publishTo(e.nc, "to.org.t.@.rui."+subject.View, "", "no JSON")
	w.publishTo(e.nc, "edge.inc-a.ctl", "", "no JSON")
	w.publishTo(e.nc, "edge.inc-a.what", "", "{}")
	w.settle()
	e.WantDropped("broken envelopes, views and control messages", dropMalformed, 7)

	w.publish(e.nc, "rui@t.org/1", "_INBOX.x", good)
	w.publish(e.nc, "rui@t.org/1", "", good)
	w.settle()
	e.WantDropped("envelopes of nobody of ours", dropOrigin, 2)

	w.publish(e.nc, "rui@t.org/1", "edge.b.re.3.0", good)
	w.settle()
	e.WantDropped("an envelope that was forwarded too often", dropHopLimit, 1)
	rui.WantNothing("none of these")

	w.publish(e.nc, "rui@t.org/1", "edge.b.re.2.0", good)
	rui.Want("as often as is allowed", "x")
}

func TestRepliesThatNobodyAskedForAreCounted(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana := e.Guest("ana@t.org/1")
	w.publishTo(e.nc, "edge.inc-a.re.0.5", "", "42")
	w.publishTo(e.nc, "edge.inc-a.re.0.0", "", "42")
	w.settle()
	ana.WantNothing("nothing was asked")
	if got := e.count("limegrove_routing_late_replies_total"); got != 2 {
		t.Errorf("%v late replies were counted, want 2", got)
	}
}

func TestAnAddressTooLongIsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	ana := w.edge("a", Config{}).Guest("ana@t.org/1")
	long := "rui@t.org/" + strings.Repeat(".", lime.MaxPart)
	err := ana.route(long, `{"id":"1","from":"ana@t.org/1","to":"`+long+`","type":"text/plain","content":"x"}`)
	if r := lime.AsReason(err); r == nil || r.Code != lime.CodeValidationInvalidRecipients {
		t.Errorf("got %v, want a reason with 26", err)
	}
	ana.SayID("2", "rui@t.org/1", "x")
	ana.Want("the connection to the broker bears it", "2 failed 42")
}

func TestWhoeverMayAttachCanBeReached(t *testing.T) {
	w := newWorld(t)
	var domains []string
	for n := subject.Max - 30; n <= subject.Max; n++ {
		domains = append(domains, strings.Repeat("d", n-500))
	}
	e := w.edge("a", Config{Domains: domains})
	ana := e.Guest("ana@t.org/1")
	refused := 0
	for n := subject.Max - 30; n <= subject.Max; n++ {
		node := "rui@" + strings.Repeat("d", n-500) + "/" + strings.Repeat("i", 500)
		rui, err := e.arrive(node, true)
		if err != nil {
			if r := lime.AsReason(err); r == nil || r.Code != lime.CodeValidationInvalidIdentity {
				t.Fatalf("%d: got %v, want a reason with 25", n, err)
			}
			refused++
			continue
		}
		rui.Activate()
		if err := ana.route(node, `{"from":"ana@t.org/1","to":"`+node+`","type":"text/plain","content":"x"}`); err != nil {
			t.Fatalf("a session whose subject has %d bytes cannot be reached: %v", len(subjectOf(rui.Node())), err)
		}
		rui.Want("the address has a subject", "x")
		rui.Leave()
	}
	if refused == 0 {
		t.Error("none was refused: the test looks at the wrong lengths")
	}
}
