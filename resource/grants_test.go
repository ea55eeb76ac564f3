package resource_test

import (
	"context"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
	"limegrove/room"
)

// grants are kept in memory, by folded identity.
type grants map[lime.Identity]room.Rules

func (g grants) Grant(_ context.Context, id lime.Identity, rules room.Rules) error {
	g[id.Fold()] = rules
	return nil
}

func (g grants) Revoke(_ context.Context, id lime.Identity) error {
	if _, ok := g[id.Fold()]; !ok {
		return &lime.Reason{Code: lime.CodeCommandResourceNotFound}
	}
	delete(g, id.Fold())
	return nil
}

func (g grants) Granted(_ context.Context, id lime.Identity) (room.Rules, error) {
	return g[id.Fold()], nil
}

func TestGrantsForRoomsAreSetByAuthorities(t *testing.T) {
	s, g := newServer(t), grants{}
	resource.HandleGrants(s.mux, g, func(_ context.Context, i lime.Identity) (bool, error) {
		return !strings.EqualFold(i.Name, "nobody"), nil
	})
	const hers, rules = "lime://Ana@example.org/room-grants", `{"rooms":[{"room":"/ride/42","may":["publish","enter"]}]}`
	ask := func(from string, role lime.Role, method lime.Method, uri, body string) resource.Response {
		t.Helper()
		r := request(t, from, method, uri, body)
		if r.Role = role; body != "" {
			r.Type = lime.MediaRoomGrants
		}
		return s.serve(r)
	}
	for why, row := range map[string]struct {
		from string
		role lime.Role
		code lime.Code
	}{
		"the owner":                   {home, lime.RoleMember, 35},
		"somebody else":               {"rui@example.org/1", lime.RoleMember, 35},
		"authority elsewhere":         {"gw@partner.example/1", lime.RoleAuthority, 35},
		"authority below":             {"gw@sub.example.org/1", lime.RoleRootAuthority, 35},
		"authority above, for itself": {"gw@org/1", lime.RoleAuthority, 35},
		"authority above":             {"gw@org/1", lime.RoleRootAuthority, 0},
		"authority":                   {"gw@example.org/1", lime.RoleAuthority, 0},
	} {
		want(t, why+" sets", ask(row.from, row.role, lime.MethodSet, hers, rules), row.code)
		if row.code == 0 {
			want(t, why+" gets", ask(row.from, row.role, lime.MethodGet, hers, ""), 0)
			want(t, why+" removes", ask(row.from, row.role, lime.MethodDelete, hers, ""), 0)
			want(t, why+" again", ask(row.from, row.role, lime.MethodDelete, hers, ""), 67)
		} else {
			want(t, why+" removes", ask(row.from, row.role, lime.MethodDelete, hers, ""), 35)
		}
		if len(g) != 0 {
			t.Errorf("%s: there are %v", why, g)
		}
	}
	const gw = "gw@example.org/1"
	set := func(body string) resource.Response { return ask(gw, lime.RoleAuthority, lime.MethodSet, hers, body) }
	want(t, "set", set(rules), 0)
	for _, uri := range []string{"/room-grants", hers} {
		res := ask(home, lime.RoleMember, lime.MethodGet, uri, "")
		want(t, "the owner may look", res, 0)
		if got := string(res.Resource); got != `{"rooms":[{"room":"/ride/42","may":["enter","publish"]}]}` || res.Type != lime.MediaRoomGrants {
			t.Errorf("it is %s %s", res.Type, got)
		}
	}
	want(t, "nobody else may", ask("rui@example.org/1", lime.RoleMember, lime.MethodGet, hers, ""), 35)
	guest := request(t, home, lime.MethodGet, "/room-grants", "")
	guest.Guest = true
	want(t, "a guest of the name", s.serve(guest), 35)
	behalf := request(t, home, lime.MethodGet, "/room-grants", "")
	behalf.PP = lime.MustParseNode("rui@example.org/1")
	want(t, "somebody else in her name", s.serve(behalf), 35)
	if got := string(ask("rui@example.org/1", lime.RoleMember, lime.MethodGet, "/room-grants", "").Resource); got != `{"rooms":[]}` {
		t.Errorf("who was granted nothing is shown %s", got)
	}
	want(t, "of nobody", ask(gw, lime.RoleAuthority, lime.MethodSet, "lime://nobody@example.org/room-grants", rules), 67)
	want(t, "another method", ask(gw, lime.RoleAuthority, lime.MethodMerge, hers, rules), 63)

	many := `{"rooms":[` + strings.TrimSuffix(strings.Repeat(`{"room":"/x","may":["enter"]},`, room.MaxGrants+1), ",") + `]}`
	for why, body := range map[string]string{
		"no object": `[]`, "no rooms": `{}`, "rooms that are null": `{"rooms":null}`, "no array": `{"rooms":{"room":"/x","may":["enter"]}}`,
		"another member": `{"rooms":[],"who":"members"}`, "rules for others": `{"rooms":[{"room":"/x","who":"members","may":["enter"]}]}`,
		"no right": `{"rooms":[{"room":"/x","may":["own"]}]}`, "no room": `{"rooms":[{"room":"x","may":["enter"]}]}`, "too many": many,
		"too long": `{"rooms":[` + strings.Repeat(" ", room.MaxGrantsBytes) + `]}`,
	} {
		res := set(body)
		want(t, why, res, 64)
		if res.Reason != nil && len(res.Reason.Description) > 1000 {
			t.Errorf("%s: %s", why, res.Reason.Description)
		}
	}
	if len(g) != 1 {
		t.Errorf("there are %v", g)
	}
	want(t, "an empty list", set(`{"rooms":[]}`), 0)
}
