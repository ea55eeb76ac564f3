package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"limegrove/group"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/resource"
)

// grouped is a mux with groups, over a store of the test's own.
type grouped struct {
	*server
	store *group.Store
}

func newGrouped(t testing.TB, cfg group.Config) grouped {
	t.Helper()
	cfg.JetStream = natstest.JetStream(t)
	store, err := group.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	resource.HandleGroups(s.mux, store, func(_ context.Context, i lime.Identity) (bool, error) {
		return strings.EqualFold(i.Domain, "example.org") && i.Name != "nobody", nil
	}, anybody, []string{"example.org"})
	return grouped{s, store}
}

// anybody is what an account says that lets everybody put it into groups.
func anybody(context.Context, lime.Identity, lime.Identity) (bool, error) { return true, nil }

// as asks in the name of somebody at home.
func (g grouped) as(who string, method lime.Method, uri, body string) resource.Response {
	g.t.Helper()
	r := request(g.t, who+"@example.org/home", method, uri, body)
	r.Type = lime.MediaJSON
	return g.serve(r)
}

// wantBody fails the test unless the answer is that text, in which $ stands for a time.
func (g grouped) wantBody(what string, res resource.Response, mediaType, body string) {
	g.t.Helper()
	want(g.t, what, res, 0)
	text := string(res.Resource)
	if before, rest, ok := strings.Cut(text, `"created":"`); ok {
		_, after, _ := strings.Cut(rest, `"`)
		text = before + `"created":"$"` + after
	}
	if res.Type != mediaType || text != body {
		g.t.Errorf("%s:\n got %s %s\nwant %s %s", what, res.Type, text, mediaType, body)
	}
}

const ops = "/groups/ops@groups.example.org"

func TestGroupIsMadeReadAndDeleted(t *testing.T) {
	s := newGrouped(t, group.Config{})
	want(t, "before", s.as("ana", lime.MethodGet, ops, ""), lime.CodeCommandResourceNotFound)
	want(t, "made", s.as("Ana", lime.MethodSet, "/groups", `{"identity":"Ops@groups.example.org","name":"Ops","type":"Public","description":null,"creator":"rui@x"}`), 0)
	const made = `{"identity":"Ops@groups.example.org","name":"Ops","type":"public","creator":"Ana@example.org","created":"$",` +
		`"members":"/groups/Ops@groups.example.org/members"}`
	s.wantBody("read by anybody", s.as("rui", lime.MethodGet, ops, ""), lime.MediaGroup, made)
	s.wantBody("by its name", s.as("rui", lime.MethodGet, "/groups/OPS", ""), lime.MediaGroup, made)
	s.wantBody("among hers", s.as("ana", lime.MethodGet, "/groups", ""), lime.MediaCollection,
		`{"total":1,"itemType":"application/vnd.lime.group+json","items":[`+made+`]}`)
	s.wantBody("a page of none", s.as("ana", lime.MethodGet, "/groups?$take=0", ""), lime.MediaCollection,
		`{"total":1,"itemType":"application/vnd.lime.group+json","items":[]}`)

	want(t, "merged", s.as("ana", lime.MethodMerge, ops, `{"photoUri":"http://x/y"}`), 0)
	s.wantBody("then", s.as("ana", lime.MethodGet, ops, ""), lime.MediaGroup,
		strings.Replace(made, `"creator"`, `"photoUri":"http://x/y","creator"`, 1))
	want(t, "replaced", s.as("ana", lime.MethodSet, ops, `{"type":"private"}`), 0)
	want(t, "of nobody's business", s.as("rui", lime.MethodGet, ops, ""), lime.CodeAuthorizationPermissionRequired)
	s.wantBody("all else is gone", s.as("ana", lime.MethodGet, ops, ""), lime.MediaGroup,
		strings.NewReplacer(`"name":"Ops",`, "", "public", "private").Replace(made))

	want(t, "deleted", s.as("ana", lime.MethodDelete, ops, ""), 0)
	want(t, "and again", s.as("ana", lime.MethodDelete, ops, ""), lime.CodeCommandResourceNotFound)
}

func TestWhatIsNoGroup(t *testing.T) {
	s := newGrouped(t, group.Config{})
	for _, row := range []struct {
		uri, body string
		code      lime.Code
	}{
		{"/groups", `{}`, lime.CodeValidationInvalidIdentity},
		{"/groups", `{"identity":"ops@example.org"}`, lime.CodeValidationInvalidIdentity},
		{"/groups", `{"identity":"ops@groups.elsewhere.org"}`, lime.CodeValidationInvalidIdentity},
		{"/groups", `{"identity":"postmaster@groups.example.org"}`, lime.CodeValidationInvalidIdentity},
		{"/groups", `{"identity":"a@b@c"}`, lime.CodeCommandInvalidArgument},
		{"/groups", `{"identity":7}`, lime.CodeCommandInvalidArgument},
		{"/groups", `[]`, lime.CodeCommandInvalidArgument},
		{"/groups", `null`, lime.CodeValidationEmptyDocument},
		{ops, `{"identity":"other@groups.example.org"}`, lime.CodeCommandInvalidArgument},
		{ops, `{"type":"secret"}`, lime.CodeCommandInvalidArgument},
		{ops, `{"name":"` + strings.Repeat("x", 257) + `"}`, lime.CodeCommandInvalidArgument},
		{ops, `{"description":"` + strings.Repeat("x", 4097) + `"}`, lime.CodeCommandInvalidArgument},
		{ops, `{"photoUri":"` + strings.Repeat("x", 2049) + `"}`, lime.CodeCommandInvalidArgument},
		{"/groups/ops@example.org", `{}`, lime.CodeValidationInvalidIdentity},
	} {
		want(t, row.uri+" "+row.body, s.as("ana", lime.MethodSet, row.uri, row.body), row.code)
	}
	r := request(t, "ana@example.org/home", lime.MethodSet, ops, `{}`)
	r.Type = lime.MediaPresence
	want(t, "another type", s.serve(r), lime.CodeValidationInvalidResource)
	r.Type, r.Guest = lime.MediaGroup, true
	want(t, "a guest", s.serve(r), lime.CodeAuthorizationPermissionRequired)
	r.Guest, r.PP = false, lime.MustParseNode("rui@example.org/1")
	want(t, "for another", s.serve(r), lime.CodeAuthorizationPermissionRequired)
	for _, method := range []lime.Method{lime.MethodSubscribe, lime.MethodDelete} {
		want(t, method.String(), s.as("ana", method, "/groups", ""), lime.CodeCommandMethodNotSupported)
	}
	if all, err := s.store.GroupsOf(t.Context(), lime.MustParseIdentity("ana@example.org")); len(all) != 0 || err != nil {
		t.Errorf("there are %v, %v", all, err)
	}
}

func TestMembersOfAGroup(t *testing.T) {
	s := newGrouped(t, group.Config{MaxMembers: 4})
	want(t, "made", s.as("ana", lime.MethodSet, ops, `{}`), 0)
	want(t, "Rui, as he is called", s.as("ana", lime.MethodSet, ops+"/members", `{"address":"Rui@Example.org"}`), 0)
	want(t, "Lia's node", s.as("ana", lime.MethodSet, ops+"/members/lia@example.org/home/1", `{"role":"listener"}`), 0)
	want(t, "Bia, by the specification's word", s.as("ana", lime.MethodSet, ops+"/members", `{"identity":"bia","role":"moderator"}`), 0)
	s.wantBody("all", s.as("lia", lime.MethodGet, ops+"/members", ""), lime.MediaCollection, `{"total":4,`+
		`"itemType":"application/vnd.lime.groupmember+json","items":[{"address":"ana@example.org","role":"owner"},`+
		`{"address":"bia@example.org","role":"moderator"},{"address":"lia@example.org/home/1","role":"listener"},`+
		`{"address":"Rui@Example.org","role":"member"}]}`)
	s.wantBody("one", s.as("rui", lime.MethodGet, ops+"/members/LIA@example.org", ""), lime.MediaMember,
		`{"address":"lia@example.org/home/1","role":"listener"}`)
	s.wantBody("her node", s.as("rui", lime.MethodGet, ops+"/members/lia@example.org/home/1", ""), lime.MediaMember,
		`{"address":"lia@example.org/home/1","role":"listener"}`)

	for what, row := range map[string]struct {
		res  resource.Response
		code lime.Code
	}{
		"another node": {s.as("rui", lime.MethodGet, ops+"/members/lia@example.org/2", ""), lime.CodeCommandResourceNotFound},
		"remove it":    {s.as("ana", lime.MethodDelete, ops+"/members/lia@example.org/2", ""), lime.CodeCommandResourceNotFound},
		"nobody":       {s.as("ana", lime.MethodGet, ops+"/members/nobody", ""), lime.CodeCommandResourceNotFound},
		"one too many": {s.as("ana", lime.MethodSet, ops+"/members/eva", `{}`), lime.CodeAuthorizationQuotaThresholdExceeded},
		"no account":   {s.as("ana", lime.MethodSet, ops+"/members/nobody", `{}`), lime.CodeAuthorizationDestinationAccountNotFound},
		"a group":      {s.as("ana", lime.MethodSet, ops+"/members/x@groups.example.org", `{}`), lime.CodeValidationInvalidIdentity},
		"a server":     {s.as("ana", lime.MethodSet, ops+"/members/postmaster", `{}`), lime.CodeValidationInvalidIdentity},
		"no role":      {s.as("ana", lime.MethodSet, ops+"/members/rui", `{"role":"king"}`), lime.CodeCommandInvalidArgument},
		"two at once":  {s.as("ana", lime.MethodSet, ops+"/members/rui", `{"address":"eva@example.org"}`), lime.CodeCommandInvalidArgument},
		"no address":   {s.as("ana", lime.MethodSet, ops+"/members", `{}`), lime.CodeCommandInvalidArgument},
		"no object":    {s.as("ana", lime.MethodSet, ops+"/members", `"rui"`), lime.CodeCommandInvalidArgument},
		"no group":     {s.as("ana", lime.MethodGet, "/groups/none/members", ""), lime.CodeCommandResourceNotFound},
		"last owner":   {s.as("ana", lime.MethodDelete, ops+"/members/ana", ""), lime.CodeCommandNotAllowed},
	} {
		want(t, what, row.res, row.code)
	}
	want(t, "Ana gives Lia another node", s.as("ana", lime.MethodSet, ops+"/members", `{"address":"lia@example.org/nowhere"}`), lime.CodeAuthorizationPermissionRequired)
	want(t, "Bia, too", s.as("bia", lime.MethodSet, ops+"/members/lia", `{"address":"lia@example.org/nowhere","role":"listener"}`), lime.CodeAuthorizationPermissionRequired)
	want(t, "Bia names a node for Rui", s.as("bia", lime.MethodSet, ops+"/members", `{"address":"rui@example.org/nowhere"}`), lime.CodeAuthorizationPermissionRequired)
	want(t, "Bia makes Lia what she is, without her node", s.as("bia", lime.MethodSet, ops+"/members/lia", `{"role":"listener"}`), 0)
	s.wantBody("Lia stays where she was", s.as("rui", lime.MethodGet, ops+"/members/lia", ""), lime.MediaMember,
		`{"address":"lia@example.org/home/1","role":"listener"}`)
	want(t, "Rui leaves", s.as("rui", lime.MethodDelete, ops+"/members/rui", ""), 0)
	want(t, "he sees nothing then", s.as("rui", lime.MethodGet, ops+"/members", ""), lime.CodeAuthorizationPermissionRequired)
	want(t, "Lia moves", s.as("lia", lime.MethodSet, ops+"/members/lia", `{"address":"lia@example.org/2"}`), 0)
	want(t, "and may not speak by that", s.as("lia", lime.MethodSet, ops+"/members/lia", `{"role":"member"}`), lime.CodeAuthorizationPermissionRequired)
}

func TestGroupsOfOthersLeaveRoomForOnesOwn(t *testing.T) {
	s := newGrouped(t, group.Config{MaxGroups: 1})
	for _, step := range []struct {
		what, who, uri, body string
		code                 lime.Code
	}{
		{"Eva's group", "eva", ops, `{"type":"public"}`, 0},
		{"she puts Rui into it", "eva", ops + "/members/rui", `{}`, 0},
		{"Bia's group", "bia", "/groups/more", `{"type":"public"}`, 0},
		{"into which she cannot put him", "bia", "/groups/more/members/rui", `{}`, lime.CodeAuthorizationQuotaThresholdExceeded},
		{"but he joins", "rui", "/groups/more/members/rui", `{}`, 0},
		{"and has what he may have", "rui", "/groups/his", `{}`, lime.CodeAuthorizationQuotaThresholdExceeded},
	} {
		want(t, step.what, s.as(step.who, lime.MethodSet, step.uri, step.body), step.code)
	}
}

// TestGroupsAreForWhomTheyAre asks for everything in every role and type, and holds the
// answers against package group's table, which is tested by itself.
func TestGroupsAreForWhomTheyAre(t *testing.T) {
	s := newGrouped(t, group.Config{})
	roles := []string{"stranger", "listener", "member", "moderator", "owner"}
	for _, in := range []group.Type{group.Private, group.Public, group.Temporary} {
		n := 0
		for r := group.Stranger; r <= group.Owner; r++ {
			for what, ask := range map[string]struct {
				may    bool
				method lime.Method
				path   string
				body   string
			}{
				"see":             {r.May(group.See, in), lime.MethodGet, "", ""},
				"list":            {r.May(group.List, in), lime.MethodGet, "/members", ""},
				"look for one":    {r.May(group.List, in), lime.MethodGet, "/members/other", ""},
				"add":             {r.May(group.Add, in), lime.MethodSet, "/members/new", `{"role":"listener"}`},
				"add a moderator": {r.May(group.Rank, in), lime.MethodSet, "/members/new", `{"role":"moderator"}`},
				"mute":            {r.May(group.Add, in), lime.MethodSet, "/members/other", `{"role":"listener"}`},
				"promote":         {r.May(group.Rank, in), lime.MethodSet, "/members/other", `{"role":"owner"}`},
				"promote oneself": {r == group.Owner, lime.MethodSet, "/members/$", `{"role":"owner"}`},
				"kick":            {r.MayKick(group.Speaker, in), lime.MethodDelete, "/members/other", ""},
				"kick a chief":    {r.MayKick(group.Moderator, in), lime.MethodDelete, "/members/chief", ""},
				"kick the boss":   {r.MayKick(group.Owner, in), lime.MethodDelete, "/members/boss", ""},
				"leave":           {r.May(group.Leave, in), lime.MethodDelete, "/members/$", ""},
				"join":            {r == group.Stranger && r.May(group.Join, in) || r > group.Stranger, lime.MethodSet, "/members/$", `{}`},
				"change":          {r.May(group.Change, in), lime.MethodMerge, "", `{"name":"new"}`},
				"replace":         {r.May(group.Change, in), lime.MethodSet, "", `{"type":"` + in.String() + `"}`},
				"delete":          {r.May(group.Delete, in), lime.MethodDelete, "", ""},
			} {
				n++
				at := fmt.Sprintf("/groups/%s-%d", in, n)
				s.makeGroup(at, in)
				if r > group.Stranger {
					want(t, "set up", s.as("boss", lime.MethodSet, at+"/members/"+roles[r], `{"role":"`+r.String()+`"}`), 0)
				}
				code := lime.Code(0)
				if !ask.may {
					code = lime.CodeAuthorizationPermissionRequired
				}
				path := strings.ReplaceAll(ask.path, "$", roles[r])
				want(t, fmt.Sprintf("%s in a %s group as %s", what, in, roles[r]), s.as(roles[r], ask.method, at+path, ask.body), code)
			}
		}
	}
}

// makeGroup makes a group of a boss, a chief, who is a moderator, and another.
func (g grouped) makeGroup(at string, in group.Type) {
	g.t.Helper()
	want(g.t, "set up", g.as("boss", lime.MethodSet, at, `{"type":"`+in.String()+`"}`), 0)
	want(g.t, "set up", g.as("boss", lime.MethodSet, at+"/members/chief", `{"role":"moderator"}`), 0)
	want(g.t, "set up", g.as("boss", lime.MethodSet, at+"/members/other", `{}`), 0)
}

func TestTemporaryGroupKnowsItsSession(t *testing.T) {
	s := newGrouped(t, group.Config{})
	want(t, "made", s.as("ana", lime.MethodSet, ops, `{"type":"temporary"}`), 0)
	want(t, "for good", s.as("ana", lime.MethodMerge, ops, `{"type":"private"}`), lime.CodeCommandInvalidArgument)
	r := request(t, "ana@example.org", lime.MethodSet, "/groups/brief", `{"type":"temporary"}`)
	r.Type, r.PP = lime.MediaGroup, lime.MustParseNode("ana@example.org/phone")
	want(t, "made by pp", s.serve(r), 0)
	for name, instance := range map[string]string{"ops": "home", "brief": "phone"} {
		g, err := s.store.Get(t.Context(), lime.Identity{Name: name, Domain: "groups.example.org"})
		if err != nil || g.Session.Instance != instance || g.Type != group.Temporary {
			t.Errorf("%s is of %v, %v", name, g.Session, err)
		}
	}
}

// The resource that is returned is one that can be sent.
func TestGroupIsWrittenAsItIsRead(t *testing.T) {
	s := newGrouped(t, group.Config{})
	want(t, "made", s.as("ana", lime.MethodSet, ops, `{"name":"Ops"}`), 0)
	res := s.as("ana", lime.MethodGet, ops, "")
	want(t, "sent back", s.as("ana", lime.MethodSet, "/groups", string(res.Resource)), 0)
	if again := s.as("ana", lime.MethodGet, ops, ""); string(again.Resource) != string(res.Resource) || !json.Valid(res.Resource) {
		t.Errorf("it became %s", again.Resource)
	}
}
