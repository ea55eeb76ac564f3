package resource_test

import (
	"context"
	"testing"

	"limegrove/group"
	"limegrove/lime"
	"limegrove/resource"
)

// overtaken is a store in which others are faster once: between what somebody looks up and
// what he changes.
type overtaken struct {
	*group.Store
	by func()
}

func (o *overtaken) SetIf(ctx context.Context, g group.Group, who lime.Identity, decide func(group.Member) (group.Member, error)) error {
	o.overtake()
	return o.Store.SetIf(ctx, g, who, decide)
}

func (o *overtaken) RemoveIf(ctx context.Context, g group.Group, who lime.Identity, check func(group.Member) error) error {
	o.overtake()
	return o.Store.RemoveIf(ctx, g, who, check)
}

func (o *overtaken) overtake() {
	if by := o.by; by != nil {
		o.by = nil
		by()
	}
}

func TestWhoWasRemovedOrSilencedDoesNotUndoItByAnAddress(t *testing.T) {
	s := newGrouped(t, group.Config{})
	const rui = ops + "/members/rui"
	store := &overtaken{Store: s.store}
	late := newServer(t)
	resource.HandleGroups(late.mux, store, func(context.Context, lime.Identity) (bool, error) { return true, nil }, anybody, []string{"example.org"})
	want(t, "made", s.as("ana", lime.MethodSet, ops, `{}`), 0)
	for _, row := range []struct {
		what, role string
		change     lime.Method
		body       string
		code       lime.Code
		then       string
	}{
		{"silenced", "member", lime.MethodSet, `{"role":"listener"}`, 0, `,{"address":"rui@example.org/2","role":"listener"}`},
		{"removed", "member", lime.MethodDelete, "", lime.CodeAuthorizationPermissionRequired, ""},
		{"removed, who may add others", "moderator", lime.MethodDelete, "", lime.CodeAuthorizationPermissionRequired, ""},
	} {
		want(t, row.what+": a member first", s.as("ana", lime.MethodSet, rui, `{"role":"`+row.role+`"}`), 0)
		store.by = func() { want(t, row.what, s.as("ana", row.change, rui, row.body), 0) }
		r := request(t, "rui@example.org/home", lime.MethodSet, rui, `{"address":"rui@example.org/2"}`)
		r.Type = lime.MediaJSON
		want(t, row.what+": and moves", late.serve(r), row.code)
		s.wantBody(row.what, s.as("ana", lime.MethodGet, ops+"/members", ""), lime.MediaCollection,
			`{"total":`+map[bool]string{true: "1", false: "2"}[row.then == ""]+`,"itemType":"application/vnd.lime.groupmember+json",`+
				`"items":[{"address":"ana@example.org","role":"owner"}`+row.then+`]}`)
	}
}

func TestWhoHasRisenIsNotRemovedByWhoDidNotKnow(t *testing.T) {
	s := newGrouped(t, group.Config{})
	const rui, lia = ops + "/members/rui", ops + "/members/lia"
	store := &overtaken{Store: s.store}
	late := newServer(t)
	resource.HandleGroups(late.mux, store, func(context.Context, lime.Identity) (bool, error) { return true, nil }, anybody, []string{"example.org"})
	want(t, "made", s.as("ana", lime.MethodSet, ops, `{}`), 0)
	want(t, "who removes", s.as("ana", lime.MethodSet, lia, `{"role":"moderator"}`), 0)
	for _, row := range []struct {
		role string
		code lime.Code
	}{
		{"listener", 0},
		{"moderator", lime.CodeAuthorizationPermissionRequired},
		{"owner", lime.CodeAuthorizationPermissionRequired},
	} {
		want(t, "a member first", s.as("ana", lime.MethodSet, rui, `{"role":"member"}`), 0)
		store.by = func() { want(t, "made another", s.as("ana", lime.MethodSet, rui, `{"role":"`+row.role+`"}`), 0) }
		want(t, "a moderator removes who is "+row.role, late.serve(request(t, "lia@example.org/home", lime.MethodDelete, rui, "")), row.code)
		there := lime.Code(0)
		if row.code == 0 {
			there = lime.CodeCommandResourceNotFound
		}
		want(t, "then", s.as("ana", lime.MethodGet, rui, ""), there)
	}
}

// What a group sends comes to who is in it, whoever sends it.
func TestWhoTakesMessagesOfContactsAloneIsAddedByTheseAlone(t *testing.T) {
	s := newGrouped(t, group.Config{})
	strict := newServer(t)
	var failing error
	resource.HandleGroups(strict.mux, s.store, func(context.Context, lime.Identity) (bool, error) { return true, nil },
		func(_ context.Context, owner, by lime.Identity) (bool, error) {
			return owner.Name != "lia" || by.Name == "rui", failing
		}, []string{"example.org"})
	as := func(who string, method lime.Method, uri, body string) resource.Response {
		r := request(t, who+"@example.org/home", method, uri, body)
		r.Type = lime.MediaJSON
		return strict.serve(r)
	}
	const lia = ops + "/members/lia"
	want(t, "made", as("ana", lime.MethodSet, ops, `{"type":"public"}`), 0)
	want(t, "a moderator", as("ana", lime.MethodSet, ops+"/members/rui", `{"role":"moderator"}`), 0)
	want(t, "by the owner, whom she does not know", as("ana", lime.MethodSet, lia, `{}`), lime.CodeAuthorizationPermissionRequired)
	want(t, "as a listener", as("ana", lime.MethodSet, ops+"/members", `{"address":"lia@example.org","role":"listener"}`), lime.CodeAuthorizationPermissionRequired)
	want(t, "she is not in", as("ana", lime.MethodGet, lia, ""), lime.CodeCommandResourceNotFound)
	failing = context.DeadlineExceeded
	want(t, "nobody can tell", as("rui", lime.MethodSet, lia, `{}`), lime.CodeCommandProcessingError)
	failing = nil
	want(t, "by a contact", as("rui", lime.MethodSet, lia, `{}`), 0)
	want(t, "who is in has agreed", as("ana", lime.MethodSet, lia, `{"role":"listener"}`), 0)
	want(t, "she leaves", as("lia", lime.MethodDelete, lia, ""), 0)
	want(t, "and comes by herself", as("lia", lime.MethodSet, lia, `{}`), 0)
}
