package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/group"
	"limegrove/lime"
)

// Who may send to a group, in whose name: every actor with every claim, with an id and
// without. What may be sent comes from the group, and its news to who has sent it.
func TestWhoMaySendToAGroup(t *testing.T) { // L-MSG-01 to L-MSG-04
	t.Parallel()
	m := newMatrixOf(t, inGroups)
	m.by["ear"].setPresence(map[string]any{"status": "available", "routingRule": "identity"})
	// In whose name who is let by the edge, and whether that one may send to the group.
	claims := []struct {
		as      string // "" for oneself
		by      string
		allowed bool
	}{
		{"ana", "ana whole narrow gw root", true},
		{"rui", "rui gw root", true},
		{"eve", "eve mute gw root", false},
		{"bia", "bia gw root", false},
		{"oda@sub.t.org", "oda@sub.t.org root", true},
		{"dan@sub.t.org", "dan@sub.t.org root", false},
		{"$g", "root", false}, // the group itself
	}
	for _, in := range []group.Type{group.Private, group.Public, group.Temporary} {
		id := m.newGroup(t, in)
		for _, who := range inGroups.actors {
			s := m.by[who]
			allowed := slices.Contains(strings.Fields("ana moe rui oda@sub.t.org"), who)
			g := grouped{matrix: m, to: id, who: who}
			g.want(t, Envelope{}, of(who), true, allowed)
			for _, c := range claims {
				let := slices.Contains(strings.Fields(c.by), who)
				if !let && in != group.Private {
					continue // the edge has not looked at the group
				}
				from := id
				if c.as != "$g" {
					from = of(c.as)
				}
				g.want(t, Envelope{From: from.String(), PP: s.node}, from, let, c.allowed)
			}
			g.wantNothing(t)
			s.send(Envelope{ID: "none", To: "none@groups.t.org", Type: "text/plain", Content: "x"})
			s.wantFailed(who+" sends to no group", "none", lime.CodeRoutingDestinationNotFound)
		}
	}
}

// grouped is what an actor sends to a group.
type grouped struct {
	*matrix
	to      lime.Identity
	who     string
	refused []string // without ids
}

// want sends texts and photos, with ids and without. let tells whether the edge lets the
// actor use what e has as from and pp, and allowed whether the group takes it.
func (g *grouped) want(t *testing.T, e Envelope, sender lime.Identity, let, allowed bool) {
	t.Helper()
	s, ear := g.by[g.who], g.by["ear"]
	for _, kind := range []string{"text", "photo"} {
		for _, stored := range []bool{true, false} {
			g.made++
			mark := fmt.Sprintf("m%d.", g.made)
			what := fmt.Sprintf("%s as %q to %s, a %s, stored %t", g.who, e.From, g.to, kind, stored)
			e.To, e.Type, e.Content, e.ID = g.to.String(), "text/plain", mark, ""
			if kind == "photo" {
				e.Type, e.Content = "application/vnd.lime.media-link+json", map[string]any{"mark": mark}
			}
			if stored {
				e.ID = mark
			}
			let := let && (g.who != "narrow" || kind == "text" || e.PP == "")
			s.send(e)
			switch {
			case let && allowed:
				got := ear.want(what+": it comes", marked(mark))
				if from := string(lime.AppendGroupSender(nil, g.to, sender)); got.From != from || got.PP != "" || got.To != "ear@t.org" {
					t.Errorf("%s: it comes as %s, want from %s", what, got, from)
				}
				for _, event := range []string{"accepted", "dispatched", "received"} {
					if stored {
						s.want(what+": its sender hears of it", func(a Envelope) bool { return a.ID == mark && a.Event == event })
					}
				}
			case !stored:
				g.refused = append(g.refused, mark)
			case let:
				s.wantFailed(what, mark, lime.CodeAuthorizationPermissionRequired)
			default:
				s.wantFailed(what, mark, lime.CodeAuthorizationUnauthorizedSender)
			}
		}
	}
}

// wantNothing wants that what is behind those that were refused comes, and they do not.
func (g *grouped) wantNothing(t *testing.T) {
	t.Helper()
	g.by[g.who].get("/groups") // the edge has taken what was sent before
	g.made++
	after := fmt.Sprintf("m%d.", g.made)
	g.by["ana"].send(Envelope{To: g.to.String(), Type: "text/plain", Content: after})
	g.by["ear"].want(g.who+": what is behind", marked(after))
	for _, mark := range g.refused {
		if e, came, _ := g.by["ear"].find(marked(mark)); came {
			t.Errorf("%s: it came: %s", g.who, e)
		}
	}
}

func marked(mark string) func(Envelope) bool {
	return func(e Envelope) bool { return strings.Contains(fmt.Sprint(e.Content), mark) }
}
