package routing

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// foreignTo gives a message without an id for somebody of a domain to gateways.
func (g *gateways) foreignTo(m *Member, domain string) error {
	to := lime.NodeView{Name: []byte("rui"), Domain: []byte(domain)}
	envelope := fmt.Appendf(nil, `{"from":%q,"to":"rui@%s","type":"text/plain","content":"x"}`, m.who.Node(), domain)
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return err
	}
	return g.pass(m, to, &h, envelope)
}

// Whoever makes up domains holds up neither the gateways that there are nor questions of others.
func TestDomainsThatAreMadeUpHoldUpNobody(t *testing.T) {
	w := newWorld(t)
	e := w.edge("a", Config{})
	ana, eve := e.Guest("ana@t.org/1"), e.Guest("eve@t.org/1")
	g := newGateways(e.Hubs) // whose questions wait
	now := time.Now()
	g.answered("old.example", gateway{identity: lime.MustParseIdentity("gw@old.example"), until: now.Add(-time.Second), lost: now})
	refused := 0
	for i := range 2 * gatewayDomains {
		if err := g.foreignTo(eve.Member, fmt.Sprintf("made-up-%d.example", i)); errors.Is(err, errOutboxFull) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused != 2*gatewayDomains-gatewayAsked {
		t.Errorf("%d were refused", refused)
	}
	if err := g.foreignTo(ana.Member, "new.example"); err != nil {
		t.Errorf("a question of somebody else: %v", err)
	}
	if err := g.foreignTo(ana.Member, "old.example"); err != nil || len(g.open["old.example"].waiting) != 0 {
		t.Errorf("a gateway that is asked about again is used meanwhile: %v", err)
	}
	if err := g.foreignTo(ana.Member, "new.example"); err != nil || len(g.open["new.example"].waiting) != 2 {
		t.Errorf("what is for one that is not known waits: %v", err)
	}
	for range len(g.open) {
		domain := <-g.ask
		g.answer(domain, gateway{until: now.Add(time.Minute)})
	}
	if len(g.open) != 0 || len(g.asking) != 0 || g.size != 0 {
		t.Errorf("%d questions of %d sessions and %d bytes are left", len(g.open), len(g.asking), g.size)
	}
	if err := g.foreignTo(ana.Member, "new.example"); !errors.Is(err, reasonNoGateway) {
		t.Errorf("nobody has it: %v", err)
	}
	for i := range 4 * gatewayDomains {
		g.answered(fmt.Sprintf("nobody-%d.example", i), gateway{until: now.Add(time.Minute)})
	}
	if _, known := g.lately([]byte("old.example")); known {
		t.Error("it is known to have a gateway, which it has no more")
	}
	if _, known := g.known.get("old.example"); !known {
		t.Error("domains without a gateway displace those that had one")
	}
	if n := len(placesFor(strings.Repeat("a.", 500) + "example")); n != maxPlaces {
		t.Errorf("an authority is looked for in %d places", n)
	}
}

// answered is learnLocked.
func (g *gateways) answered(domain string, k gateway) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.learnLocked(domain, k)
}
