package routing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
)

var contactsOnly = lime.InboxPolicy{ContactsOnly: true}

// known returns what an edge knows of an address, or of a sender to it.
func (e *testEdge) known(to, sender string) (known, bool) {
	at := subjectOf(lime.MustParseNode(to))
	if sender != "" {
		at += "\n" + sender
	}
	e.recipients.mu.Lock()
	defer e.recipients.mu.Unlock()
	return e.recipients.known.get(at)
}

// forgetRecipients has what an edge knows of recipients end now, as it does in time.
func (e *testEdge) forgetRecipients() {
	r := e.recipients
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, generation := range []map[string]known{r.known.young, r.known.old} {
		for at, k := range generation {
			k.until = time.Now()
			generation[at] = k
		}
	}
	for _, generation := range []map[subject.Key]*allowance{r.allowances.young, r.allowances.old} {
		for _, at := range generation {
			at.until = time.Now()
		}
	}
}

func TestWhoMaySendToWhoTakesMessagesOfContacts(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "lia@t.org", "zed@t.org", "eve@partner.example")
	w.known.restrict("bia@t.org", lime.InboxPolicy{NoGuests: true})
	a := w.edge("a")
	ana, lia, rui := a.Login("ana@t.org/1"), a.Login("Lia@T.org/1"), a.Login("rui@t.org/1", available)
	zed := a.Guest("zed@t.org/1")
	ana.say("m1", "rui@t.org")
	ana.Want("unknown", "m1 failed 35")
	ana.say("m2", "Rui@t.org/1")
	ana.Want("nor to a node", "m2 failed 35")
	lia.say("m1", "rui@t.org")
	lia.Want("a contact, in whatever spelling", "m1 accepted", "m1 dispatched")
	rui.Want("it comes", "x")
	rui.say("m1", "rui@t.org/2")
	rui.Want("oneself", "m1 accepted")
	zed.say("m1", "rui@t.org")
	zed.Want("a guest is nobody's contact, whatever its name", "m1 failed 35")
	zed.say("m2", "bia@t.org")
	zed.Want("no guests", "m2 failed 35")
	ana.say("m3", "bia@t.org")
	ana.Want("but who has an account", "m3 accepted")
	if n := w.known.count("bia@t.org ana@t.org"); n != 0 {
		t.Error("it was asked whether she is a contact of who does not mind")
	}
	a.WantDropped("each is counted", dropForbidden, 4)
	a.WantDropped("and for nothing else", dropNoRecipient, 0)

	// In whose name counts, not whose session it is.
	why := lime.AsReason(lia.route("rui@t.org", `{"id":"m5","from":"ana@t.org","pp":"lia@t.org/1","to":"rui@t.org","type":"text/plain","content":"x"}`))
	if why == nil || why.Code != lime.CodeAuthorizationPermissionRequired {
		t.Errorf("in the name of an unknown one: %v", why)
	}
	ana.mustRoute("rui@t.org", `{"id":"m4","from":"lia@t.org","pp":"ana@t.org/1","to":"rui@t.org","type":"text/plain","content":"x"}`)
	ana.Want("in the name of a contact", "m4 accepted", "m4 dispatched")
	rui.Want("it comes", "x")
}

func TestAuthoritiesAndPolicies(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", lime.InboxPolicy{ContactsOnly: true, NoGuests: true}, "eve@partner.example")
	a := w.edge("a")
	for node, role := range map[string]lime.Role{"gw@t.org/1": lime.RoleAuthority, "root@org/1": lime.RoleRootAuthority} {
		own := a.Authority(node, role, available)
		own.say("m1", "rui@t.org")
		own.Want("over the recipient's domain", "m1 accepted")
		own.mustRoute("rui@t.org", `{"id":"m2","from":"anybody@t.org","to":"rui@t.org","type":"text/plain","content":"x"}`)
		own.Want("as anybody of it", "m2 accepted")
		own.Leave()
	}
	foreign := a.Authority("gw@partner.example/1", lime.RoleAuthority, available)
	foreign.say("m1", "rui@t.org")
	foreign.Want("over another one", "m1 failed 35")
	foreign.mustRoute("rui@t.org", `{"id":"m2","from":"bob@partner.example","to":"rui@t.org","type":"text/plain","content":"x"}`)
	foreign.Want("one of its users, who is unknown", "m2 failed 35")
	foreign.mustRoute("rui@t.org", `{"id":"m3","from":"Eve@Partner.example/x","to":"rui@t.org","type":"text/plain","content":"x"}`)
	foreign.Want("one who is a contact", "m3 accepted")
}

// TestBackendsAndPolicies: one is the server of its own domain, and of no other, whether or not a message is stored.
func TestBackendsAndPolicies(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", contactsOnly)
	a, b := w.edge("a"), w.edge("b")
	own, foreign, rui := a.backend("t.org"), a.backend("example.org"), b.Login("rui@t.org/1", available)
	foreign.say("m1", "rui@t.org")
	foreign.Want("stored", "m1 failed 35")
	foreign.Say("rui@t.org", "of somebody else's server")
	eventually(t, "it is dropped", func() bool { return b.count("limegrove_routing_dropped_total", string(dropForbidden)) == 1 })
	own.say("m1", "rui@t.org")
	rui.Want("stored", "x")
	own.Say("rui@t.org", "of the server")
	rui.Want("and nothing else", "of the server")
}

// What is for those who are behind a gateway is no business of the gateway's own policy, nor
// are notifications and what a group sends.
func TestWhatPoliciesDoNotConcern(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("gw@example.org", lime.InboxPolicy{ContactsOnly: true, NoGuests: true})
	w.known.restrict("rui@t.org", lime.InboxPolicy{ContactsOnly: true, NoGuests: true})
	a, b := w.edge("a"), w.edge("b")
	gw := b.Authority("gw@example.org/1", lime.RoleRootAuthority, lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteRootDomain})
	w.wantGateway("sub.example.org", "gw@example.org")
	ana := a.Login("ana@t.org/1")
	ana.say("m1", "bob@sub.example.org")
	gw.Want("it is for Bob", "x")
	ana.Want("who has not said anything", "m1 accepted", "m1 dispatched")
	ana.Say("bob@sub.example.org", "also without an id")
	gw.Want("it is for Bob", "also without an id")
	ana.say("m2", "gw@example.org")
	ana.Want("the gateway has", "m2 failed 35")

	ana.mustRoute("rui@t.org", `{"id":"r","from":"ana@t.org/1","to":"rui@t.org","event":"received"}`)
	eventually(t, "a notification is stored", func() bool {
		return b.count("limegrove_routing_stored_total")+a.count("limegrove_routing_stored_total") >= 2
	})
	rui := b.Login("rui@t.org/1", available)
	rui.Want("what waits for him", "r received")
	ana.mustRoute("rui@t.org/1", `{"id":"c","from":"ana@t.org/1","to":"rui@t.org/1","method":"get","uri":"/x"}`)
	rui.Want("commands are no messages", "c get")
	w.publish(w.connect(), "rui@t.org", "edge.inc-r.re.1.-1", `{"from":"ops@groups.t.org/ana%40t.org","to":"rui@t.org","type":"text/plain","content":"hi"}`)
	rui.Want("who is in a group has agreed", "hi")
	w.publish(w.connect(), "rui@t.org", "edge.inc-r.re.1.-1", `{"from":"postmaster@t.org/#r","to":"rui@t.org","type":"text/plain","content":"welcome"}`)
	rui.Want("and so does the server not ask", "welcome")
}

// TestASenderIsAskedAboutInOrder: while it is asked whether somebody is a contact, others go
// on, and what the one sends stays in order.
func TestASenderIsAskedAboutInOrder(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org", "lia@t.org")
	w.known.wait = make(chan struct{})
	a := w.edge("a")
	ana, own := a.Login("ana@t.org/1"), a.Login("rui@t.org/home")
	rui := w.edge("b").Login("rui@t.org/1", available)
	var texts, told []string
	for i := range 20 {
		id := fmt.Sprint("m", i)
		ana.SayID(id, "rui@t.org/1", id)
		texts, told = append(texts, id), append(told, id+" accepted", id+" dispatched")
		if i == 10 {
			eventually(t, "it is asked about her", func() bool { return w.known.count("rui@t.org ana@t.org") == 1 })
			a.forgetRecipients() // he is asked about anew meanwhile
		}
	}
	own.SayID("own", "rui@t.org/1", "own")
	ana.SayID("direct", "bia@t.org", "x")
	ana.Want("what is for others does not wait", "direct accepted")
	own.Want("nor does what others send", "own accepted", "own dispatched")
	rui.Want("nor does what others send", "own")
	close(w.known.wait)
	rui.Want("then the rest, in order", texts...)
	ana.WantSorted("and she is told", told...)
	if n := w.known.count("rui@t.org ana@t.org"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	a.recipients.mu.Lock()
	defer a.recipients.mu.Unlock()
	if len(a.recipients.held) != 0 {
		t.Errorf("%v is held", a.recipients.held)
	}
}

// How long it takes until a change counts is how long an answer holds.
func TestChangesOfAPolicyAndOfContactsCount(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", contactsOnly)
	a := w.edge("a")
	ana := a.Login("ana@t.org/1")
	ana.say("m1", "rui@t.org")
	ana.Want("no contact", "m1 failed 35")
	k, ok := a.known("rui@t.org", "ana@t.org")
	if left := time.Until(k.until); !ok || left <= 0 || left > 5*time.Second {
		t.Errorf("that holds for %v", left)
	}
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org")
	ana.say("m2", "rui@t.org")
	ana.Want("which holds for a while", "m2 failed 35")
	a.forgetRecipients()
	ana.say("m3", "rui@t.org")
	ana.Want("a contact now", "m3 accepted")
	k, ok = a.known("rui@t.org", "ana@t.org")
	if left := time.Until(k.until); !ok || left <= 5*time.Second || left > time.Minute {
		t.Errorf("that holds for %v", left)
	}
	w.known.set(func(d *directory) { clear(d.contacts) })
	a.forgetRecipients()
	ana.say("m4", "rui@t.org")
	ana.Want("no contact any more", "m4 failed 35")
	w.known.restrict("rui@t.org", lime.InboxPolicy{})
	k, ok = a.known("rui@t.org", "")
	if left := time.Until(k.until); !ok || left <= 0 || left > time.Minute {
		t.Errorf("his policy holds for %v", left)
	}
	a.forgetRecipients()
	ana.say("m5", "rui@t.org")
	ana.Want("he takes messages of everybody now", "m5 accepted")
}

// showered is a directory that is always asked while somebody gives the account something, and takes it back.
type showered struct {
	*directory
	edge *testEdge
}

func (d *showered) Account(ctx context.Context, i lime.Identity) (lime.InboxPolicy, bool, error) {
	p, found, err := d.directory.Account(ctx, i)
	for _, s := range d.edge.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			d.edge.delegationChanged(b, []byte(`{"owner":"eve@t.org","target":"rui@t.org","version":1}`))
		}
		s.mu.Unlock()
	}
	return p, found, err
}

// Whoever is not to send to somebody cannot keep it from being read who may, by giving that one things.
func TestWhatOthersGiveDoesNotKeepAPolicyFromBeingRead(t *testing.T) {
	w := newWorld(t)
	d := &showered{directory: &directory{}}
	d.restrict("rui@t.org", contactsOnly)
	d.edge = w.idleEdge("a", Config{Directory: d, Logger: testLogger(t)})
	d.edge.run()
	rui := d.edge.Login("rui@t.org/1")
	s := rui.hub.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := rui.hub.known().policy.inForce; p == nil || !p.ContactsOnly {
		t.Errorf("the policy is %v", p)
	}
}

func TestWhenNobodyCanTellMessagesAreStored(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", contactsOnly)
	a := w.world.edge("a", Config{Streams: w.streams, Directory: w.known, StoreTimeout: patience, Logger: testLogger(t)})
	ana := a.Login("ana@t.org/1")
	w.known.set(func(d *directory) { d.err = errors.New("away") })
	ana.say("m1", "rui@t.org")
	ana.Want("nobody can tell what he says", "m1 accepted")
	w.known.set(func(d *directory) { d.err = nil })
	ana.say("m2", "rui@t.org")
	ana.Want("which holds for that once", "m2 failed 35")
	w.known.set(func(d *directory) { d.err = errors.New("away") })
	lia := a.Login("lia@t.org/1")
	lia.say("m1", "rui@t.org")
	lia.Want("nobody can tell whom he knows", "m1 accepted")
	w.registry.SetAway(true)
	w.known.set(func(d *directory) { d.err = nil })
	lia.say("m2", "rui@t.org")
	lia.Want("Redis is not asked for it", "m2 failed 35")
	w.registry.SetAway(false)
}

func TestWhatAPolicySaysOfASender(t *testing.T) {
	contacts, guests, both, size := &lime.InboxPolicy{ContactsOnly: true}, &lime.InboxPolicy{NoGuests: true}, &lime.InboxPolicy{ContactsOnly: true, NoGuests: true}, &lime.InboxPolicy{Size: 1}
	for _, c := range []struct {
		p    *lime.InboxPolicy
		by   subject.Standing
		own  bool
		want admission
		text string
	}{
		{nil, subject.Guest, false, admitted, ""},
		{size, subject.Guest, false, admitted, ""},
		{guests, subject.Member, false, admitted, ""},
		{guests, subject.Guest, false, forbidden, "guests"},
		{guests, subject.Authority, false, admitted, ""},
		{contacts, subject.Member, false, ifContact, ""},
		{contacts, subject.Member, true, admitted, ""},
		{contacts, subject.Authority, false, admitted, ""},
		{contacts, subject.Guest, false, forbidden, "contacts"},
		{contacts, subject.Guest, true, forbidden, "contacts"}, // whoever has the name but not the account
		{both, subject.Guest, false, forbidden, "guests"},
		{both, subject.Member, false, ifContact, ""},
	} {
		got, why := admits(c.p, c.by, c.own)
		if got != c.want || (why != nil) != (got == forbidden) {
			t.Errorf("%+v of %v (own %v): %v, %v, want %v", c.p, c.by, c.own, got, why, c.want)
		}
		if why != nil && (why.Code != lime.CodeAuthorizationPermissionRequired || !strings.Contains(why.Description, c.text)) {
			t.Errorf("%+v of %v is told %v", c.p, c.by, why)
		}
	}
}
