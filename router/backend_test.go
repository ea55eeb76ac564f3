package router

import (
	"encoding/json"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
	"limegrove/routing"
)

// backend asks as a platform's backend does, in somebody's name.
func (w *world) backend(of string, guest bool, method lime.Method, uri, body string) resource.Response {
	w.Helper()
	u, err := lime.ParseURI(uri)
	if err != nil {
		w.Fatal(err)
	}
	a, ok := w.router.Do(w.Context(), resource.Request{
		ID: "api", From: lime.Node{Identity: lime.MustParseIdentity(of)}, Guest: guest, Role: lime.RoleAuthority, Backend: true,
		Method: method, URI: u, Resource: json.RawMessage(body),
	})
	if !ok {
		w.Fatalf("%s %s is not answered", method, uri)
	}
	return a
}

// TestABackendHasNoPresence: that it asks for one is its mistake, and none of ours.
func TestABackendHasNoPresence(t *testing.T) {
	w := newWorld(t, Config{})
	for _, method := range []lime.Method{lime.MethodGet, lime.MethodSet, lime.MethodSubscribe, lime.MethodDelete} {
		if a := w.backend("ana@t.org", false, method, "/presence", `{"status":"busy"}`); a.Reason == nil || a.Reason.Code != lime.CodeCommandNotAllowed {
			t.Errorf("%s: %v", method, a.Reason)
		}
	}
}

func TestABackendKeepsAccounts(t *testing.T) {
	w := newWorld(t, Config{})
	told, err := w.edgeNATS.SubscribeSync("to.org.t.@.ana._account")
	if err != nil {
		t.Fatal(err)
	}
	guest := w.login("ana@t.org/1", true)
	if a := w.backend("ana@t.org", true, lime.MethodSet, "/account", `{"password":"czNjcmV0"}`); a.Reason != nil {
		t.Fatal(a.Reason)
	}
	if why := <-guest.ended; why.Description != "The name belongs to another account now" {
		t.Errorf("the guest who had the name is told %v", why)
	}
	var e routing.AccountEvent
	if msg, err := told.NextMsg(patience); err != nil || json.Unmarshal(msg.Data, &e) != nil || e.Maker.IsZero() { // else it is a deletion
		t.Errorf("edges are told %+v, %v", e, err)
	}
	if a := w.backend("ana@t.org", true, lime.MethodSet, "/account", `{"password":"czNjcmV0"}`); a.Reason == nil || a.Reason.Code != 66 {
		t.Errorf("another one of the name: %v", a.Reason)
	}
	if a := w.backend("ana@t.org", false, lime.MethodMerge, "/account", `{"password":"b3RoZXI="}`); a.Reason != nil {
		t.Errorf("another password: %v", a.Reason)
	}
	if _, err := w.authenticate("plain", "ana@t.org/1", "other"); err != nil {
		t.Errorf("she logs in with it: %v", err)
	}
	ana := w.login("ana@t.org/1", false)
	if a := w.backend("ana@t.org", false, lime.MethodDelete, "/account", ""); a.Reason != nil {
		t.Errorf("it is deleted: %v", a.Reason)
	}
	if why := <-ana.ended; why.Description != "The account was deleted" {
		t.Errorf("her session is told %v", why)
	}
	if a := w.backend("ana@t.org", false, lime.MethodGet, "/account", ""); a.Reason == nil || a.Reason.Code != 67 {
		t.Errorf("it is there: %v", a.Reason)
	}
}
