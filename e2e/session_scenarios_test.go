package e2e

import (
	"encoding/base64"
	"fmt"
	"testing"

	"limegrove/lime"
)

var sessionScenarios = []scenario{
	{"a guest gets the node that it proposes", guestGetsItsNode},
	{"a guest makes an account and logs in with its password", guestMakesAnAccount},
	{"a wrong password and an unknown name are refused alike", wrongPasswordAndUnknownName},
	{"a newer session on the other edge replaces the older", func(t *testing.T, s stage) { newerReplacesOlder(t, s, s.there) }},
	{"a newer session on the same edge replaces the older", func(t *testing.T, s stage) { newerReplacesOlder(t, s, s.here) }},
}

// The password of all accounts, and one of none.
const (
	password      = "open sesame"
	wrongPassword = "open barley"
)

// secret is a password as it goes over the wire.
func secret(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// L-SES-11, L-SES-20, L-SES-01, L-FIN-01.
func guestGetsItsNode(t *testing.T, s stage) {
	name := s.name("Ana")
	ana := guest(t, s.here.lib, s.here.at, name+"/home")
	if want := name + "@" + domain + "/home"; ana.node != want {
		t.Errorf("the guest got %s, not %s as it was spelled", ana.node, want)
	}
	if want := "postmaster@" + domain + "/#" + s.here.at.name; ana.server != want {
		t.Errorf("the server is %s, not %s", ana.server, want)
	}
	ana.send(text("m", ana.node, "note to self"))
	if got := ana.wantText("a message to one's own node", "note to self"); got.From != ana.node {
		t.Errorf("it is from %s", got.From)
	}
	ana.finish()
	ana.wantEnd("after finishing", "finished")
}

// newAccount makes an account under a name that nobody has had, as a guest does: LIME,
// in-band registration. Passwords are costly, so that a busy machine may need a second
// try.
func (s stage) newAccount(t *testing.T, like string) (name string) {
	t.Helper()
	maker := s.guest(t, s.here, "maker", "x")
	eventually(t, "a guest makes an account", patience, func() error {
		name = s.name(like)
		answer := maker.call(Envelope{
			Method: "set", URI: "/account", From: name + "@" + domain, PP: maker.node,
			Type: "application/vnd.lime.account+json", Resource: map[string]string{"password": secret(password)},
		})
		switch {
		case answer.failedFor(lime.CodeCommandProcessingError):
			return fmt.Errorf("%s", answer)
		case answer.Status != "success":
			t.Fatalf("a guest makes an account: %s", answer)
		}
		return nil
	})
	maker.finish()
	return name
}

// L-SES-13, L-RES-10.
func guestMakesAnAccount(t *testing.T, s stage) {
	name := s.newAccount(t, "Rui")
	rui := login(t, s.there.lib, s.there.at, name+"/desk", secret(password))
	if want := name + "@" + domain + "/desk"; rui.node != want {
		t.Errorf("the session has %s, not %s", rui.node, want)
	}
	account := rui.get("/account")
	properties, ok := account.Resource.(map[string]any)
	if account.Status != "success" || !ok || properties["password"] != nil {
		t.Errorf("the owner reads the account: %s", account)
	}
	if code := refused(t, s.here.lib, s.here.at, name+"/guest", "").Code; code != lime.CodeSessionAuthenticationFailed {
		t.Errorf("a guest with an account's name is refused with %d", code)
	}
}

// L-SES-15, L-SES-16.
func wrongPasswordAndUnknownName(t *testing.T, s stage) {
	name := s.newAccount(t, "rui")
	wrong := refused(t, s.there.lib, s.there.at, name+"/desk", secret(wrongPassword))
	unknown := refused(t, s.there.lib, s.there.at, s.name("nobody")+"/desk", secret(wrongPassword))
	if wrong != unknown || wrong.Code != lime.CodeSessionAuthenticationFailed {
		t.Errorf("a wrong password gets %+v, an unknown name %+v", wrong, unknown)
	}
}

// L-SES-21.
func newerReplacesOlder(t *testing.T, s stage, at place) {
	name := s.name("ana")
	older := guest(t, s.here.lib, s.here.at, name+"/home")
	newer := guest(t, at.lib, at.at, name+"/home")
	end := older.wantEnd("the older session is told", "failed")
	if !end.failedFor(lime.CodeSessionRegistrationError) {
		t.Errorf("the older session is told %s", end)
	}
	rui := s.guest(t, s.there, "rui", "desk")
	rui.send(text("m", newer.node, "to the newer"))
	newer.wantText("the newer session has the node", "to the newer")
}
