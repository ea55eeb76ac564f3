package routing

import (
	"fmt"
	"slices"
	"testing"

	"limegrove/lime"
)

func overDomain() lime.Presence {
	return lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteDomain}
}

// wantGateway waits until a domain has a gateway, or has none any more.
func (w *world) wantGateway(domain, identity string) {
	w.Helper()
	eventually(w, fmt.Sprintf("%s is the gateway of %s", identity, domain), func() bool {
		i, _, err := w.edges[0].gateways.authority(w.Context(), domain)
		return err == nil && (i.IsZero() && identity == "" || i.String() == identity)
	})
}

// forget has the edges look gateways up again.
func (w *world) forget() {
	for _, e := range w.edges {
		e.gateways.mu.Lock()
		e.gateways.known = lately[string, gateway]{size: gatewayDomains}
		e.gateways.nobody = e.gateways.known
		e.gateways.mu.Unlock()
	}
}

func TestForeignDomainsHaveAGatewayOrNot(t *testing.T) { // L-MSG-10
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana := a.Guest("ana@t.org/1")
	ana.SayID("1", "rui@partner.example/x", "hello?")
	ana.Want("there is none", "1 failed 43")
	err := ana.route("rui@partner.example", `{"id":"1","from":"ana@t.org/1","to":"rui@partner.example","type":"text/plain","content":"x"}`)
	if r := lime.AsReason(err); r == nil || r.Code != 43 {
		t.Errorf("it is known by now, and %v is told", err)
	}
	w.forget()
	ana.mustRoute("rui@partner.example", `{"id":"2","from":"ana@t.org/1","to":"rui@partner.example","method":"get","uri":"/ping"}`)
	ana.Want("a command is told, too", "2 get failure 43")
	w.forget()
	ana.Say("rui@partner.example", "who has no id is told nothing")
	ana.WantNothing("L-MSG-09")

	gw := b.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	w.forget()
	ana.SayID("3", "Rui@Partner.Example/X", "hello")
	ana.Say("lia@partner.example", "again")
	ana.mustRoute("rui@partner.example", `{"id":"4","from":"ana@t.org/1","to":"rui@partner.example","method":"get","uri":"/ping"}`)
	gw.Want("everything of the domain comes, in order", "hello", "again", "4 get")
	ana.SayID("5", "rui@sub.partner.example", "below")
	ana.Want("not what is below it", "5 failed 43")
	gw.mustRoute("ana@t.org/1", `{"from":"rui@partner.example/x","to":"ana@t.org/1","type":"text/plain","content":"answer"}`)
	ana.Want("its users answer", "answer")

	gw.SetPresence(&available)
	w.wantGateway("partner.example", "")
	w.forget()
	ana.SayID("6", "rui@partner.example", "hello?")
	ana.Want("it does not want to be one any more", "6 failed 43")
}

func TestTheToOfWhatGoesThroughAGatewayStays(t *testing.T) {
	w := newWorld(t)
	a := w.edge("a", Config{})
	ana, gw := a.Guest("ana@t.org/1"), a.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	for _, to := range []string{"Rui@partner.example/X", "rui@PARTNER.example", "gw@partner.example/2"} {
		ana.Say(to, "x")
		eventually(t, to+" comes to the gateway or nobody", func() bool { return len(gw.Got()) == 1 || to == "gw@partner.example/2" })
		w.settle()
		for _, raw := range gw.raw {
			if want := fmt.Sprintf(`{"from":"ana@t.org/1","to":%q,"type":"text/plain","content":"x"}`, to); string(raw) != want {
				t.Errorf("it gets %s, want %s", raw, want)
			}
		}
		gw.mu.Lock()
		gw.got, gw.raw, gw.written = nil, nil, 0
		gw.mu.Unlock()
	}
}

func TestARootAuthorityHasTheDomainsBelow(t *testing.T) {
	w := newWorld(t)
	a, b := w.edge("a", Config{}), w.edge("b", Config{})
	ana := a.Guest("ana@t.org/1")
	root := b.Authority("gw@partner.example/1", lime.RoleRootAuthority, lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteRootDomain})
	w.wantGateway("a.b.partner.example", "gw@partner.example")
	w.wantGateway("partner.example", "gw@partner.example")
	ana.Say("rui@a.b.partner.example", "far below")
	root.Want("it is its", "far below")
	near := a.Authority("gw@b.partner.example/1", lime.RoleRootAuthority, lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteRootDomain})
	w.wantGateway("a.b.partner.example", "gw@b.partner.example")
	w.forget()
	ana.Say("rui@a.b.partner.example", "far below")
	near.Want("it is nearer", "far below")
	root.WantNothing("another is nearer")
	ana.SayID("m", "rui@badpartner.example", "elsewhere")
	ana.Want("it only looks like it", "m failed 43")
	member := b.Authority("gw@other.example/1", lime.RoleMember, overDomain())
	w.quiet()
	ana.SayID("m", "rui@other.example", "anybody?")
	ana.Want("a member has no authority, whatever it says", "m failed 43")
	member.WantNothing("it has no authority")
}

// A stored message for a foreign domain waits for the gateway.
func TestStoredMessagesWaitForTheGateway(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana, lia := a.Login("ana@t.org/1", available), a.Login("lia@t.org/1", available)
	gw := b.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	ana.SayID("m1", "rui@partner.example/x", "one")
	gw.Want("it is handed out", "one")
	ana.Want("the gateway has it", "m1 accepted", "m1 dispatched")
	gw.mustRoute("ana@t.org/1", `{"id":"m1","from":"rui@partner.example/x","to":"ana@t.org/1","event":"received"}`)
	ana.Want("its user says so", "m1 received")

	w.noneLeft(gw)
	gw.Silent(true)
	ana.SayID("m2", "rui@partner.example/x", "two")
	ana.SayID("m2", "zoe@partner.example", "the same id to another")
	gw.Want("it has them, and does not say so", "two", "the same id to another")
	gw.Leave()
	w.quiet()
	ana.SayID("m3", "rui@partner.example/x", "three")
	lia.SayID("m3", "rui@partner.example/x", "from another")
	w.sweep()
	again := a.Authority("gw@partner.example/2", lime.RoleAuthority, overDomain())
	again.WantSorted("they have waited", "from another", "the same id to another", "three", "two")
	w.noneLeft(again)
	if n := w.waitingFor(again); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// Who sends through a gateway hears of its messages through it, and two of its users may
// use the same id.
func TestWhatComesThroughAGatewayIsAnsweredThroughIt(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	gw := b.Authority("gw@partner.example/1", lime.RoleAuthority, overDomain())
	w.wantGateway("partner.example", "gw@partner.example")
	for _, user := range []string{"rui", "zoe"} {
		gw.mustRoute("ana@t.org/1", fmt.Sprintf(`{"id":"same","from":"%[1]s@partner.example/x","to":"ana@t.org/1","type":"text/plain","content":%[1]q}`, user))
	}
	ana.Want("both are there", "rui", "zoe")
	eventually(t, "it hears of both", func() bool { return len(gw.Got()) == 4 })
	if got := gw.Got(); !slices.Contains(got, "same accepted") || !slices.Contains(got, "same dispatched") {
		t.Errorf("the gateway hears %q", got)
	}
	ana.mustRoute("zoe@partner.example/x", `{"id":"same","from":"ana@t.org/1","to":"zoe@partner.example/x","event":"received"}`)
	eventually(t, "and what the client says", func() bool { return slices.Contains(gw.Got(), "same received") })
}

// Gateways share as sessions of an identity do.
func TestSessionsOfAGatewayShare(t *testing.T) {
	w := newStoredWorld(t)
	a, b := w.edge("a"), w.edge("b")
	ana := a.Login("ana@t.org/1", available)
	ana.SetReceipts(0)
	p := overDomain()
	p.RoundRobin = true
	one, two := a.Authority("gw@partner.example/1", lime.RoleAuthority, p), b.Authority("gw@partner.example/2", lime.RoleAuthority, p)
	w.wantGateway("partner.example", "gw@partner.example")
	w.wantSharing(one, two)
	for i := range 40 {
		id := fmt.Sprintf("m%03d", i)
		ana.SayID(id, fmt.Sprintf("user%d@partner.example", i), id)
	}
	w.have("each message is one session's", 40, one, two)
	if len(one.Got()) == 0 || len(two.Got()) == 0 {
		t.Errorf("one has %d, the other %d", len(one.Got()), len(two.Got()))
	}
}
