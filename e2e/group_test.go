package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"limegrove/lime"
)

// groupOf is what the address of a group of ours ends with.
const groupOf = "@groups." + domain

// TestGroups plays groups over two edges and two routers, with the clients of both sorts.
func TestGroups(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	c.addRouter(t)
	js := limeJS(t)
	t.Run("a group talks", func(t *testing.T) { c.groupTalks(t, js) })
	t.Run("who may do what", func(t *testing.T) { c.groupRoles(t) })
	t.Run("without ids", func(t *testing.T) { c.groupTransient(t) })
}

// groupTalks: a message reaches every member once, in order, from the group.
func (c *cluster) groupTalks(t *testing.T, js library) {
	ana := c.person(t, goLibrary, c.edges[0], "ana")
	rui := c.person(t, js, c.edges[1], "rui")
	lia := c.person(t, goLibrary, c.edges[1], "lia")
	ana.setReceipts("failed", "accepted", "dispatched", "received", "consumed")
	group := c.name("ops") + groupOf
	ana.wantDone("makes a group", "set", "/groups", "group", map[string]any{"identity": group, "name": "Ops"})
	for _, who := range []*session{rui, lia} {
		ana.wantDone("adds a member", "set", "/groups/"+group+"/members", "groupmember", map[string]any{"address": who.identity()})
	}

	const many = 50
	for i := range many {
		ana.send(text(strconv.Itoa(i), group, "to all"))
	}
	from := group + "/" + nameOf(ana) + "%40" + domain
	for _, who := range []*session{rui, lia} {
		for i := range many {
			e := who.want("the members get all", func(e Envelope) bool { return e.Content == "to all" })
			if e.ID != strconv.Itoa(i) || e.From != from || e.To != who.identity() {
				t.Fatalf("message %d comes to %s as %s", i, who.node, e)
			}
		}
		who.send(Envelope{ID: "0", To: from, Event: "consumed"}) // it ends at the group
		who.wantNothingElse("and nothing else")
	}
	for i := range many {
		for _, event := range []string{"accepted", "dispatched", "received"} { // L-NOT-03
			e := ana.want("the sender hears of each, in order", func(e Envelope) bool { return e.ID == strconv.Itoa(i) })
			if e.Event != event || event != "accepted" && e.From != group {
				t.Fatalf("of message %d it hears %s, not %s", i, e, event)
			}
		}
	}
	rui.send(text("r", group, "and back"))
	ana.wantText("an answer to the group", "and back")
	rui.send(text("p", from, "to you alone"))
	e := ana.wantText("an answer to its sender", "to you alone")
	if e.From != rui.node {
		t.Errorf("that comes from %s", e.From)
	}
	lia.wantText("which the others get", "and back")
	lia.wantNothingElse("but not the other")

	lia.wantDone("leaves", "delete", "/groups/"+group+"/members/"+lia.identity(), "", nil)
	ana.send(text("after", group, "without her"))
	rui.wantText("who stays gets it", "without her")
	lia.finish()
	rui.finish()
	ana.send(text("late", group, "for whoever comes"))
	ana.want("stored for all", func(e Envelope) bool { return e.ID == "late" && e.Event == "received" })
	again := login(t, js, c.edges[0], nameOf(rui)+"/desk", secret(password))
	again.setPresence(map[string]any{"status": "available", "routingRule": "identity"})
	again.wantText("who was away gets it later", "for whoever comes")
	back := login(t, goLibrary, c.edges[0], nameOf(lia)+"/desk", secret(password))
	back.setPresence(map[string]any{"status": "available", "routingRule": "identity"})
	ana.send(text("mark", back.identity(), "a mark"))
	back.wantText("who has left gets what is for her", "a mark")
	back.wantNothingElse("and nothing of the group")
}

// groupRoles: a listener hears and is refused, a stranger too.
func (c *cluster) groupRoles(t *testing.T) {
	ana, rui := c.person(t, goLibrary, c.edges[0], "ana"), c.person(t, goLibrary, c.edges[1], "rui")
	eva := c.person(t, goLibrary, c.edges[1], "eva")
	group := c.name("news") + groupOf
	ana.wantDone("makes a group", "set", "/groups/"+group, "group", map[string]any{"type": "public"})
	ana.wantDone("adds a listener", "set", "/groups/"+group+"/members", "groupmember", map[string]any{"address": rui.identity(), "role": "listener"})
	rui.send(text("1", group, "me too"))
	rui.wantFailed("who only listens", "1", lime.CodeAuthorizationPermissionRequired)
	eva.send(text("1", group, "me too"))
	eva.wantFailed("who is no member", "1", lime.CodeAuthorizationPermissionRequired)
	eva.wantDone("joins", "set", "/groups/"+group+"/members/"+eva.identity(), "groupmember", map[string]any{})
	eventually(t, "who has joined is let in soon", patience, func() error {
		eva.send(text(c.name("try"), group, "now"))
		e := eva.want("an answer", func(e Envelope) bool { return e.Event != "" })
		if e.Event == "failed" {
			return fmt.Errorf("refused: %s", e)
		}
		return nil
	})
	rui.wantText("a listener hears", "now")
	eva.send(text("2", "nobody"+groupOf, "hello?"))
	eva.wantFailed("no group", "2", lime.CodeRoutingDestinationNotFound)
	if answer := eva.call(Envelope{Method: methodGet, URI: "/ping", To: group}); !answer.failedFor(lime.CodeCommandResourceNotSupported) {
		t.Errorf("a command to the group gets %s", answer)
	}
	if answer := dial(t, goLibrary).loginAs(c.edges[0], Login{Identity: group, Instance: "x"}); !answer.failedFor(lime.CodeValidationInvalidIdentity) {
		t.Errorf("a guest with a group's name gets %s", answer)
	}
}

// groupTransient: without an id a message reaches who is there, and nobody else sends.
func (c *cluster) groupTransient(t *testing.T) {
	ana, rui := c.person(t, goLibrary, c.edges[0], "ana"), c.person(t, goLibrary, c.edges[1], "rui")
	group := c.name("quick") + groupOf
	ana.wantDone("makes a group", "set", "/groups/"+group, "group", map[string]any{})
	ana.wantDone("adds a listener", "set", "/groups/"+group+"/members", "groupmember", map[string]any{"address": rui.identity(), "role": "listener"})
	rui.send(text("", group, "not mine to say"))
	eventually(t, "the router that has the partition is there", patience, func() error {
		ana.send(text("", group, "quick"))
		if _, found, _ := rui.find(func(e Envelope) bool { return e.Content == "quick" && strings.HasPrefix(e.From, group+"/") }); !found {
			return fmt.Errorf("nothing yet")
		}
		return nil
	})
	ana.wantNothingElse("nobody is told anything")
}

// wantDone has the server do something.
func (s *session) wantDone(what, method, uri, of string, resource any) {
	s.t.Helper()
	e := Envelope{Method: method, URI: uri, Resource: resource}
	if of != "" {
		e.Type = "application/vnd.lime." + of + "+json"
	}
	if answer := s.call(e); answer.Status != "success" {
		s.t.Fatalf("%s %s: %s", s.node, what, answer)
	}
}

// person is somebody with an account, available at an edge.
func (c *cluster) person(t *testing.T, lib library, at *edge, like string) *session {
	t.Helper()
	here := place{goLibrary, at}
	s := login(t, lib, at, stage{c, here, here}.newAccount(t, like)+"/desk", secret(password))
	s.setPresence(map[string]any{"status": "available", "routingRule": "identity"})
	return s
}

// addRouter starts one more router.
func (c *cluster) addRouter(t testing.TB) *process {
	t.Helper()
	args := c.shared("router-2", "-gossip", address(0), "-join", c.gossip)
	r := startProcess(t, "router-2", t.TempDir(), routerProgram, args...)
	r.wantPrinted(t, "the router works")
	return r
}
