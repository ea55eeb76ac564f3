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

// What ana lets rui see. lia becomes her contact, so that it shows when others are told.
func subscriberIsTold(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	lia := online(t, s.there, s.person(t, "lia"), nil)
	rui := online(t, s.there, s.person(t, "rui"), nil)
	subscribe := Envelope{Method: "subscribe", URI: "lime://" + ana.identity() + "/presence"}
	unsubscribe := Envelope{Method: "unsubscribe", URI: subscribe.URI}
	if answer := rui.call(subscribe); !answer.failedFor(lime.CodeAuthorizationPermissionRequired) { // L-CMD-14
		t.Errorf("a stranger subscribes: %s", answer)
	}
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
	rui.wantTold(ana, "available", "done")
	rui.wantNotTold(ana, "busy")
	ana.finish()
	rui.wantToldEnd(ana)
}

// L-CMD-14. lia shows when others are told.
func unsharedIsNotTold(t *testing.T, s scene) {
	ana := online(t, s.here, s.person(t, "ana"), nil)
	lia := online(t, s.there, s.person(t, "lia"), nil)
	rui := online(t, s.there, s.person(t, "rui"), nil)
	ana.setContact(lia, true)
	ana.setContact(rui, false)
	rui.setContact(ana, true)
	ana.wantTold(rui, "available", "")
	of := "lime://" + ana.identity() + "/presence"
	refused := func(when string) {
		t.Helper()
		for _, method := range []string{methodGet, "subscribe"} {
			if answer := rui.call(Envelope{Method: method, URI: of}); !answer.failedFor(lime.CodeAuthorizationPermissionRequired) {
				t.Errorf("%s: %s gets %s", when, method, answer)
			}
		}
	}
	refused("before she shares it")
	ana.changePresence("busy", "")
	lia.wantTold(ana, "busy", "")
	ana.changePresence("away", "")
	lia.wantTold(ana, "away", "")

	ana.setContact(rui, true)
	rui.wantTold(ana, "away", "")
	rui.wantNotTold(ana, "available", "busy")
	if seen, _ := rui.get(of).Resource.(map[string]any); seen["status"] != "away" {
		t.Errorf("he reads %v", seen)
	}
	rui.forget()
	ana.setContact(rui, false)
	rui.wantTold(ana, "unavailable", "")
	refused("when she shares it no more")
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
func (a *application) wantNotTold(of *application, statuses ...string) {
	a.t.Helper()
	for _, status := range statuses {
		if got, came, _ := a.find(observes(of, told(status, ""))); came {
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
