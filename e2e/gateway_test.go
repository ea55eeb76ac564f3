package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/lime/client"
)

// abroad is a stage with gateways to domains that nobody serves: there is where they come
// in, and people are here.
type abroad struct {
	stage
	authority authority
	trust     *tls.Config // of the edges
}

var gatewayScenarios = []struct {
	name string
	play func(t *testing.T, s abroad)
}{
	{"a person and somebody abroad write to each other", writesAbroad},
	{"they ask each other", asksAbroad},
	{"without a gateway a domain is not found", nobodyAbroad},
	{"a root authority is for the domains below", domainsBelow},
	{"what comes while the gateway is away waits", waitsForGateway},
	{"sessions of a gateway share", gatewaysShare},
	{"nobody else is a gateway", noGateways},
	{"a gateway speaks for its own domain alone", gatewayOversteps},
}

// startAbroad starts a cluster that lets gateways in.
func startAbroad(t *testing.T, edges int) (*cluster, abroad) {
	t.Helper()
	certificate, key := newCertificate(t)
	s := abroad{authority: newAuthority(t), trust: believe(t, certificate)}
	c := startCluster(t, edges, "-auth", "guest,plain,transport", "-tcp", address(0), "-tcp-encryption", "tls",
		"-tls-cert", certificate, "-tls-key", key, "-tls-client-ca", s.authority.file)
	trusting := limeClientWith(func(cfg *client.Config) { cfg.TLS, cfg.Encryption = s.trust, client.RequireTLS })
	s.stage = stage{c, place{trusting, c.edges[0]}, place{nil, c.edges[1]}}
	return c, s
}

// TestGatewaysToForeignDomains with certificates, over wss and over TCP in TLS: L-SES-31, L-MSG-10.
func TestGatewaysToForeignDomains(t *testing.T) {
	t.Parallel()
	c, s := startAbroad(t, 2)
	for name, over := range map[string]func(*edge) *edge{"WebSocket": (*edge).overWebSocket, "TCP": (*edge).overTCP} {
		s.there.at = over(c.edges[1])
		t.Run("over "+name, func(t *testing.T) {
			for _, one := range gatewayScenarios {
				t.Run(one.name, func(t *testing.T) {
					t.Parallel()
					one.play(t, s)
				})
			}
		})
	}
}

// partner returns a domain that nobody has had.
func (s abroad) partner() string { return s.name("partner") + ".example" }

// account has a new account log in at an edge and hear all events.
func (s abroad) account(t *testing.T, like string) *session {
	t.Helper()
	a := login(t, s.here.lib, s.here.at, s.newAccount(t, like)+"/home", secret(password))
	a.setPresence(map[string]any{"status": "available"})
	a.setReceipts("failed", "accepted", "dispatched", "received", "consumed")
	return a
}

// with is a library whose clients log in by a certificate for these names.
func (s abroad) with(t *testing.T, names ...string) library {
	t.Helper()
	trust := s.trust.Clone()
	trust.Certificates = []tls.Certificate{s.authority.sign(t, names...)}
	return limeClientWith(func(cfg *client.Config) {
		cfg.TLS, cfg.Encryption, cfg.Scheme = trust, client.RequireTLS, client.Transport()
	})
}

// gateway logs in by a certificate for its domain, and for those below it if that is its
// rule, and says that it is there.
func (s abroad) gateway(t *testing.T, at *edge, node, rule string, more ...string) *session {
	t.Helper()
	identity, instance, _ := strings.Cut(node, "/")
	_, name, _ := strings.Cut(identity, "@")
	if rule == "rootDomain" {
		name = "*." + name
	}
	g := dial(t, s.with(t, name))
	if answer := g.loginAs(at, Login{Identity: identity, Instance: instance}); answer.State != "established" || g.node != node {
		t.Fatalf("%s logs in: %s", node, answer)
	}
	presence := map[string]any{"status": "available", "routingRule": rule}
	for _, flag := range more {
		presence[flag] = true
	}
	g.setPresence(presence)
	return g
}

// wantGateway waits until what a person writes to an address comes to a gateway: for a
// moment her edge may think that there is none.
func (s *session) wantGateway(g *session, to string) {
	s.t.Helper()
	tries := 0
	eventually(s.t, to+" has a gateway", patience, func() error {
		tries++
		id := fmt.Sprintf("try-%d-%s", tries, to)
		s.send(text(id, to, id))
		answer := s.want(id, func(e Envelope) bool { return e.ID == id && (e.Event == "failed" || e.Event == "dispatched") })
		switch {
		case answer.failedFor(lime.CodeRoutingGatewayNotFound):
			return errors.New("none")
		case answer.Event == "failed":
			s.t.Fatalf("%s to %s: %s", id, to, answer)
		}
		g.acknowledge(g.wantText("it is for the gateway", id))
		return nil
	})
	s.want("the last is received", func(e Envelope) bool { return e.Event == "received" })
	s.forget()
}

// acknowledge says received of a message, as whom it is for.
func (s *session) acknowledge(e Envelope) {
	s.t.Helper()
	s.send(Envelope{ID: e.ID, From: e.To, To: e.From, Event: "received"})
}

// wantEvents waits for the events of a message, in order.
func (s *session) wantEvents(what, id string, events ...string) (last Envelope) {
	s.t.Helper()
	for _, event := range events {
		last = s.want(what+": "+event, func(e Envelope) bool { return e.ID == id && e.Event != "" })
		if server := strings.HasPrefix(last.From, "postmaster@"); server && !strings.HasPrefix(last.From, "postmaster@"+domain+"/#") {
			s.t.Errorf("%s: nobody is %s", what, last.From)
		}
		if last.Event != event {
			s.t.Fatalf("%s: %s, not %s", what, last, event)
		}
	}
	return last
}

// TestGatewayIsKilledWithItsEdge, of two that share: what it had and had not acknowledged,
// and all that comes later, is the other's. Then the last one is killed: what is for it waits,
// and comes to where it comes back, in order. Design, promises P1 and P7.
func TestGatewayIsKilledWithItsEdge(t *testing.T) {
	t.Parallel()
	const messages = 200
	c, s := startAbroad(t, 3)
	partner, ana := s.partner(), s.account(t, "ana")
	to := "zoe@" + partner + "/desk"
	both := gateways{s.gateway(t, c.edges[1], "gateway@"+partner+"/1", "domain", "roundRobin")}
	ana.wantGateway(both[0], to)
	both = append(both, s.gateway(t, c.edges[2], "gateway@"+partner+"/2", "domain", "roundRobin"))
	both.settle(ana, partner)
	last, victim := both[0], both[1]

	write := func(first, end int) {
		for i := first; i < end; i++ {
			ana.send(text(fmt.Sprint("m-", i), to, fmt.Sprint("m-", i)))
		}
	}
	ana.setReceipts("failed", "received")
	write(0, messages/2)
	c.edges[2].kill()
	write(messages/2, messages)
	old := map[string]bool{}
	// While they settled two may have had a message, and who dies leaves its copies to the other.
	early := func(id string) bool { return strings.HasPrefix(id, "warm-") }
	eventually(t, "all of it is received, or with the gateway that is dead", withinPromise+patience, func() error {
		for _, one := range both {
			for got, came, _ := one.find(isMessage); came; got, came, _ = one.find(isMessage) {
				if one == victim && !early(got.ID) { // a pong proves that it has it; its receipt may die with the edge
					old[got.ID] = true
				}
				one.client.Send(Envelope{ID: got.ID, From: got.To, To: got.From, Event: "received"}) //nolint:errcheck // one of them is dead
			}
		}
		for _, e := range ana.received() {
			if e.Event == "failed" {
				t.Fatalf("%s", e)
			}
			if !early(e.ID) {
				old[e.ID] = true
			}
		}
		if len(old) < messages {
			return fmt.Errorf("%d of %d", len(old), messages)
		}
		return nil
	})
	victim.forget()
	ana.forget()

	c.edges[1].kill()
	write(messages, messages+30)
	again := s.gateway(t, c.edges[0], last.node, "domain")
	for i := messages; i < messages+30; i++ {
		got := again.want("it has waited", isMessage)
		for old[got.ID] || early(got.ID) { // what was acknowledged just before the death may come again
			again.acknowledge(got)
			got = again.want("it has waited", isMessage)
		}
		if got.Content != fmt.Sprint("m-", i) || got.To != to {
			t.Fatalf("%s came for m-%d", got, i)
		}
		again.acknowledge(got)
		ana.want("it is received", func(e Envelope) bool { return e.ID == got.ID && e.Event == "received" })
	}
	for _, e := range again.received() {
		if !old[e.ID] && !early(e.ID) {
			t.Errorf("it has also got %s", e)
		}
	}
	for _, e := range ana.received() {
		if !old[e.ID] && !early(e.ID) || e.Event == "failed" {
			t.Errorf("she has also heard %s", e)
		}
	}
}

func isMessage(e Envelope) bool { return e.Content != nil }

// gateways are sessions of one that share, each with its messages.
type gateways []*session

// share has a person write so many messages to several addresses of a domain, and whoever
// has one acknowledge it. It returns how many each had.
func (g gateways) share(from *session, domain, prefix string, n int) []int {
	from.t.Helper()
	for i := range n {
		id := fmt.Sprint(prefix, "-", i)
		from.send(text(id, fmt.Sprintf("user%d@%s", i%5, domain), id))
	}
	shares := make([]int, len(g))
	for i := range n {
		id := fmt.Sprint(prefix, "-", i)
		shares[g.taker(from, id)]++
		from.want(id+" is received", func(e Envelope) bool { return e.ID == id && e.Event == "received" })
	}
	return shares
}

// taker waits until one of them has a message, and has it acknowledge that.
func (g gateways) taker(from *session, id string) (index int) {
	from.t.Helper()
	eventually(from.t, id+" comes to one", patience, func() error {
		for i, one := range g {
			if got, came, _ := one.find(func(e Envelope) bool { return e.ID == id && e.Event == "" }); came {
				one.acknowledge(got)
				index = i
				return nil
			}
		}
		return errors.New("it has come to nobody")
	})
	return index
}

// settle waits until their edges know of all: until then two may think that a message is
// theirs, and who has a copy without acknowledging it gets that again when it comes back.
func (g gateways) settle(from *session, domain string) {
	from.t.Helper()
	tries := 0
	eventually(from.t, "all share", patience, func() error {
		tries++
		shares := g.share(from, domain, fmt.Sprint("warm-", tries), 20)
		from.forget()
		for i, one := range g {
			more := one.forget()
			for _, e := range more {
				if isMessage(e) {
					one.acknowledge(e)
				}
			}
			if shares[i] == 0 || len(more) > 0 {
				return fmt.Errorf("they share %v, and %s has also %v", shares, one.node, more)
			}
		}
		return nil
	})
}
