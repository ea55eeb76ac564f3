package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
)

var messageScenarios = []scenario{
	{"messages to full nodes go each way", messagesToNodes},
	{"addresses come back by the letter", addressesByTheLetter},
	{"a message to the server is received there", messagesToTheServer},
	{"messages to bare identities reach all their sessions", messagesToIdentities},
	{"notifications are forwarded to the message's sender", notificationsAreForwarded},
	{"nobody sends as somebody else", nobodySendsAsSomebodyElse},
	{"who cannot be reached is told of with 33 or 42, a foreign domain with 43", unknownDestinations},
	{"a stored message's sender hears of its way", sendersHearOfTheWay},
	{"what is sent to an account that is away waits", accountsThatAreAway},
	{"a message without an id is never answered", withoutIDNoAnswer},
}

// L-MSG-01, L-MSG-05, L-ADR-05, L-ADR-06.
func messagesToNodes(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "Ana", "Home")
	rui := s.guest(t, s.there, "Rui", "Desk")
	other := guest(t, s.there.lib, s.there.at, nameOf(rui)+"/other")

	ana.send(text("1", rui.node, "olá"))
	got := rui.wantText("from the first edge to the second", "olá")
	if got.From != ana.node || got.To != rui.node || got.ID != "1" || got.Type != "text/plain" {
		t.Errorf("it arrived as %s", got)
	}
	rui.send(text("2", strings.ToLower(ana.node), "tudo bem?"))
	got = ana.wantText("and back, spelled in another case", "tudo bem?")
	if got.From != rui.node || got.To != ana.node {
		t.Errorf("it arrived as %s", got)
	}
	other.wantNothingElse("another instance has nothing to do with it")
}

// L-ADR-08, L-ADR-06, L-ADR-01: escapes, capitals and spaces are letters like others.
func addressesByTheLetter(t *testing.T, s stage) {
	ana := guest(t, s.here.lib, s.here.at, s.name("Zoë%40Gw.x_*")+"/Büro #1 ☕")
	rui := guest(t, s.there.lib, s.there.at, s.name("joão%2F")+"/a b>c")
	for i, one := range []struct{ from, to *session }{{ana, rui}, {rui, ana}} {
		one.from.send(text(fmt.Sprint(i), one.to.node, "by the letter"))
		got := one.to.wantText("the message", "by the letter")
		if got.From != one.from.node || got.To != one.to.node {
			t.Errorf("it arrived as %s", got)
		}
		one.to.send(Envelope{ID: got.ID, To: got.From, Event: "received"})
		told := one.from.want("its receipt", func(e Envelope) bool { return e.Event == "received" })
		if told.From != one.to.node || told.To != one.from.node {
			t.Errorf("its receipt arrived as %s", told)
		}
	}
	if !strings.HasPrefix(ana.node, "Zoë%40Gw.x_*-") || !strings.HasSuffix(ana.node, "@"+domain+"/Büro #1 ☕") {
		t.Errorf("the first is %s", ana.node)
	}
}

// L-MSG-13, L-ADR-04.
func messagesToTheServer(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	for i, to := range []string{ana.server, "postmaster@" + domain, "@" + domain} {
		ana.send(text(fmt.Sprint(i), to, "hello?"))
		got := ana.want("it is received", func(e Envelope) bool { return e.ID == fmt.Sprint(i) })
		if got.Event != "received" || got.From != ana.server {
			t.Errorf("a message to %s gets %s", to, got)
		}
	}
	ana.wantNothingElse("one receipt each")
}

// L-MSG-06, L-RES-02.
func messagesToIdentities(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")
	phone := guest(t, s.here.lib, s.here.at, nameOf(rui)+"/phone")
	quiet := guest(t, s.here.lib, s.here.at, nameOf(rui)+"/quiet")
	quiet.setPresence(map[string]any{"status": "available", "routingRule": "instance"})

	ana.send(text("1", rui.identity(), "to all of you"))
	for _, one := range []*session{rui, phone} {
		if got := one.wantText("each session of the identity", "to all of you"); got.To != rui.identity() {
			t.Errorf("it arrived as %s", got)
		}
	}
	rui.send(text("2", ana.identity(), "to all of you, too"))
	ana.wantText("and back", "to all of you, too")

	ana.send(text("3", quiet.node, "psst"))
	quiet.wantText("its own node", "psst")
	quiet.wantNothingElse("who wants no messages to the identity gets none")
}

// L-NOT-05.
func notificationsAreForwarded(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")
	ana.send(text("m-1", rui.node, "read this"))
	message := rui.wantText("the message", "read this")
	for _, event := range []string{"received", "consumed"} {
		rui.send(Envelope{ID: message.ID, To: message.From, Event: event})
		got := ana.want("the notification "+event, func(e Envelope) bool { return e.Event == event })
		if got.ID != "m-1" || got.From != rui.node || got.To != ana.node {
			t.Errorf("it arrived as %s", got)
		}
	}
	rui.send(Envelope{ID: "m-1", To: ana.node, Event: "failed", Reason: &Reason{Code: 101, Description: "cannot read"}})
	ana.wantFailed("a failure of the recipient's", "m-1", 101)
}

// L-MSG-02, L-MSG-04.
func nobodySendsAsSomebodyElse(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")
	eve := s.guest(t, s.here, "eve", "lair")

	spoofed := text("1", rui.node, "I am ana")
	for _, spoofed.From = range []string{ana.node, ana.identity(), eve.identity() + "/elsewhere"} {
		eve.send(spoofed)
		eve.wantFailed("as "+spoofed.From, "1", lime.CodeAuthorizationUnauthorizedSender)
	}
	command := Envelope{Method: methodGet, URI: "/account", From: ana.identity(), PP: eve.node}
	if answer := eve.call(command); !answer.failedFor(lime.CodeAuthorizationUnauthorizedSender) {
		t.Errorf("a command in another's name gets %s", answer)
	}
	own := text("2", rui.node, "I am myself")
	own.From, own.PP = eve.identity(), eve.node
	eve.send(own)
	if got := rui.wantText("in one's own name", "I am myself"); got.From != eve.identity() || got.PP != eve.node {
		t.Errorf("it arrived as %s", got)
	}
	rui.wantNothingElse("nothing spoofed arrived")
}

// L-MSG-08, L-MSG-10, L-CMD-13.
func unknownDestinations(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")
	nobody := s.name("nobody") + "@" + domain
	for to, code := range map[string]lime.Code{
		nobody: lime.CodeAuthorizationDestinationAccountNotFound, nobody + "/nowhere": lime.CodeAuthorizationDestinationAccountNotFound,
		rui.identity() + "/elsewhere": lime.CodeRoutingDestinationNotFound, ana.identity() + "/elsewhere": lime.CodeRoutingDestinationNotFound,
	} {
		ana.send(text(to, to, "hello?"))
		got := ana.wantFailed("a message to "+to, to, code)
		if got.From != ana.server || got.To != ana.node {
			t.Errorf("its sender is told %s", got)
		}
		answer := ana.call(Envelope{Method: methodGet, URI: "/ping", To: to})
		if !answer.failedFor(lime.CodeRoutingDestinationNotFound) {
			t.Errorf("a command to %s gets %s", to, answer)
		}
	}
	ana.send(text("abroad", "zoe@elsewhere.example", "hello?"))
	ana.wantFailed("a foreign domain", "abroad", lime.CodeRoutingGatewayNotFound)
	rui.wantNothingElse("it is not another instance's")
}

// L-MSG-09. What is sent later, to the same place, is answered later.
func withoutIDNoAnswer(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	nobody := s.name("nobody") + "@" + domain
	ana.send(text("", nobody, "hello?"))
	ana.send(text("1", nobody, "hello?"))
	ana.wantFailed("the message with an id", "1", lime.CodeAuthorizationDestinationAccountNotFound)
	ana.wantNothingElse("the message without")
}

// L-NOT-03, L-RES-08, L-RES-09.
func sendersHearOfTheWay(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")
	ana.setReceipts("accepted", "dispatched", "received", "consumed", "failed", "unheard-of")
	ana.send(text("m-1", rui.identity(), "read this"))
	message := rui.wantText("the message", "read this")
	for _, event := range []string{"received", "consumed"} {
		rui.send(Envelope{ID: message.ID, To: message.From, Event: event})
	}
	var events []string
	for range 4 {
		events = append(events, ana.want("a notification", func(e Envelope) bool { return e.ID == "m-1" }).Event)
	}
	if want := []string{"accepted", "dispatched", "received", "consumed"}; !slices.Equal(events, want) {
		t.Errorf("its sender hears %q, want %q", events, want)
	}
	ana.wantNothingElse("each of them once")
}

// L-MSG-07, L-RES-01.
func accountsThatAreAway(t *testing.T, s stage) {
	name := s.newAccount(t, "lia")
	ana := s.guest(t, s.here, "ana", "home")
	ana.setReceipts("accepted", "failed")
	for _, id := range []string{"1", "2", "3"} {
		ana.send(text(id, name+"@"+domain, "letter "+id))
	}
	for range 3 {
		ana.want("it is accepted", func(e Envelope) bool { return e.Event == "accepted" })
	}
	lia := login(t, s.there.lib, s.there.at, name+"/desk", secret(password))
	lia.setPresence(map[string]any{"status": "available"})
	for _, id := range []string{"1", "2", "3"} {
		if got := lia.want("a letter", func(e Envelope) bool { return e.Content != nil }); got.Content != "letter "+id {
			t.Errorf("got %s, want letter %s", got, id)
		}
	}
	lia.wantNothingElse("each of them once")
}
