package resource_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

// names are of what a list returned, and its total.
func names(t testing.TB, res resource.Response) (all []string, total int) {
	t.Helper()
	var c struct {
		Total    int
		ItemType string
		Items    []struct{ Identity string }
	}
	if err := json.Unmarshal(res.Resource, &c); err != nil || c.ItemType != lime.MediaAccount || res.Type != lime.MediaCollection {
		t.Fatalf("the list is %s %s %v: %v", res.Type, res.Resource, res.Reason, err)
	}
	for _, i := range c.Items {
		all = append(all, i.Identity)
	}
	return all, c.Total
}

func TestDirectoryShowsWhatIsPublished(t *testing.T) {
	s := newServer(t)
	for who, members := range map[string]string{
		"ana@example.org": `"publishToDirectory":true,"fullName":"Ana","city":"Lagos","taxDocument":"1","inboxSize":3`,
		"bia@example.org": `"publishToDirectory":true,"fullName":"Bia","city":"LAGOS"`,
		"cid@example.org": `"publishToDirectory":true,"fullName":"Cid","city":"Faro","isGroupEnabled":true`,
		"dom@example.org": `"publishToDirectory":false,"city":"Lagos"`,
		"eva@example.org": `"city":"Lagos"`,
		"fay@localhost":   `"publishToDirectory":true,"city":"Lagos"`,
	} {
		want(t, who, s.register(who, `{`+s3cret+`,`+members+`}`), 0)
	}
	for uri, wanted := range map[string]string{
		"/accounts":                                    "ana bia cid of 3",
		"lime://example.org/accounts":                  "ana bia cid of 3",
		"lime://EXAMPLE.org/Accounts/":                 "ana bia cid of 3",
		"/accounts?take=1&skip=1":                      "bia of 3",
		"/accounts?$take=1":                            "ana of 3",
		"/accounts?city=lagos":                         "ana bia of 2",
		"/accounts?city=lagos&fullName=Bia":            "bia of 1",
		"/accounts?isGroupEnabled=true":                "cid of 1",
		"/accounts?city=nowhere":                       " of 0",
		"/accounts?taxDocument=1":                      " of 0", // nobody can ask whose it is
		"lime://example.org/accounts?city=Faro&take=0": " of 0",
	} {
		all, total := names(t, s.do("rui@example.org/desk", lime.MethodGet, uri, ""))
		got := strings.ReplaceAll(strings.Join(all, " "), "@example.org", "") + " of " + string(rune('0'+total))
		if strings.HasSuffix(uri, "take=0") {
			got = " of 0" // a page of nothing says how many there are
			if total != 1 {
				t.Errorf("%s: %d in total", uri, total)
			}
		}
		if got != wanted {
			t.Errorf("%s: %s, want %s", uri, got, wanted)
		}
	}
	res := s.do("rui@example.org/desk", lime.MethodGet, "/accounts/ANA", "")
	want(t, "one of them", res, 0)
	if got := string(res.Resource); got != `{"city":"Lagos","creationDate":"2026-01-02T03:04:05.678Z","fullName":"Ana","identity":"ana@example.org"}` {
		t.Errorf("strangers see %s", got)
	}
}

func TestDirectoryFollowsTheAccount(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`,"publishToDirectory":true,"city":"Lagos"}`), 0)
	seen := func(what, city string) {
		t.Helper()
		res := s.do("rui@example.org/desk", lime.MethodGet, "/accounts/ana@example.org", "")
		if city == "" {
			want(t, what, res, 67)
		} else if want(t, what, res, 0); !strings.Contains(string(res.Resource), city) {
			t.Errorf("%s: %s", what, res.Resource)
		}
	}
	seen("at once", "Lagos")
	want(t, "merge", s.do(home, lime.MethodMerge, "/account", `{"city":"Faro"}`), 0)
	seen("changed", "Faro")
	before := s.book.accounts[lime.MustParseIdentity("ana@example.org")].account
	s.book.behind = &before // a replica that has yet to hear of the next change
	want(t, "merge", s.do(home, lime.MethodMerge, "/account", `{"city":"Evora"}`), 0)
	seen("changed, and read at once", "Evora")
	s.book.behind = nil
	want(t, "set", s.do(home, lime.MethodSet, "/account", `{"city":"Beja"}`), 0)
	seen("set without it", "")
	want(t, "merge", s.do(home, lime.MethodMerge, "/account", `{"publishToDirectory":true}`), 0)
	seen("published again", "Beja")
	want(t, "delete", s.do(home, lime.MethodDelete, "/account", ""), 0)
	seen("deleted", "")
	if len(s.directory) != 0 {
		t.Errorf("%v is left in the directory", s.directory)
	}
}

func TestWhoSeesTheDirectory(t *testing.T) {
	s := newServer(t)
	for _, who := range []string{"ana@example.org", "bia@localhost"} {
		want(t, who, s.register(who, `{`+s3cret+`,"email":"x@y"}`), 0)
	}
	as := func(from string, role lime.Role, uri string) resource.Response {
		r := request(t, from, lime.MethodGet, uri, "")
		r.Role = role
		return s.serve(r)
	}
	for _, row := range []struct {
		who       string
		role      lime.Role
		uri       string
		code      lime.Code
		seesEmail bool
	}{
		{"rui@example.org", lime.RoleMember, "/accounts/ana@example.org", 67, false},
		{"rui@example.org", lime.RoleMember, "/accounts/nobody@example.org", 67, false}, // told apart by nothing
		{"ana@example.org", lime.RoleMember, "/accounts/ana@example.org", 0, true},
		{"rui@example.org", lime.RoleMember, "lime://localhost/accounts", 35, false},
		{"rui@example.org", lime.RoleMember, "lime://localhost/accounts/bia@localhost", 35, false},
		{"rui@example.org", lime.RoleMember, "/accounts/bia@localhost", 64, false},
		{"rui@example.org", lime.RoleMember, "/accounts/@example.org", 64, false},
		{"rui@example.org", lime.RoleMember, "lime://ana@example.org/accounts", 35, false},
		{"gw@example.org", lime.RoleAuthority, "/accounts/ana@example.org", 0, true},
		{"gw@example.org", lime.RoleAuthority, "/accounts/nobody@example.org", 67, false},
		{"gw@example.org", lime.RoleAuthority, "lime://localhost/accounts/bia@localhost", 35, false},
		{"gw@org", lime.RoleAuthority, "lime://example.org/accounts/ana@example.org", 35, false},
		{"gw@org", lime.RoleRootAuthority, "lime://example.org/accounts/ana@example.org", 0, true},
		{"gw@org", lime.RoleRootAuthority, "lime://example.org/accounts", 0, false},
		{"gw@le.org", lime.RoleRootAuthority, "lime://example.org/accounts", 35, false},
	} {
		res := as(row.who+"/1", row.role, row.uri)
		want(t, row.who+" "+row.uri, res, row.code)
		if strings.Contains(string(res.Resource), "x@y") != row.seesEmail {
			t.Errorf("%s %s: sees %s", row.who, row.uri, res.Resource)
		}
	}
	guest := request(t, "5f0c@example.org/1", lime.MethodGet, "/accounts", "")
	guest.Guest = true
	want(t, "a guest", s.serve(guest), 35)
	delegate := request(t, ana, lime.MethodGet, "/accounts", "")
	delegate.PP = lime.MustParseNode("rui@example.org/1")
	want(t, "in somebody else's name", s.serve(delegate), 35)
	for _, method := range []lime.Method{lime.MethodSet, lime.MethodMerge, lime.MethodDelete, lime.MethodSubscribe} {
		want(t, method.String(), s.do(home, method, "/accounts/ana", `{}`), 63)
	}
}

// What is published no longer must not stay because a part of it fails.
func TestDirectoryThatIsAwayKeepsNobodyPublished(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`,"publishToDirectory":true}`), 0)
	ours := errors.New("away")
	accounts := resource.Publishing(s.book, failing{ours})
	id := lime.MustParseIdentity(ana)
	if err := accounts.Delete(t.Context(), id); !errors.Is(err, ours) || len(s.book.accounts) != 1 {
		t.Errorf("the account is gone, and what it has published is not: %v", err)
	}
	unpublish := func(a *resource.Account) error { a.Properties = nil; return nil }
	if err := accounts.Update(t.Context(), id, resource.Secrets{}, unpublish); !errors.Is(err, ours) {
		t.Errorf("the owner is told that all went well: %v", err)
	}
	if err := accounts.Update(t.Context(), id, resource.Secrets{}, unpublish); err != nil {
		t.Errorf("who publishes nothing needs no directory: %v", err)
	}
}

type ctx = context.Context

type failing struct{ err error }

func (f failing) Publish(c ctx, id lime.Identity, d func(ctx) (json.RawMessage, error)) error {
	return f.err
}
func (f failing) Published(ctx, lime.Identity) (json.RawMessage, error) { return nil, f.err }
func (f failing) List(ctx, string) ([]json.RawMessage, error) {
	return slices.Clip([]json.RawMessage{}), f.err
}
