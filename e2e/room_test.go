package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"limegrove/lime"
)

// rulesOfRooms are what those of these tests may do.
const rulesOfRooms = `[
	{"room": "/public/*", "may": ["enter", "publish"]},
	{"room": {"target": "*", "depot": "*"}, "may": ["enter", "publish"]},
	{"room": "/news", "may": ["enter"]},
	{"room": "/user/{name}", "who": "members", "may": ["publish", "enter"]}
]`

// room asks for a room in or out, and returns its address, or the code of the refusal.
func (a *actor) room(method lime.Method, path, resource string) (address string, code lime.Code) {
	a.t.Helper()
	c := &lime.Command{Method: method, URI: "/rooms" + path}
	if resource != "" {
		c.Type, c.Resource = lime.MediaRoom, []byte(`{"room":`+resource+`}`)
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	answer, err := a.Command(ctx, c)
	var why *lime.Reason
	if errors.As(err, &why) {
		return "", why.Code
	}
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	if method != lime.MethodSubscribe {
		return "", 0
	}
	var got struct{ Address string }
	if err := json.Unmarshal(answer.Resource, &got); err != nil || got.Address == "" {
		a.t.Fatalf("%s %s is answered by %s", method, path, answer.Resource)
	}
	return got.Address, 0
}

// enters enters a room and returns its address.
func (a *actor) enters(path, resource string) string {
	a.t.Helper()
	address, code := a.room(lime.MethodSubscribe, path, resource)
	if code != 0 {
		a.t.Fatalf("%s may not enter %s%s: %d", a.Node(), path, resource, code)
	}
	return address
}

// TestRoomsReachWhoIsInThem, on whichever edge, by either side's wildcards, and nobody else.
func TestRoomsReachWhoIsInThem(t *testing.T) { // H-23, H-25, H-40, H-41
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(rulesOfRooms), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 2, "-room-rules", rules, "-max-rooms", "5")
	ana, rui := arrive(t, c.edges[0], "ana@localhost", ""), arrive(t, c.edges[1], "rui@localhost", "")

	lobby := ana.enters("/public/lobby", "")
	rui.enters("/public/lobby", "")
	var want []string
	for i := range 50 {
		rui.call(lobby, fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
	}
	ana.wantRead("all, in order, from the other edge", want...)
	rui.wantRead("the sender, too, who is in the room", want...)

	depot := rui.enters("", `{"target":"ride","depot":3}`)
	all := ana.enters("", `{"target":"ride","depot":"*"}`)
	ana.call(depot, "1")
	ana.wantRead("a listener's wildcard", "1")
	rui.wantRead("the room itself", "1")
	rui.call(all, "2")
	ana.wantRead("a publisher's wildcard", "2")
	rui.wantRead("the rooms that it means", "2")

	if _, code := rui.room(lime.MethodUnsubscribe, "/public/lobby", ""); code != 0 {
		t.Errorf("who is in a room cannot leave: %d", code)
	}
	ana.call(lobby, "3")
	ana.wantRead("those who stay", "3")
	rui.call(depot, "4")
	ana.wantRead("in the other one, too", "4")
	rui.wantRead("and nothing of what was left", "4")
}

// TestRoomsAreForWhomTheRulesName.
func TestRoomsAreForWhomTheRulesName(t *testing.T) { // H-15, H-20
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(rulesOfRooms), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startCluster(t, 1, "-room-rules", rules, "-max-rooms", "2")
	s := stage{c, place{goLibrary, c.edges[0]}, place{goLibrary, c.edges[0]}}
	name := s.newAccount(t, "lia")
	lia, guest := arrive(t, c.edges[0], name+"@localhost", password), arrive(t, c.edges[0], "eve@localhost", "")
	own := lia.enters("/user/"+name, "")
	news := guest.enters("/news", "")
	for what, row := range map[string]struct {
		who  *actor
		path string
		want lime.Code
	}{
		"a room that no rule names":  {lia, "/secret", lime.CodeCommandNotAllowed},
		"somebody else's":            {guest, "/user/" + name, lime.CodeCommandNotAllowed},
		"a wildcard that is not its": {lia, "/*/" + name, lime.CodeCommandNotAllowed},
	} {
		if _, code := row.who.room(lime.MethodSubscribe, row.path, ""); code != row.want {
			t.Errorf("%s: it is answered %d, want %d", what, code, row.want)
		}
	}
	guest.wantWritten("who may not publish", news, "x", lime.CodeAuthorizationUnauthorizedSender)
	guest.wantWritten("nor there", own, "x", lime.CodeAuthorizationUnauthorizedSender)
	guest.enters("/public/1", "")
	if _, code := guest.room(lime.MethodSubscribe, "/public/2", ""); code != lime.CodeAuthorizationQuotaThresholdExceeded {
		t.Errorf("one room too many is answered %d", code)
	}
	lia.call(own, "mine")
	lia.wantRead("its own room", "mine")
}
