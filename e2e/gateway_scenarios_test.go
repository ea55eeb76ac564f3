package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/lime/client"
)

// L-MSG-10, L-NOT-01: a message and its receipts, in both directions.
func writesAbroad(t *testing.T, s abroad) {
	partner := s.partner()
	gw := s.gateway(t, s.there.at, "gateway@"+partner+"/1", "domain")
	ana := s.account(t, "ana")
	zoe := "Zoe@" + strings.ToUpper(partner[:1]) + partner[1:] + "/Desk"
	ana.wantGateway(gw, zoe)

	ana.send(text("m1", zoe, "hello"))
	got := gw.wantText("a message", "hello")
	if got.From != ana.node || got.To != zoe || got.PP != "" {
		t.Errorf("it comes as %s", got)
	}
	for _, event := range []string{"received", "consumed"} {
		gw.send(Envelope{ID: "m1", From: zoe, To: got.From, Event: event})
	}
	if last := ana.wantEvents("her message", "m1", "accepted", "dispatched", "received", "consumed"); last.From != zoe {
		t.Errorf("it is consumed by %s", last)
	}
	ana.send(text("", "lia@"+partner, "without an id"))
	if got := gw.wantText("it comes, too", "without an id"); got.To != "lia@"+partner || got.ID != "" {
		t.Errorf("it comes as %s", got)
	}

	for _, to := range []string{ana.node, ana.identity()} {
		id := "to " + to
		gw.send(Envelope{ID: id, From: zoe, To: to, Type: "text/plain", Content: id})
		if got := ana.wantText("the answer", id); got.From != zoe || got.To != to || got.PP != "" {
			t.Errorf("it comes as %s", got)
		}
		ana.send(Envelope{ID: id, To: zoe, Event: "received"})
		ana.send(Envelope{ID: id, To: zoe, Event: "consumed"})
		if last := gw.wantEvents("its message", id, "accepted", "dispatched", "received", "consumed"); last.To != zoe {
			t.Errorf("it is told %s", last)
		}
	}
	gw.send(Envelope{ID: "nobody", From: zoe, To: s.name("nobody") + "@" + domain, Type: "text/plain", Content: "?"})
	if failed := gw.wantFailed("to nobody", "nobody", lime.CodeAuthorizationDestinationAccountNotFound); failed.To != gw.node || failed.From != gw.server {
		t.Errorf("it is told %s", failed)
	}
	ana.wantNothingElse("each once")
	gw.wantNothingElse("each once")
}

// L-CMD-01: commands in both directions, and of one abroad to the server.
func asksAbroad(t *testing.T, s abroad) {
	partner := s.partner()
	gw := s.gateway(t, s.there.at, "gateway@"+partner+"/1", "domain")
	ana := s.account(t, "ana")
	zoe := "zoe@" + partner + "/desk"
	ana.wantGateway(gw, zoe)

	for _, status := range []string{"success", "failure"} {
		ana.send(Envelope{ID: status, To: zoe, Method: methodGet, URI: "/greeting"})
		got := gw.want("a request", func(e Envelope) bool { return e.Method == methodGet && e.Status == "" })
		if got.From != ana.node || got.To != zoe || got.URI != "/greeting" {
			t.Errorf("it comes as %s", got)
		}
		answer := Envelope{ID: got.ID, From: zoe, To: got.From, Method: got.Method, Status: status}
		if status == "failure" {
			answer.Reason = &Reason{Code: lime.CodeCommandResourceNotFound}
		} else {
			answer.Type, answer.Resource = "text/plain", "hello"
		}
		gw.send(answer)
		back := ana.want("the response", func(e Envelope) bool { return e.ID == status && e.Status == status })
		if back.From != zoe || back.To != ana.node || back.Resource != answer.Resource {
			t.Errorf("it comes as %s", back)
		}
	}

	gw.send(Envelope{ID: "q", From: zoe, To: ana.node, Method: methodGet, URI: "/mood"})
	got := ana.want("a request", func(e Envelope) bool { return e.URI == "/mood" })
	if got.From != zoe || got.PP != gw.node { // an authority is told by its pp
		t.Errorf("it comes as %s", got)
	}
	ana.send(Envelope{ID: "q", To: got.From, Method: methodGet, Status: "success", Type: "text/plain", Resource: "fine"})
	back := gw.want("the response", func(e Envelope) bool { return e.ID == "q" })
	if back.From != ana.node || back.To != zoe || back.Resource != "fine" {
		t.Errorf("it comes as %s", back)
	}
	gw.send(Envelope{ID: "ping", From: zoe, Method: methodGet, URI: "/ping"})
	if pong := gw.want("the server's response", func(e Envelope) bool { return e.ID == "ping" }); pong.Status != "success" || pong.To != gw.node || pong.From != gw.server {
		t.Errorf("the server says %s", pong)
	}
	gw.send(Envelope{ID: "none", From: zoe, To: "nobody@" + domain + "/x", Method: methodGet, URI: "/mood"})
	if none := gw.want("nobody is asked", func(e Envelope) bool { return e.ID == "none" }); !none.failedFor(lime.CodeRoutingDestinationNotFound) || none.To != gw.node || none.From != gw.server {
		t.Errorf("it is told %s", none)
	}
	ana.wantNothingElse("each once")
	gw.wantNothingElse("each once")
}

// L-MSG-09, L-MSG-10.
func nobodyAbroad(t *testing.T, s abroad) {
	ana, partner := s.account(t, "ana"), s.partner()
	for _, to := range []string{"zoe@" + partner, "zoe@" + partner + "/desk"} {
		ana.send(text("", to, "anybody?"))
		ana.send(Envelope{ID: "1", To: to, Event: "received"})
		ana.send(text(to, to, "anybody?"))
		ana.wantFailed("a message", to, lime.CodeRoutingGatewayNotFound)
		if answer := ana.call(Envelope{Method: methodGet, URI: "/x", To: to}); !answer.failedFor(lime.CodeRoutingGatewayNotFound) {
			t.Errorf("a command gets %s", answer)
		}
	}
	gw := s.gateway(t, s.there.at, "gateway@"+partner+"/1", "identity")
	ana.send(text("again", "zoe@"+partner, "anybody?"))
	ana.wantFailed("who has authority and another rule is none", "again", lime.CodeRoutingGatewayNotFound)
	ana.wantNothingElse("each once")
	gw.setPresence(map[string]any{"status": "available", "routingRule": "domain"})
	ana.wantGateway(gw, "zoe@"+partner)
	gw.wantNothingElse("what was refused is gone")
}

// The nearest authority has it.
func domainsBelow(t *testing.T, s abroad) {
	partner, ana := s.partner(), s.account(t, "ana")
	below, far := "zoe@sub."+partner, "zoe@a.sub."+partner+"/desk"
	own := s.gateway(t, s.here.at, "own@"+partner+"/1", "domain")
	ana.wantGateway(own, "zoe@"+partner)
	ana.send(text("none", below, "below"))
	ana.wantFailed("an authority has nothing below its domain", "none", lime.CodeRoutingGatewayNotFound)

	root := s.gateway(t, s.there.at, "root@"+partner+"/1", "rootDomain")
	for i, to := range []string{below, far} {
		ana.wantGateway(root, to)
		id := fmt.Sprint("m", i)
		ana.send(text(id, to, id))
		got := root.wantText("it has what is below", id)
		if got.To != to {
			t.Errorf("it comes as %s", got)
		}
		root.acknowledge(got)
		ana.wantEvents("her message", id, "accepted", "dispatched", "received")
		root.send(Envelope{ID: id, From: to, To: ana.node, Type: "text/plain", Content: "from below"})
		if got := ana.wantText("it answers", "from below"); got.From != to {
			t.Errorf("it comes as %s", got)
		}
	}
	ana.send(text("own", "zoe@"+partner, "for the nearest"))
	own.wantText("the domain's own authority is nearer", "for the nearest")
	ana.send(text("like", "zoe@bad"+partner, "it only looks like it"))
	ana.wantFailed("another domain", "like", lime.CodeRoutingGatewayNotFound)
	near := s.gateway(t, s.here.at, "near@low."+partner+"/1", "rootDomain")
	tries := 0
	eventually(t, "the lower root authority is nearer", patience, func() error {
		tries++
		id := fmt.Sprint("near", tries)
		ana.send(text(id, fmt.Sprintf("zoe@try%d.low.%s", tries, partner), id)) // each is asked about anew
		if has := (gateways{root, near}).taker(ana, id); has == 0 {
			return errors.New("the other has it")
		}
		return nil
	})
}

// Design, promise P1: what is stored for a gateway waits, and comes in order, once.
func waitsForGateway(t *testing.T, s abroad) {
	partner, ana, lia := s.partner(), s.account(t, "ana"), s.account(t, "lia")
	node := "gateway@" + partner + "/1"
	gw := s.gateway(t, s.there.at, node, "domain")
	ana.wantGateway(gw, "zoe@"+partner)
	lia.wantGateway(gw, "zoe@"+partner)
	write := func(i int) {
		to := fmt.Sprintf("user%d@%s", i%3, partner)
		for _, one := range []*session{ana, lia} {
			id := fmt.Sprint(i)
			one.send(text(id, to, nameOf(one)+" "+id))
			one.wantEvents("it is stored", id, "accepted")
		}
	}
	const each, seen = 30, 10
	for i := range seen {
		write(i)
	}
	for i := range seen {
		for _, one := range []*session{ana, lia} {
			got := gw.wantText("while it is there", fmt.Sprint(nameOf(one), " ", i))
			gw.acknowledge(got)
			one.wantEvents("it is taken", got.ID, "dispatched", "received")
		}
	}
	gw.wantNothingElse("that is all")
	gw.finish()
	for i := seen; i < each; i++ {
		write(i)
	}
	ana.send(Envelope{ID: "old", To: "zoe@" + partner, Event: "consumed"})

	again := s.gateway(t, s.here.at, node, "domain")
	for _, one := range []*session{ana, lia} {
		again.wantLetters(one, seen, each)
	}
	again.want("a receipt has waited, too", func(e Envelope) bool { return e.ID == "old" && e.Event == "consumed" })
	again.wantNothingElse("once")
	for i := seen; i < each; i++ {
		for _, one := range []*session{ana, lia} {
			again.send(Envelope{ID: fmt.Sprint(i), From: fmt.Sprintf("user%d@%s", i%3, partner), To: one.node, Event: "received"})
			one.wantEvents("it is taken", fmt.Sprint(i), "dispatched", "received")
		}
	}
	again.finish()
	last := s.gateway(t, s.there.at, node, "domain")
	ana.send(text("last", "zoe@"+partner, "the last"))
	last.wantText("what is new", "the last")
	last.wantNothingElse("what was taken does not come again")
}

// wantLetters waits for what waitsForGateway has one person write, in order.
func (s *session) wantLetters(from *session, first, end int) {
	s.t.Helper()
	for i := first; i < end; i++ {
		got := s.want("it has waited", func(e Envelope) bool { return e.From == from.node && e.Content != nil })
		if want := fmt.Sprint(nameOf(from), " ", i); got.Content != want || got.To[:5] != fmt.Sprint("user", i%3) {
			s.t.Fatalf("%s came for %s", got, want)
		}
	}
}

// L-RES-07, for gateways: each message is one session's, and when one has gone all are the
// other's.
func gatewaysShare(t *testing.T, s abroad) {
	partner, ana := s.partner(), s.account(t, "ana")
	both := gateways{s.gateway(t, s.here.at, "gateway@"+partner+"/1", "domain", "roundRobin")}
	ana.wantGateway(both[0], "zoe@"+partner)
	both = append(both, s.gateway(t, s.there.at, "gateway@"+partner+"/2", "domain", "roundRobin"))
	both.settle(ana, partner)
	shares := both.share(ana, partner, "m", 40)
	for i, n := range shares {
		if n == 0 {
			t.Errorf("of %d messages session %d has none", 40, i+1)
		}
		both[i].wantNothingElse("each is one session's")
	}
	both[1].finish()
	if shares := both[:1].share(ana, partner, "n", 20); shares[0] != 20 {
		t.Errorf("alone it has %d of 20", shares[0])
	}
	both[0].wantNothingElse("once")
}

// L-SES-31, L-RES-06, L-MSG-03: what it takes to be a gateway.
func noGateways(t *testing.T, s abroad) {
	partner, ana, rui := s.partner(), s.account(t, "ana"), s.account(t, "rui")
	for _, rule := range []string{"domain", "rootDomain"} {
		answer := ana.call(Envelope{
			Method: "set", URI: "/presence", Type: presenceType, Resource: map[string]any{"status": "available", "routingRule": rule},
		})
		if !answer.failedFor(lime.CodeCommandNotAllowed) {
			t.Errorf("a person with the rule %s: %s", rule, answer)
		}
	}
	for _, from := range []string{"zoe@" + partner, "gateway@" + partner + "/1", "zoe@" + domain + ".evil"} {
		ana.wantUnauthorized(rui, from)
	}
	certified := s.with(t, partner)
	const foreign, wrong = lime.CodeValidationInvalidIdentity, lime.CodeSessionAuthenticationFailed
	for what, one := range map[string]struct {
		lib      library
		identity string
		password string
		code     lime.Code
	}{
		"a guest":                               {s.here.lib, "gateway@" + partner, "", foreign},
		"a password":                            {s.here.lib, "gateway@" + partner, secret(password), foreign},
		"a person with a partner's":             {certified, ana.identity(), "", wrong},
		"another domain":                        {certified, "gateway@other" + partner, "", wrong},
		"one below, by its name alone":          {certified, "gateway@sub." + partner, "", wrong},
		"one above":                             {s.with(t, "sub."+partner), "gateway@" + partner, "", wrong},
		"one two below, by a wildcard":          {s.with(t, "*."+partner), "gateway@a.sub." + partner, "", wrong},
		"a domain whose end is a certificate's": {certified, "gateway@bad" + partner, "", wrong},
	} {
		answer := dial(t, one.lib).loginAs(s.there.at, Login{Identity: one.identity, Instance: "1", Password: one.password})
		if !answer.failedFor(one.code) {
			t.Errorf("%s comes in as %s: %s", what, one.identity, answer)
		}
	}
	bare := limeClientWith(func(cfg *client.Config) {
		cfg.TLS, cfg.Encryption, cfg.Scheme = s.trust, client.RequireTLS, client.Transport()
	})
	_, err := dial(t, bare).client.Login(s.there.at.url, Login{Identity: "gateway@" + partner, Instance: "1"})
	if !errors.Is(err, client.ErrNotOffered) {
		t.Errorf("without a certificate: %v", err)
	}
	forged := abroad{stage: s.stage, trust: s.trust, authority: newAuthority(t)}
	_, err = dial(t, forged.with(t, partner)).client.Login(s.there.at.url, Login{Identity: "gateway@" + partner, Instance: "1"})
	if err == nil {
		t.Error("a certificate of another authority is taken")
	}
}

// wantUnauthorized sends everything to somebody in a name that is not the session's, and
// wants 32 and that nothing comes.
func (s *session) wantUnauthorized(to *session, from string) {
	s.t.Helper()
	for _, pp := range []string{"", s.node} {
		s.send(Envelope{ID: "m", From: from, PP: pp, To: to.node, Type: "text/plain", Content: "forged"})
		s.wantFailed("a message from "+from, "m", lime.CodeAuthorizationUnauthorizedSender)
		s.send(Envelope{ID: "n", From: from, PP: pp, To: to.node, Event: "received"})
		for _, to := range []string{to.node, ""} {
			s.send(Envelope{ID: "c", From: from, PP: pp, To: to, Method: methodGet, URI: "/contacts"})
			s.wantFailed("a command from "+from, "c", lime.CodeAuthorizationUnauthorizedSender)
		}
	}
	s.send(text("", to.node, "after "+from))
	to.wantText("what is behind", "after "+from)
	to.wantNothingElse("what is from " + from)
}

// L-MSG-03, L-CMD-14: 32 for whom it does not speak for, 35 for what is not its own.
func gatewayOversteps(t *testing.T, s abroad) {
	partner, ana, rui := s.partner(), s.account(t, "ana"), s.account(t, "rui")
	gw := s.gateway(t, s.there.at, "gateway@"+partner+"/1", "domain")
	for _, from := range []string{
		ana.identity(), ana.node, "zoe@sub." + partner, "zoe@other.example/x", "zoe@bad" + partner, "zoe@example",
		"postmaster@" + partner, "postmaster@" + partner + "/#edge-1", rui.server, "@" + partner,
	} {
		gw.wantUnauthorized(rui, from)
	}
	answer := gw.call(Envelope{
		Method: "set", URI: "/presence", Type: presenceType, Resource: map[string]any{"status": "available", "routingRule": "rootDomain"},
	})
	if !answer.failedFor(lime.CodeCommandNotAllowed) {
		t.Errorf("an authority with the rule rootDomain: %s", answer)
	}
	for _, uri := range []string{"/contacts", "/account", "/presence", "/delegations", "/account/keys"} {
		uri = "lime://" + ana.identity() + uri
		if answer := gw.call(Envelope{Method: methodGet, URI: uri}); !answer.failedFor(lime.CodeAuthorizationPermissionRequired) {
			t.Errorf("it asks for %s: %s", uri, answer)
		}
	}
	for uri, code := range map[string]lime.Code{ // of its own people, who have no accounts
		"/delegations":  lime.CodeAuthorizationPermissionRequired,
		"/account/keys": lime.CodeAuthorizationPermissionRequired,
		"/groups":       lime.CodeAuthorizationPermissionRequired,
		"/account":      lime.CodeCommandResourceNotFound,
	} {
		gw.send(Envelope{ID: uri, From: "zoe@" + partner, Method: methodGet, URI: uri})
		answer := gw.want("it asks in somebody's name", func(e Envelope) bool { return e.ID == uri })
		if !answer.failedFor(code) || answer.To != gw.node || answer.From != "postmaster@"+domain+"/#router" {
			t.Errorf("it asks for %s: %s", uri, answer)
		}
	}
}
