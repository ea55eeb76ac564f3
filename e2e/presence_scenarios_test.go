package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

var presenceScenarios = []scenario{
	{"a session's presence is unavailable until it is set", presenceIsSet},
	{"the instances of an identity are listed on whichever edge", instancesAreListed},
	{"an unavailable session gets nothing from others", unavailableGetsNothing},
}

const presenceType = "application/vnd.lime.presence+json"

// setPresence makes a presence the session's.
func (s *session) setPresence(properties map[string]any) {
	s.t.Helper()
	answer := s.call(Envelope{Method: "set", URI: "/presence", Type: presenceType, Resource: properties})
	if answer.Status != "success" {
		s.t.Fatalf("%s sets its presence: %s", s.node, answer)
	}
}

// presence reads the session's presence; as its bare identity, with the instances.
func (s *session) presence(from string) map[string]any {
	s.t.Helper()
	answer := s.call(Envelope{Method: methodGet, URI: "/presence", From: from})
	properties, ok := answer.Resource.(map[string]any)
	if answer.Status != "success" || answer.Type != presenceType || !ok {
		s.t.Fatalf("%s reads its presence: %s", s.node, answer)
	}
	return properties
}

// instances returns the instances of the session's identity, in order.
func (s *session) instances() []string {
	s.t.Helper()
	listed, _ := s.presence(s.identity())["instances"].([]any)
	var all []string
	for _, instance := range listed {
		all = append(all, fmt.Sprint(instance))
	}
	slices.Sort(all)
	return all
}

// wantInstances waits until the instances are these, and returns how long it took.
func (s *session) wantInstances(what string, within time.Duration, instances ...string) time.Duration {
	s.t.Helper()
	return eventually(s.t, what, within, func() error {
		if got := s.instances(); !slices.Equal(got, instances) {
			return fmt.Errorf("%s sees %q, not %q", s.node, got, instances)
		}
		return nil
	})
}

// L-RES-01.
func presenceIsSet(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	if before := ana.presence(ana.node); before["status"] != "unavailable" {
		t.Errorf("before it is set it is %v", before)
	}
	ana.setPresence(map[string]any{"status": "busy", "message": "lunch", "routingRule": "identity"})
	after := ana.presence(ana.node)
	if after["status"] != "busy" || after["message"] != "lunch" || after["routingRule"] != "identity" {
		t.Errorf("when it was set it is %v", after)
	}
}

// L-RES-04, L-FIN-04.
func instancesAreListed(t *testing.T, s stage) {
	name := s.name("ana")
	home := guest(t, s.here.lib, s.here.at, name+"/home")
	work := guest(t, s.there.lib, s.there.at, name+"/work")
	phone := guest(t, s.there.lib, s.there.at, name+"/phone")
	for _, one := range []*session{home, work, phone} {
		one.wantInstances("all see all", patience, "home", "phone", "work")
	}
	work.setPresence(map[string]any{"status": "invisible"})
	home.wantInstances("who is invisible is not listed", patience, "home", "phone") // L-RES-05
	phone.client.Drop()
	home.wantInstances("who is gone without a word is not listed", patience, "home")
	work.finish()
	home.finish()
}

// L-RES-03.
func unavailableGetsNothing(t *testing.T, s stage) {
	ana := s.guest(t, s.here, "ana", "home")
	rui := s.guest(t, s.there, "rui", "desk")
	ana.setPresence(map[string]any{"status": "unavailable"})
	rui.send(text("away", ana.node, "anybody there?"))
	rui.send(text("", ana.node, "anybody there, for a moment?"))
	if answer := rui.call(Envelope{Method: methodGet, URI: "/ping", To: ana.node}); !answer.failedFor(42) {
		t.Errorf("a command to it gets %s", answer)
	}
	ana.wantNothingElse("while it is unavailable")
	ana.setPresence(map[string]any{"status": "available"})
	rui.send(text("back", ana.node, "and now?"))
	ana.wantText("what was stored meanwhile comes", "anybody there?")
	ana.wantText("its node is reachable", "and now?")
	ana.wantNothingElse("what was not stored is gone")
}
