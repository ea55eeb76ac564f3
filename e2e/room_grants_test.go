package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// wantPutOut waits until a client was told that it is in a room no more, which takes a second
// where nothing else holds the machine up.
func (a *actor) wantPutOut(path string) {
	a.t.Helper()
	select {
	case c := <-a.told:
		var d room.Document
		if err := json.Unmarshal(c.Resource, &d); err != nil || !d.Ended || string(d.Room) != fmt.Sprintf("%q", path) {
			a.t.Errorf("%s is told %s, not that it is put out of %s", a.Node(), c.Resource, path)
		}
	case <-time.After(patience):
		a.t.Fatalf("%s is not put out of %s", a.Node(), path)
	}
}

// readsUpTo returns what a client reads before a text.
func (a *actor) readsUpTo(last string) (before []string) {
	a.t.Helper()
	for {
		select {
		case text := <-a.got:
			if text == last {
				return before
			}
			before = append(before, text)
		case <-time.After(patience):
			a.t.Fatalf("%s does not get %q", a.Node(), last)
		}
	}
}

// wantRefusedRoom wants a room not to be entered.
func (a *actor) wantRefusedRoom(why, path string) {
	a.t.Helper()
	if _, code := a.room(lime.MethodSubscribe, path, ""); code != lime.CodeCommandNotAllowed {
		a.t.Errorf("%s: %s is answered %d when it enters %s", why, a.Node(), code, path)
	}
}

// TestGrantsHoldAtOnceAndUntilTheyAreTakenBack: by two routers' APIs, for sessions on two edges, and
// when everything was started anew.
func TestGrantsHoldAtOnceAndUntilTheyAreTakenBack(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	one, two := c.startBackend(t, "router-1"), c.startBackend(t, "router-2")
	grants := func(who string) string { return "/v1/identities/" + who + "@" + domain + "/room-grants" }
	for _, name := range []string{"ana", "rui"} {
		one.posts("makes an account", 201, "/v1/accounts", fmt.Sprintf(`{"identity":"%s@%s","password":%q}`, name, domain, password))
	}
	ana, again := arrive(t, c.edges[0], "ana@localhost/1", password), arrive(t, c.edges[1], "ana@localhost/2", password)
	rui, guest := arrive(t, c.edges[0], "rui@localhost", password), arrive(t, c.edges[1], "eve@localhost", "")
	for _, a := range []*actor{ana, again, rui, guest} {
		a.wantRefusedRoom("before", "/ride/42")
	}

	const both = `{"rooms":[{"room":"/ride/42","may":["enter","publish"]}]}`
	one.want("ana is granted a room", 200, http.MethodPut, grants("ana"), both)
	two.want("rui too, by the other router", 200, http.MethodPut, grants("rui"), both)
	eventually(t, "it holds on both edges", patience, func() error {
		for _, a := range []*actor{ana, again, rui} {
			if _, code := a.room(lime.MethodSubscribe, "/ride/42", ""); code != 0 {
				return fmt.Errorf("%s is answered %d", a.Node(), code)
			}
		}
		return nil
	})
	at := rui.enters("/ride/42", "")
	rui.call(at, "1")
	for _, a := range []*actor{ana, again, rui} {
		a.wantRead("who is in the room", "1")
		a.wantRefusedRoom("another room", "/ride/43")
		a.wantRefusedRoom("nor what a wildcard means", "/ride/*")
	}
	guest.wantRefusedRoom("a guest", "/ride/42")

	one.want("ana keeps half of it", 200, http.MethodPut, grants("ana"), `{"rooms":[{"room":"/ride/42","may":["enter"]}]}`)
	eventually(t, "she may not publish", patience, func() error {
		if code := ana.write(at, "half"); code != lime.CodeAuthorizationUnauthorizedSender {
			return fmt.Errorf("it is answered %d", code)
		}
		return nil
	})
	began := time.Now()
	two.want("all of it is taken back", 204, http.MethodDelete, grants("ana"), "")
	ana.wantPutOut("/ride/42")
	again.wantPutOut("/ride/42")
	t.Logf("put out after %v", time.Since(began))
	two.want("once", 404, http.MethodDelete, grants("ana"), "")
	ana.wantWritten("she may not publish", at, "x", lime.CodeAuthorizationUnauthorizedSender)
	again.wantRefusedRoom("nor enter", "/ride/42")
	rui.call(at, "2")
	rui.readsUpTo("2")
	ana.call("ana@localhost/1", "3")
	if slices.Contains(ana.readsUpTo("3"), "2") {
		t.Error("who was put out hears of the room")
	}

	one.want("of nobody", 404, http.MethodPut, grants("nobody"), both)
	one.want("of another domain", 403, http.MethodPut, "/v1/identities/ana@elsewhere.example/room-grants", both)
	one.want("a right that there is not", 400, http.MethodPut, grants("ana"), `{"rooms":[{"room":"/ride/42","may":["own"]}]}`)

	// Everything ends at once and is started anew.
	for _, p := range []*process{c.edges[0].process, c.edges[1].process, c.router, one.at, two.at, c.nats.process} {
		p.kill()
	}
	c.nats.start(t)
	c.startRouter(t)
	edge := c.addEdge(t)
	rui = arrive(t, edge, "rui@localhost/new", password)
	rui.enters("/ride/42", "")
	arrive(t, edge, "ana@localhost/new", password).wantRefusedRoom("what was taken back", "/ride/42")
}

// TestALoginBringsRightsToRooms that the platform's API answers with.
func TestALoginBringsRightsToRooms(t *testing.T) {
	t.Parallel()
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Identity lime.Identity }
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		rooms := `[{"room":"/own/{name}","may":["enter","publish"]},{"room":"/news","may":["enter"]}]`
		if q.Identity.Name == "broken" {
			rooms = `[{"room":"/own","may":["everything"]}]`
		}
		_, _ = fmt.Fprintf(w, `{"granted":true,"rooms":%s}`, rooms)
	}))
	defer platform.Close()
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-auth-webhook", platform.URL, "-auth-webhook-schemes", "plain"}}
	c.start(t, 2)
	ana, rui := arrive(t, c.edges[0], "ana@localhost", "anything"), arrive(t, c.edges[1], "rui@localhost", "anything")
	own := ana.enters("/own/ana", "")
	ana.call(own, "mine")
	ana.wantRead("her own room", "mine")
	rui.wantRefusedRoom("somebody else's", "/own/ana")
	news := rui.enters("/news", "")
	rui.wantWritten("who may not publish", news, "x", lime.CodeAuthorizationUnauthorizedSender)
	arrive(t, c.edges[0], "eve@localhost", "").wantRefusedRoom("a guest, whom nobody asked about", "/news")
	if why := refused(t, goLibrary, c.edges[0], "broken/1", secret("x")); why.Code != lime.CodeSessionError {
		t.Errorf("an answer that cannot be read refuses by %+v", why)
	}
}
