package resource_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/resource"
)

// Keys, AddKey and RemoveKey are those of resource.Keys, as the store has them.
func (b *book) Keys(_ context.Context, id lime.Identity) ([]resource.Key, error) {
	e, err := b.find(id)
	return e.keys, err
}

func (b *book) AddKey(_ context.Context, id lime.Identity, name string) (resource.Key, string, error) {
	e, err := b.find(id)
	if err != nil {
		return resource.Key{}, "", err
	}
	if name == "" {
		return resource.Key{}, "", &lime.Reason{Code: lime.CodeCommandInvalidArgument}
	}
	k := resource.Key{Name: name, Created: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)}
	e.keys = append(e.keys, k)
	b.accounts[id.Fold()] = e
	return k, "c2VjcmV0", nil
}

func (b *book) RemoveKey(_ context.Context, id lime.Identity, name string) error {
	e, err := b.find(id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(e.keys, func(k resource.Key) bool { return strings.EqualFold(k.Name, name) })
	if i < 0 {
		return &lime.Reason{Code: lime.CodeCommandResourceNotFound}
	}
	e.keys = slices.Delete(slices.Clone(e.keys), i, i+1)
	b.accounts[id.Fold()] = e
	return nil
}

func TestOwnerMakesListsAndRevokesKeys(t *testing.T) { // L-CMD-03, L-RES-10, L-RES-11
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	wantBody := func(what, uri, mediaType, body string) {
		t.Helper()
		res := s.do(home, lime.MethodGet, uri, "")
		want(t, what, res, 0)
		if res.Type != mediaType || string(res.Resource) != body {
			t.Errorf("%s:\n%s %s\nwant\n%s %s", what, res.Type, res.Resource, mediaType, body)
		}
	}
	wantBody("without any", "/account/keys", lime.MediaCollection, `{"total":0,"itemType":"application/vnd.limegrove.key+json","items":[]}`)

	res := s.do(home, lime.MethodSet, "/account/keys", `{"name":"bot"}`)
	want(t, "set", res, 0)
	if res.Type != resource.MediaKey || string(res.Resource) != `{"name":"bot","key":"c2VjcmV0","created":"2026-01-02T03:04:05.678Z"}` {
		t.Errorf("a new key is %s %s", res.Type, res.Resource)
	}
	id := lime.MustParseIdentity("ana@example.org")
	e := s.book.accounts[id]
	e.keys[0].LastUsed = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	const bot = `{"name":"bot","created":"2026-01-02T03:04:05.678Z","lastUsed":"2026-02-03T04:05:06.000Z"}`
	wantBody("one", "/account/keys", lime.MediaCollection, `{"total":1,"itemType":"application/vnd.limegrove.key+json","items":[`+bot+`]}`)
	wantBody("by its name", "lime://ana@example.org/account/keys/BOT", resource.MediaKey, bot)

	for i := range 4 {
		want(t, "set", s.do(home, lime.MethodSet, "/account/keys", fmt.Sprintf(`{"name":"k%d"}`, i)), 0)
	}
	for query, names := range map[string]string{
		"": "bot k0 k1 k2 k3", "?take=2": "bot k0", "?$take=2&$skip=1": "k0 k1", "?skip=4": "k3", "?skip=9": "", "?take=0": "",
		"?take=1000": "bot k0 k1 k2 k3",
	} {
		var got struct {
			Total int
			Items []struct{ Name string }
		}
		res := s.do(home, lime.MethodGet, "/account/keys"+query, "")
		if err := json.Unmarshal(res.Resource, &got); err != nil || got.Total != 5 {
			t.Fatalf("%s: %s", query, res.Resource)
		}
		var all []string
		for _, k := range got.Items {
			all = append(all, k.Name)
		}
		if strings.Join(all, " ") != names {
			t.Errorf("%s: %v, want %s", query, all, names)
		}
	}
	for _, query := range []string{"?take=x", "?skip=-1"} {
		want(t, query, s.do(home, lime.MethodGet, "/account/keys"+query, ""), lime.CodeCommandInvalidArgument)
	}

	want(t, "delete", s.do(home, lime.MethodDelete, "/account/keys/Bot", ""), 0)
	want(t, "delete again", s.do(home, lime.MethodDelete, "/account/keys/bot", ""), lime.CodeCommandResourceNotFound)
	want(t, "get", s.do(home, lime.MethodGet, "/account/keys/bot", ""), lime.CodeCommandResourceNotFound)
}

func TestKeyRequestsThatAreRefused(t *testing.T) { // L-CMD-04, L-CMD-12, L-CMD-14
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	for _, body := range []string{`{}`, `{"name":7}`, `["bot"]`, `"bot"`, `{"name":"bot","key":"bXlvd24="}`} {
		want(t, body, s.do(home, lime.MethodSet, "/account/keys", body), lime.CodeCommandInvalidArgument)
	}
	want(t, "empty", s.do(home, lime.MethodSet, "/account/keys", ""), lime.CodeValidationEmptyDocument)
	want(t, "merge", s.do(home, lime.MethodMerge, "/account/keys", "{}"), lime.CodeCommandMethodNotSupported)
	want(t, "set one", s.do(home, lime.MethodSet, "/account/keys/bot", "{}"), lime.CodeCommandMethodNotSupported)
	want(t, "deeper", s.do(home, lime.MethodGet, "/account/keys/bot/x", ""), lime.CodeCommandResourceNotSupported)
	want(t, "no account", s.do("rui@example.org/x", lime.MethodGet, "/account/keys", ""), lime.CodeCommandResourceNotFound)

	for _, c := range []struct {
		method    lime.Method
		uri, body string
	}{
		{lime.MethodGet, "/account/keys", ""},
		{lime.MethodSet, "/account/keys", `{"name":"bot"}`},
		{lime.MethodGet, "/account/keys/bot", ""},
		{lime.MethodDelete, "/account/keys/bot", ""},
	} {
		r := request(t, home, c.method, "lime://rui@example.org"+c.uri, c.body)
		want(t, "somebody else's "+c.uri, s.serve(r), lime.CodeAuthorizationPermissionRequired)
		r = request(t, "ana@example.org", c.method, c.uri, c.body)
		r.PP = lime.MustParseNode("rui@example.org/x")
		want(t, "in her name "+c.uri, s.serve(r), lime.CodeAuthorizationPermissionRequired)
		r = request(t, home, c.method, c.uri, c.body)
		r.Guest = true
		want(t, "a guest "+c.uri, s.serve(r), lime.CodeAuthorizationPermissionRequired)
	}
	if n := len(s.book.accounts[lime.MustParseIdentity("ana@example.org")].keys); n != 0 {
		t.Errorf("%d keys were made", n)
	}
}
