package presencetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/presence"
)

func registerReturnsTheWholeView(t *testing.T, w *world) {
	w.live("e1", "e2")
	v1, replaced := w.register(reg("ana@x/b", "e1", "s1"))
	if replaced != nil {
		t.Errorf("a first session replaced %v", replaced)
	}
	w.wantSessions("first", v1, "s1")
	v2, _ := w.register(reg("ana@x/a", "e2", "s2"))
	w.wantSessions("sorted by instance", v2, "s2", "s1")
	if v2.Version != v1.Version+1 {
		t.Errorf("versions %d, %d, want successors", v1.Version, v2.Version)
	}
	if v := w.view("ana@x"); v.Version != v2.Version || len(v.Registrations) != 2 {
		t.Errorf("View gives %v, Register gave %v", v, v2)
	}
	raw, err := w.store.RawView(w.ctx(), lime.MustParseIdentity("ana@x"))
	w.must("raw view", err)
	w.wantSessions("raw view", raw, "s2", "s1")
	w.wantSessions("another identity", w.view("rui@x"))
	if v := w.view("rui@x"); v.Version != 0 {
		t.Errorf("nobody's view has version %d, want 0", v.Version)
	}
}

func everythingComesBack(t *testing.T, w *world) {
	w.live("edge-1-af3c")
	r := reg("Ana.Ção@Example.ORG/Home 1", "edge-1-af3c", "52d59849-19a8-4b2d-86b7-3fa563cdb616")
	r.Guest = true
	r.Presence = lime.Presence{
		Status: lime.StatusBusy, Message: "até já\n☕", RoutingRule: lime.RouteIdentityByPriority, Priority: -7,
		FilterByDistance: true, RoundRobin: true, Echo: true, Promiscuous: true,
	}
	v, _ := w.register(r)
	if got := fmt.Sprintf("%+v", v.Registrations); got != fmt.Sprintf("%+v", []presence.Registration{r}) {
		t.Errorf("got %s\nwant %+v", got, r)
	}
}

func newerReplaces(t *testing.T, w *world) {
	w.live("e1", "e2")
	w.register(reg("ana@x/1", "e1", "s1"))
	v, replaced := w.register(reg("ana@x/1", "e2", "s2"))
	if replaced == nil || replaced.Session != "s1" || replaced.Edge != "e1" {
		t.Errorf("replaced %v, want s1 of e1", replaced)
	}
	w.wantSessions("after", v, "s2")
	if v.Again {
		t.Error("a session that has replaced another one held the node already")
	}
	v, replaced = w.register(reg("ana@x/1", "e2", "s2"))
	if replaced != nil {
		t.Errorf("a session replaced itself: %v", replaced)
	}
	if !v.Again {
		t.Error("nobody tells that the session held the node already")
	}
	if v, _ = w.register(reg("ana@x/2", "e2", "s2")); v.Again {
		t.Error("a session held another node already")
	}
}

func olderKeeps(t *testing.T, w *world) {
	w.live("e1", "e2")
	w.register(reg("ana@x/1", "e1", "s1"))
	_, _, err := w.store.Register(w.ctx(), reg("Ana@x/1", "e2", "s2"), true)
	if !errors.Is(err, presence.ErrTaken) || !strings.HasPrefix(err.Error(), "register Ana@x/1: ") {
		t.Errorf("got %v, want ErrTaken that says what was done", err)
	}
	_, _, err = w.store.Register(w.ctx(), reg("ana@x/1", "e1", "s1"), true)
	w.must("the older session itself", err)
	v, _, err := w.store.Register(w.ctx(), reg("ana@x/2", "e2", "s2"), true)
	w.must("a free node", err)
	w.wantSessions("after", v, "s1", "s2")
}

func deadKeepsNothing(t *testing.T, w *world) {
	w.live("e2")
	w.die("e1")
	w.register(reg("ana@x/1", "e1", "s1"))
	v, replaced, err := w.store.Register(w.ctx(), reg("ana@x/1", "e2", "s2"), true)
	w.must("take over", err)
	if replaced == nil || replaced.Session != "s1" {
		t.Errorf("replaced %v, want s1", replaced)
	}
	w.wantSessions("after", v, "s2")
}

func spellings(t *testing.T, w *world) {
	w.live("e1")
	w.register(reg("ANA@X/Phone", "e1", "s1"))
	v, replaced := w.register(reg("ana@x/phone", "e1", "s2"))
	if replaced == nil || replaced.Node != lime.MustParseNode("ANA@X/Phone") {
		t.Errorf("replaced %v, want ANA@X/Phone as it was announced", replaced)
	}
	w.wantSessions("after", v, "s2")
	w.wantSessions("other spelling", w.view("aNa@X"), "s2")
	_, err := w.store.Unregister(w.ctx(), lime.MustParseNode("Ana@x/PHONE"), "s2")
	w.must("unregister", err)
}

func strangeNames(t *testing.T, w *world) {
	w.live("e1")
	names := []string{"a{b}c", "a", "{}", "}", "{", "%7b", "a%40x", "lg", "é", "*", "[a-z]", "a b", "\\"}
	for i, n := range names {
		w.register(reg(n+"@x/1", "e1", fmt.Sprint("s", i)))
	}
	for i, n := range names {
		w.wantSessions(n, w.view(n+"@x"), fmt.Sprint("s", i))
	}
	w.die("e1")
	removed, err := w.store.Sweep(w.ctx(), func(presence.EdgeID) bool { return true })
	w.must("sweep", err)
	var got []string
	for _, r := range removed {
		got = append(got, r.Node.Name)
	}
	slices.Sort(got)
	slices.Sort(names)
	if !slices.Equal(got, names) {
		t.Errorf("swept %q, want %q", got, names)
	}
}

func badRegistrations(t *testing.T, w *world) {
	long := strings.Repeat("x", 128)
	for _, r := range []presence.Registration{
		reg("ana@x", "e1", "s"), reg("@x/1", "e1", "s"), reg("ana@x/1", "e1", ""), reg("ana@x/1", "e1", long),
		reg("ana@x/1", "", "s"), reg("ana@x/1", "e.1", "s"), reg("ana@x/1", presence.EdgeID(long), "s"),
		{Node: lime.Node{Identity: lime.Identity{Name: "ana", Domain: "x"}, Instance: "\nv"}, Edge: "e1", Session: "s"},
	} {
		if _, _, err := w.store.Register(w.ctx(), r, false); err == nil {
			t.Errorf("%+v was registered", r)
		}
	}
	if v := w.view("ana@x"); v.Version != 0 {
		t.Errorf("something was stored: %v", v)
	}
}
