package routing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// policyWorld has edges a and b, of which b is the recipients'.
func policyWorld(t *testing.T) (w *storedWorld, a, b *testEdge) {
	w = newStoredWorld(t)
	return w, w.edge("a"), w.edge("b")
}

func (e *testEdge) inForce(identity string) bool {
	b := e.hub(identity)
	b.shard.mu.Lock()
	defer b.shard.mu.Unlock()
	return b.known().policy.inForce != nil
}

func TestWhatIsNotStoredDoesNotGetAroundAPolicy(t *testing.T) {
	w, a, b := policyWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "lia@t.org", "zed@t.org")
	w.known.restrict("bia@t.org", lime.InboxPolicy{NoGuests: true})
	rui, bia, desk := b.Login("Rui@t.org/1", available), b.Login("bia@t.org/1", available), a.Login("rui@t.org/desk", available)
	ana, lia, zed := a.Login("ana@t.org/1"), a.Login("Lia@t.org/1"), a.Guest("zed@t.org/1")
	w.quiet()
	ana.Say("rui@t.org/1", "unknown")
	ana.Say("rui@t.org", "unknown, to both edges")
	zed.Say("rui@t.org/1", "a guest")
	zed.Say("bia@t.org/1", "a guest")
	lia.Say("rui@t.org", "a contact")
	desk.Say("rui@t.org/1", "oneself")
	ana.Say("bia@t.org", "no guest")
	a.Authority("gw@t.org/1", lime.RoleAuthority, available).Say("rui@t.org/1", "the domain's authority")
	rui.WantSorted("those who may", "a contact", "oneself", "the domain's authority")
	desk.Want("also on the other edge", "a contact")
	bia.Want("she minds guests alone", "no guest")
	ana.WantNothing("nobody is told") // L-MSG-09
	b.WantDropped("they are counted", dropForbidden, 4)
	a.WantDropped("on each edge", dropForbidden, 1)
	ana.mustRoute("rui@t.org/1", `{"id":"n","from":"ana@t.org/1","to":"rui@t.org/1","event":"consumed"}`)
	ana.mustRoute("rui@t.org/1", `{"id":"c","from":"ana@t.org/1","to":"rui@t.org/1","method":"get","uri":"/x"}`)
	rui.Want("what is no message is not minded", "n consumed", "c get")
}

// Without anything that stores, messages with an id come the same way, and their senders are
// told.
func TestARefusedMessageWithAnIDIsToldOf(t *testing.T) {
	w := newWorld(t)
	known := &directory{}
	known.restrict("rui@t.org", contactsOnly, "lia@t.org")
	e := w.edge("a", Config{Directory: known})
	rui, ana, lia := e.Login("rui@t.org/1", available), e.Login("ana@t.org/1"), e.Login("lia@t.org/1")
	ana.SayID("m1", "rui@t.org/1", "x")
	ana.Want("unknown", "m1 failed 35")
	lia.SayID("m1", "rui@t.org/1", "x")
	rui.Want("a contact", "x")
	e.Guest("zed@t.org/1").SayID("m1", "rui@t.org/1", "x")
	rui.WantNothing("a guest")
}

func TestNobodyIsAskedAboutWhoDoesNotMind(t *testing.T) {
	w, a, b := policyWorld(t)
	rui := b.Login("rui@t.org/1", available)
	b.Login("rui@t.org/2", available)
	ana := a.Login("ana@t.org/1")
	for i := range 10 {
		ana.Say("rui@t.org/1", fmt.Sprint(i))
	}
	rui.Want("all", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
	if n := w.known.count("rui@t.org"); n != 1 {
		t.Errorf("his account was read %d times for two sessions", n)
	}
	if n := w.known.count("rui@t.org ana@t.org"); n != 0 {
		t.Errorf("it was asked %d times whether she is a contact", n)
	}
}

func TestWhatWaitsAtTheGateStaysInOrder(t *testing.T) {
	w, a, b := policyWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org", "lia@t.org")
	w.known.wait = make(chan struct{})
	rui := b.Login("rui@t.org/1", available)
	other := b.Login("bia@t.org/1", available)
	ana, eve := a.Login("ana@t.org/1"), a.Login("eve@t.org/1")
	var texts []string
	for i := range 50 {
		texts = append(texts, fmt.Sprint(i))
		ana.Say("rui@t.org/1", texts[i])
		eve.Say("rui@t.org", "eve")
	}
	eve.Say("bia@t.org", "x")
	other.Want("others do not wait", "x")
	rui.WantNothing("it is being asked")
	close(w.known.wait)
	rui.Want("then all of hers come, in order, and none of Eve's", texts...)
	ana.Say("rui@t.org/1", "known")
	rui.Want("it is known now", "known")
	if n := w.known.count("rui@t.org ana@t.org"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	b.WantDropped("Eve's are counted", dropForbidden, 50)
	w.settle()
	if b.gate.size != 0 || len(b.gate.open) != 0 {
		t.Errorf("%d bytes and %d senders wait", b.gate.size, len(b.gate.open))
	}
}

func TestWhatWaitsAtTheGateIsBounded(t *testing.T) {
	w, a, b := policyWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org")
	w.known.wait = make(chan struct{})
	rui, ana := b.Login("rui@t.org/1", available), a.Login("ana@t.org/1")
	for range gateWaiting + 7 {
		ana.Say("rui@t.org/1", "x")
	}
	w.settle()
	b.WantDropped("what does not fit is dropped", dropUndecided, 7)
	close(w.known.wait)
	eventually(t, "the others come", func() bool { return len(rui.Got()) == gateWaiting })
}

func TestNobodyHasTheWholeGate(t *testing.T) {
	w, a, b := policyWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org", "lia@t.org")
	w.known.wait = make(chan struct{})
	rui, ana, lia := b.Login("rui@t.org/1", available), a.Login("ana@t.org/1"), a.Login("lia@t.org/1")
	large := strings.Repeat("x", gateShare/8)
	for range 9 {
		ana.Say("rui@t.org/1", large)
	}
	lia.Say("rui@t.org/1", large)
	w.settle()
	b.WantDropped("what does not fit is dropped", dropUndecided, 2)
	close(w.known.wait)
	eventually(t, "the others come", func() bool { return len(rui.Got()) == 8 })
	eventually(t, "nothing waits", func() bool {
		b.gate.mu.Lock()
		defer b.gate.mu.Unlock()
		return b.gate.size == 0
	})
}

// Edges learn of a change when a router tells it, and ask anew when they know what they
// were told of contacts no more.
func TestAPolicyThatChangesMeanwhile(t *testing.T) {
	w, a, b := policyWorld(t)
	rui, ana := b.Login("rui@t.org/1", available), a.Login("ana@t.org/1")
	ana.Say("rui@t.org/1", "one")
	rui.Want("he does not mind", "one")
	change := func(p lime.InboxPolicy, contacts ...string) {
		t.Helper()
		w.known.restrict("rui@t.org", p, contacts...)
		if err := TellPolicy(a.nc, lime.MustParseIdentity("Rui@t.org")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the edge knows", func() bool { return b.inForce("rui@t.org") == p.Restricts() })
	}
	change(contactsOnly)
	ana.Say("rui@t.org/1", "two")
	b.WantDropped("now he does", dropForbidden, 1)
	rui.WantNothing("now he does")
	for _, k := range b.gate.known.young {
		if left := time.Until(k.until); k.contact || left > 5*time.Second {
			t.Errorf("%+v holds for %v", k, left)
		}
	}
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org")
	b.gate.known = lately[callerKey, callerKnown]{size: gateKept} // as in time
	ana.Say("rui@t.org/1", "three")
	rui.Want("she is a contact", "three")
	for _, k := range b.gate.known.young {
		if left := time.Until(k.until); !k.contact || left > time.Minute {
			t.Errorf("%+v holds for %v", k, left)
		}
	}
	change(lime.InboxPolicy{Size: 3})
	a.Login("lia@t.org/1").Say("rui@t.org/1", "four")
	rui.Want("he does not mind any more", "four")
}

// What has waited was sent before what nobody minds any more.
func TestNothingOvertakesWhatWaitsAtTheGate(t *testing.T) {
	w, a, b := policyWorld(t)
	w.known.restrict("rui@t.org", contactsOnly, "ana@t.org")
	w.known.wait = make(chan struct{})
	rui, ana, eve := b.Login("rui@t.org/1", available), a.Login("ana@t.org/1"), a.Login("eve@t.org/1")
	ana.Say("rui@t.org/1", "ana 1")
	eve.Say("rui@t.org/1", "eve 1")
	w.settle()
	w.known.restrict("rui@t.org", lime.InboxPolicy{})
	if err := TellPolicy(a.nc, lime.MustParseIdentity("rui@t.org")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the edge knows", func() bool { return !b.inForce("rui@t.org") })
	a.Login("lia@t.org/1").Say("rui@t.org/1", "lia")
	rui.Want("who was not asked about does not wait", "lia")
	ana.Say("rui@t.org/1", "ana 2")
	eve.Say("rui@t.org/1", "eve 2")
	w.settle()
	close(w.known.wait)
	eventually(t, "all come", func() bool { return len(rui.Got()) == 4 })
	got := rui.Got()
	if slices.Index(got, "ana 1") > slices.Index(got, "ana 2") || slices.Index(got, "eve 1") > slices.Index(got, "eve 2") {
		t.Errorf("they come as %q", got)
	}
	rui.WantSorted("all", "ana 1", "ana 2", "eve 1", "eve 2")
	ana.Say("rui@t.org/1", "ana 3")
	rui.Want("nothing waits any more", "ana 3")
	h := b.hub("rui@t.org")
	h.shard.mu.Lock()
	defer h.shard.mu.Unlock()
	if h.known().policy.asking != 0 {
		t.Errorf("%d senders are asked about", h.known().policy.asking)
	}
}

func TestAPolicyThatCannotBeReadIsReadLater(t *testing.T) {
	w := newStoredWorld(t)
	w.known.restrict("rui@t.org", contactsOnly)
	w.known.err = errors.New("away")
	b := w.world.edge("b", Config{Streams: w.streams, Directory: w.known, Logger: testLogger(t)})
	rui, ana := b.Login("rui@t.org/1", available), b.Login("ana@t.org/1")
	ana.Say("rui@t.org/1", "one")
	rui.Want("nobody can tell", "one")
	w.known.set(func(d *directory) { d.err = nil })
	eventually(t, "it is read", func() bool { return b.inForce("rui@t.org") })
	ana.Say("rui@t.org/1", "two")
	eventually(t, "now it is known", func() bool {
		return b.count("limegrove_routing_dropped_total", string(dropForbidden)) == 1
	})
	w.known.set(func(d *directory) { d.err = errors.New("away") })
	b.gate.known = lately[callerKey, callerKnown]{size: gateKept}
	ana.Say("rui@t.org/1", "three")
	rui.Want("nobody can tell whom he knows", "three")
	if len(b.gate.known.young) != 0 {
		t.Error("that is remembered")
	}
}

// What was told while the broker was away is lost.
func TestAPolicyIsReadAgainWhenTheBrokerIsBack(t *testing.T) {
	w, _, b := policyWorld(t)
	b.Login("rui@t.org/1", available)
	w.known.restrict("rui@t.org", contactsOnly)
	if err := b.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is read again", func() bool { return b.inForce("rui@t.org") })
}

// A guest who makes an account in the session goes on, and what the account says counts.
func TestAPolicyIsThatOfAGuestWhoHasMadeAnAccount(t *testing.T) {
	w, a, b := policyWorld(t)
	rui, ana := b.Guest("rui@t.org/1"), a.Login("ana@t.org/1")
	w.known.restrict("rui@t.org", contactsOnly)
	if err := TellPolicy(a.nc, lime.MustParseIdentity("rui@t.org")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is read", func() bool { return b.inForce("rui@t.org") })
	ana.Say("rui@t.org/1", "unknown")
	rui.WantNothing("she is no contact")
	eventually(t, "it is asked whether she is one, and counted", func() bool {
		return b.count("limegrove_routing_dropped_total", string(dropForbidden)) == 1
	})
}
