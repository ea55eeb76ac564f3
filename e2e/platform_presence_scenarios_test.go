package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// presenceOfOthers are scenarios that wait for what is told, and that are played by one library
// with the other alone: each of them tells and is told.
var presenceOfOthers = []platformScenario{
	{"contacts are told of each other's presence, and answer nothing", contactsAreTold},
	{"who is told of a presence is who may see it", whoIsToldOfAPresence},
}

// L-CMD-07, L-FIN-04. Rui's library is listened to: it gives what it is told to its handler
// for commands, as something that wants no answer.
func contactsAreTold(t *testing.T, s scene) {
	there, tap := s.there.tapped(t)
	ana := online(t, s.here, s.person(t, "Ana"), nil)
	rui := online(t, there, s.person(t, "rui"), nil)
	ana.setContact(rui, true)
	rui.setContact(ana, true)
	rui.wantTold(ana, "available", "")
	ana.wantTold(rui, "available", "")

	ana.changePresence("busy", "lunch")
	eventually(t, "rui is told while he asks", patience, func() error { // no response is taken for another
		if pong := rui.get("/ping"); pong.Status != "success" {
			t.Fatalf("his ping gets %s", pong)
		}
		return rui.isTold(ana, "busy", "lunch")
	})
	rui.changePresence("away", "")
	ana.wantTold(rui, "away", "")

	rui.lose()
	ana.changePresence("away", "a walk")
	rui.wantTold(ana, "away", "a walk") // as soon as he is back
	rui.changePresence("busy", "back")
	ana.wantTold(rui, "busy", "back")

	ana.finish()
	rui.wantToldEnd(ana)
	rui.get("/receipt") // an answer to what he was told would have come before
	wantRequestsAlone(t, tap)
}

// L-CMD-14. What ana lets rui see, who subscribes, and keeps from ivo, who is her contact. lia
// becomes her contact, so that it shows when others are told.
func whoIsToldOfAPresence(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	lia := online(t, s.there, s.person(t, "lia"), nil)
	rui := online(t, s.there, s.person(t, "rui"), nil)
	ivo := online(t, s.there, s.person(t, "ivo"), nil)
	ana.setContact(ivo, false)
	ivo.setContact(ana, true)
	read := Envelope{Method: methodGet, URI: "lime://" + ana.identity() + "/presence"}
	subscribe, unsubscribe := Envelope{Method: "subscribe", URI: read.URI}, Envelope{Method: "unsubscribe", URI: read.URI}
	refused := func(why string, who *application) {
		t.Helper()
		for _, e := range []Envelope{read, subscribe} {
			if answer := who.call(e); !answer.failedFor(lime.CodeAuthorizationPermissionRequired) {
				t.Errorf("%s: %s gets %s", why, e, answer)
			}
		}
	}
	refused("a stranger", rui)
	refused("a contact with whom it is not shared", ivo)
	ana.wantSuccess("she lets him see it", Envelope{
		Method: "set", URI: "/delegations", Type: "application/vnd.lime.delegation+json", Resource: map[string]any{
			"target": rui.identity(), "commands": []any{map[string]string{"method": methodGet, "uri": "/presence"}},
		},
	})
	rui.wantSuccess("he subscribes", subscribe)
	rui.wantTold(ana, "available", "")
	rui.wantSuccess("he subscribes again", subscribe)
	ana.changePresence("away", "tea")
	rui.wantTold(ana, "away", "tea")

	rui.wantSuccess("he ends it", unsubscribe)
	if answer := rui.call(unsubscribe); !answer.failedFor(lime.CodeCommandResourceNotFound) {
		t.Errorf("he ends it again: %s", answer)
	}
	// An identity is told of by one at a time: what was under way when he ended it is over when
	// what began after it is.
	ana.setContact(lia, true)
	lia.wantTold(ana, "away", "tea")
	ana.setContact(lia, false)
	lia.wantTold(ana, "unavailable", "")
	ana.setContact(lia, true)
	lia.wantTold(ana, "away", "tea")
	ana.changePresence("busy", "")
	lia.wantTold(ana, "busy", "")
	ana.changePresence("available", "done")
	lia.wantTold(ana, "available", "done")

	rui.wantSuccess("he is curious once more", subscribe)
	ana.setContact(ivo, true)
	rui.wantTold(ana, "available", "done")
	ivo.wantTold(ana, "available", "done")
	rui.wantNotTold(ana, told("busy", ""))
	ivo.wantNotTold(ana, told("available", ""), told("away", "tea"), told("busy", ""))
	if seen, _ := ivo.call(read).Resource.(map[string]any); seen["message"] != "done" {
		t.Errorf("with whom it is shared reads %v", seen)
	}
	ivo.forget()
	ana.setContact(ivo, false)
	ivo.wantTold(ana, "unavailable", "")
	refused("with whom it is shared no more", ivo)
	ana.finish()
	rui.wantToldEnd(ana)
}

// setContact makes another a contact.
func (a *application) setContact(other *application, sharePresence bool) {
	a.t.Helper()
	a.wantSuccess("a contact", Envelope{
		Method: "set", URI: "/contacts", Type: "application/vnd.lime.contact+json",
		Resource: map[string]any{"identity": other.identity(), "sharePresence": sharePresence},
	})
}

func (a *application) wantSuccess(what string, e Envelope) {
	a.t.Helper()
	if answer := a.call(e); answer.Status != "success" {
		a.t.Fatalf("%s: %s gets %s", what, a.node, answer)
	}
}

func (a *application) changePresence(status, message string) {
	a.t.Helper()
	changed := map[string]any{"routingRule": "identity"}
	maps.Copy(changed, told(status, message))
	a.setPresence(changed)
}

// told is what others are told of a presence, but for lastSeen.
func told(status, message string) map[string]any {
	told := map[string]any{"status": status}
	if message != "" {
		told["message"] = message
	}
	return told
}

// wantTold waits for word of another's presence.
func (a *application) wantTold(of *application, status, message string) {
	a.t.Helper()
	want := told(status, message)
	a.checkTold(of, a.want(fmt.Sprintf("it is told that %s is %v", of.node, want), observes(of, want)))
}

// isTold is wantTold for who does something meanwhile.
func (a *application) isTold(of *application, status, message string) error {
	a.t.Helper()
	got, came, _ := a.find(observes(of, told(status, message)))
	if !came {
		return errors.New("it has not been told")
	}
	a.checkTold(of, got)
	return nil
}

// wantToldEnd waits for word that another is gone, which says when it was last to be seen.
func (a *application) wantToldEnd(of *application) {
	a.t.Helper()
	got := a.want("it is told when "+of.node+" was last seen", func(e Envelope) bool {
		resource, _ := e.Resource.(map[string]any)
		return e.Method == "observe" && resource["lastSeen"] != nil
	})
	resource, _ := got.Resource.(map[string]any)
	seen, err := time.Parse(time.RFC3339, fmt.Sprint(resource["lastSeen"]))
	if ago := time.Since(seen); err != nil || ago < -patience || ago > patience || len(resource) != 2 || resource["status"] != "unavailable" {
		a.t.Errorf("%s is told %s: last seen %s ago, %v", a.node, got, ago, err)
	}
	a.checkTold(of, got)
}

// wantNotTold wants that nothing of these has come.
func (a *application) wantNotTold(of *application, resources ...map[string]any) {
	a.t.Helper()
	for _, resource := range resources {
		if got, came, _ := a.find(observes(of, resource)); came {
			a.t.Errorf("%s is told %s", a.node, got)
		}
	}
}

// observes matches word of another's presence that has all this and no more.
func observes(of *application, resource map[string]any) func(Envelope) bool {
	return func(e Envelope) bool {
		return e.Method == "observe" && e.From == of.identity() && reflect.DeepEqual(e.Resource, resource)
	}
}

// checkTold checks all but the resource. It is for the identity, or for the one session that
// has begun.
func (a *application) checkTold(of *application, got Envelope) {
	a.t.Helper()
	want := Envelope{From: of.identity(), To: a.identity(), Method: "observe", URI: "/presence", Type: presenceType, Resource: got.Resource}
	if got.To == a.node {
		want.To = a.node
	}
	if !reflect.DeepEqual(got, want) {
		a.t.Errorf("%s is told by %s, not by %s", a.node, got, want)
	}
}

// tapped is the platform with a tap before its edge.
func (p platform) tapped(t *testing.T) (platform, *tap) {
	t.Helper()
	tap := listenIn(t, p.at)
	at := *p.at
	at.url = tap.url
	p.at = &at
	return p, tap
}

// wantRequestsAlone wants that a client has said nothing but what it was asked to: to log in,
// and requests of the server. The edge's own pings it answers.
func wantRequestsAlone(t *testing.T, client *tap) {
	t.Helper()
	requests := 0
	for _, line := range client.heard() {
		var e Envelope
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("it says %s: %v", line, err)
		}
		switch {
		case e.State != "", strings.HasPrefix(e.ID, "ping-"):
		case e.ID != "" && e.To == "" && e.Status == "" && e.Event == "" && e.Method != "observe":
			requests++
		default:
			t.Errorf("it says %s", line)
		}
	}
	if requests == 0 {
		t.Error("it has said nothing")
	}
}
