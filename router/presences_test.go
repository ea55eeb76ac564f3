package router

import (
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

// wantObserve waits until a session is told of somebody.
func (s *session) wantObserve(why, of string, status lime.Status) {
	s.w.Helper()
	select {
	case c := <-s.got:
		p, err := lime.ParsePresence(c.Resource)
		if err != nil || c.Method != lime.MethodObserve || c.From.String() != of || p.Status != status || c.URI != "/presence" {
			s.w.Errorf("%s: got %s", why, c.AppendJSON(nil))
		}
	case <-time.After(patience):
		s.w.Fatalf("%s: nobody is told", why)
	}
}

func TestWhatContactsShare(t *testing.T) { // L-CMD-14, L-RES-10
	w := newWorld(t, Config{})
	maker := w.login("guest@t.org/1", true)
	maker.ask(`{"id":"1","from":"bob@t.org","pp":"guest@t.org/1","method":"set","uri":"/account","type":"application/vnd.lime.account+json","resource":{"password":"czNjcmV0","city":"Porto"}}`)
	maker.want("Bob has an account", "1", success, 0)
	ana, bob := w.login("ana@t.org/1", false), w.login("Bob@t.org/desk", false)
	ana.SetPresence(&lime.Presence{Status: lime.StatusAvailable})

	read := func(why string, presence, account lime.Code) {
		t.Helper()
		status := map[bool]lime.CommandStatus{true: success, false: failure}
		ana.ask(`{"id":"p","from":"ana@t.org/1","method":"get","uri":"lime://bob@t.org/presence"}`)
		ana.want(why+", his presence", "p", status[presence == 0], presence)
		ana.ask(`{"id":"q","from":"bob@t.org","pp":"ana@t.org/1","method":"get","uri":"/presence"}`)
		ana.want(why+", his presence in his name", "q", status[presence == 0], presence)
		ana.ask(`{"id":"a","from":"ana@t.org/1","method":"get","uri":"lime://bob@t.org/account"}`)
		if c := ana.want(why+", his account", "a", status[account == 0], account); account == 0 &&
			(!strings.Contains(string(c.Resource), `"city":"Porto"`) || strings.Contains(string(c.Resource), "assword")) {
			t.Errorf("%s, his account is %s", why, c.Resource)
		}
	}
	says := func(method, uri, resource string) {
		t.Helper()
		bob.ask(`{"id":"c","from":"Bob@t.org/desk","method":"` + method + `","uri":"` + uri + `"` + resource + `}`)
		bob.want(method+" "+uri, "c", success, 0)
	}
	const contact = `,"type":"application/vnd.lime.contact+json","resource":`
	const refused = lime.CodeAuthorizationPermissionRequired
	read("a stranger", refused, refused)
	says("set", "/contacts", contact+`{"identity":"Ana@t.org"}`)
	ana.wantObserve("Bob shares", "Bob@t.org", lime.StatusUnavailable)
	read("a contact", 0, 0)
	says("merge", "/contacts/ana", contact+`{"shareAccountInfo":false}`)
	read("a contact that may see less", 0, refused)

	ana.ask(`{"id":"s","from":"ana@t.org/1","method":"subscribe","uri":"lime://bob@t.org/presence"}`)
	ana.want("subscribe", "s", success, 0)
	ana.wantObserve("what is so now", "bob@t.org", lime.StatusUnavailable)
	says("delete", "/contacts/ana", "")
	ana.wantObserve("Bob shares no more", "Bob@t.org", lime.StatusUnavailable)
	read("nobody any more", refused, refused)
	ana.ask(`{"id":"u","from":"ana@t.org/1","method":"unsubscribe","uri":"lime://bob@t.org/presence"}`)
	ana.want("the subscription has ended by itself", "u", failure, lime.CodeCommandResourceNotFound)
}

// Who is told is who may get it, and not who may ask for a subscription alone.
func TestWhoIsToldMaySubscribe(t *testing.T) { // L-CMD-14
	w := newWorld(t, Config{})
	ana, bob := w.login("ana@t.org/1", false), w.login("bob@t.org/desk", false)
	ana.SetPresence(&lime.Presence{Status: lime.StatusAvailable})
	delegates := func(method, target string) {
		t.Helper()
		bob.ask(`{"id":"d","from":"bob@t.org/desk","method":"set","uri":"/delegations","type":"application/vnd.lime.delegation+json",` +
			`"resource":{"target":"` + target + `","commands":[{"method":"` + method + `","uri":"/presence"}]}}`)
		bob.want("he delegates "+method, "d", success, 0)
	}
	subscribe := func(why string, status lime.CommandStatus, code lime.Code) {
		t.Helper()
		ana.ask(`{"id":"s","from":"ana@t.org/1","method":"subscribe","uri":"lime://bob@t.org/presence"}`)
		ana.want(why, "s", status, code)
	}
	const refused = lime.CodeAuthorizationPermissionRequired
	subscribe("a stranger", failure, refused)
	delegates("subscribe", "ana@t.org")
	subscribe("who may not get it", failure, refused)
	delegates("get", "ana@t.org/1")
	subscribe("one node of her may", failure, refused)
	delegates("get", "ana@t.org")
	subscribe("who may get it", success, 0)
	ana.wantObserve("what is so now", "bob@t.org", lime.StatusUnavailable)
}
