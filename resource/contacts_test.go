package resource_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

// shelf is contacts in memory, by folded identities.
type shelf struct {
	contacts map[[2]lime.Identity]lime.Contact
	err      error    // when not nil, of every call
	changed  []string // whose sharing has, as "owner with"
}

var errNoContact = &lime.Reason{Code: lime.CodeCommandResourceNotFound}

func (s *shelf) Contact(_ context.Context, owner, contact lime.Identity) (lime.Contact, error) {
	c, ok := s.contacts[[2]lime.Identity{owner.Fold(), contact.Fold()}]
	if !ok && s.err == nil {
		return c, fmt.Errorf("%s: %w", contact, errNoContact)
	}
	return c, s.err
}

func (s *shelf) Contacts(_ context.Context, owner lime.Identity) (all []lime.Contact, _ error) {
	for k, c := range s.contacts {
		if k[0] == owner.Fold() {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b lime.Contact) int { return cmp.Compare(a.Identity.String(), b.Identity.String()) })
	return all, s.err
}

func (s *shelf) ChangeContact(_ context.Context, owner, contact lime.Identity, change func(*lime.Contact) (lime.Contact, error)) error {
	k := [2]lime.Identity{owner.Fold(), contact.Fold()}
	var old *lime.Contact
	if c, ok := s.contacts[k]; ok {
		old = &c
	}
	c, err := change(old)
	if err = cmp.Or(s.err, err); err == nil {
		s.contacts[k] = c
	}
	return err
}

func (s *shelf) RemoveContact(ctx context.Context, owner, contact lime.Identity) (lime.Contact, error) {
	c, err := s.Contact(ctx, owner, contact)
	delete(s.contacts, [2]lime.Identity{owner.Fold(), contact.Fold()})
	return c, err
}

// contacts is a server with contacts alone.
type contacts struct {
	*server
	shelf *shelf
}

func newContacts(t testing.TB) contacts {
	t.Helper()
	s := contacts{&server{t: t}, &shelf{contacts: map[[2]lime.Identity]lime.Contact{}}}
	var err error
	if s.mux, err = resource.New(resource.Config{}); err != nil {
		t.Fatal(err)
	}
	resource.HandleContacts(s.mux, s.shelf, func(owner, with lime.Identity) {
		s.shelf.changed = append(s.shelf.changed, owner.String()+" "+with.String())
	})
	return s
}

// ask sends Ana's command, with a contact as its resource if that is not "".
func (s contacts) ask(method lime.Method, uri, body string) resource.Response {
	s.t.Helper()
	r := request(s.t, home, method, uri, body)
	if body != "" {
		r.Type = lime.MediaContact
	}
	return s.serve(r)
}

var updated = regexp.MustCompile(`"lastUpdateDate":"[0-9T:.-]+Z"`)

// wantContact fails the test unless a contact of Ana's has the properties. The date of
// its update is written as x.
func (s contacts) wantContact(name, body string) {
	s.t.Helper()
	res := s.ask(lime.MethodGet, "/contacts/"+name, "")
	want(s.t, "get "+name, res, 0)
	if got := updated.ReplaceAllString(string(res.Resource), `"lastUpdateDate":"x"`); res.Type != lime.MediaContact || got != body {
		s.t.Errorf("the contact is\n%s %s\nwant\n%s", res.Type, got, body)
	}
}

func TestContactIsMadeChangedAndRemoved(t *testing.T) { // L-RES-12
	s := newContacts(t)
	want(t, "before", s.ask(lime.MethodGet, "/contacts/bob@example.org", ""), lime.CodeCommandResourceNotFound)
	want(t, "set", s.ask(lime.MethodSet, "/contacts", `{"identity":"Bob@Example.org","name":"Bob","group":"work","city":null,"unheardOf":1,
		"priority":2,"whatsAppId":"1","lastMessageDate":"2026-01-02T03:04:05.678Z","lastUpdateDate":"1999"}`), 0)
	s.wantContact("bob@example.org", `{"group":"work","identity":"Bob@Example.org","lastMessageDate":"2026-01-02T03:04:05.678Z",`+
		`"lastUpdateDate":"x","name":"Bob","priority":2,"whatsAppId":"1"}`)
	want(t, "merge", s.ask(lime.MethodMerge, "/contacts/bob", `{"group":"home","isPending":true}`), 0)
	s.wantContact("BOB@example.org", `{"group":"home","identity":"bob@example.org","isPending":true,"lastMessageDate":"2026-01-02T03:04:05.678Z",`+
		`"lastUpdateDate":"x","name":"Bob","priority":2,"whatsAppId":"1"}`)
	want(t, "merge of none", s.ask(lime.MethodMerge, "/contacts", `{"identity":"rui@example.org"}`), 0)
	want(t, "set again", s.ask(lime.MethodSet, "/contacts/bob@example.org", `{"identity":"Bob@example.org"}`), 0)
	s.wantContact("bob", `{"identity":"Bob@example.org","lastUpdateDate":"x"}`)
	want(t, "delete", s.ask(lime.MethodDelete, "/contacts/Bob@Example.org", ""), 0)
	want(t, "delete again", s.ask(lime.MethodDelete, "/contacts/bob@example.org", ""), lime.CodeCommandResourceNotFound)
	want(t, "all at once", s.ask(lime.MethodDelete, "/contacts", ""), lime.CodeCommandMethodNotSupported)
}

func TestContactsThatAreRefused(t *testing.T) {
	s := newContacts(t)
	for body, code := range map[string]lime.Code{
		``:                                   lime.CodeValidationEmptyDocument, // L-CMD-12
		`[]`:                                 lime.CodeCommandInvalidArgument,
		`{}`:                                 lime.CodeCommandInvalidArgument,
		`{"name":"Bob"}`:                     lime.CodeCommandInvalidArgument,
		`{"identity":"@example.org"}`:        lime.CodeCommandInvalidArgument,
		`{"identity":7}`:                     lime.CodeCommandInvalidArgument,
		`{"identity":"b","name":7}`:          lime.CodeCommandInvalidArgument,
		`{"identity":"b","extras":[]}`:       lime.CodeCommandInvalidArgument,
		`{"identity":"b","offset":"x"}`:      lime.CodeCommandInvalidArgument,
		`{"identity":"b","isPending":"yes"}`: lime.CodeCommandInvalidArgument,
		`{"identity":"b","lastMessageDate":"now"}`:           lime.CodeCommandInvalidArgument,
		`{"identity":"b","subscriptionStatus":"perhaps"}`:    lime.CodeCommandInvalidArgument,
		`{"identity":"b","subscriptionStatus":"Subscribed"}`: 0,
	} {
		want(t, body, s.ask(lime.MethodSet, "/contacts", body), code)
	}
	want(t, "another than in the URI", s.ask(lime.MethodSet, "/contacts/rui", `{"identity":"bob"}`), lime.CodeCommandInvalidArgument)
	want(t, "no identity in the URI", s.ask(lime.MethodGet, "/contacts/a:b", ""), lime.CodeCommandInvalidArgument)
	r := request(t, home, lime.MethodSet, "/contacts", `{"identity":"b"}`)
	r.Type = lime.MediaAccount
	want(t, "another type", s.serve(r), lime.CodeValidationInvalidResource)
	r.Type, r.Guest = lime.MediaContact, true
	want(t, "a guest", s.serve(r), lime.CodeAuthorizationPermissionRequired)
	if len(s.shelf.contacts) != 1 {
		t.Errorf("%d contacts were made", len(s.shelf.contacts))
	}
	s.shelf.err = errors.New("no store")
	want(t, "no store", s.ask(lime.MethodGet, "/contacts", ""), lime.CodeCommandProcessingError)
}

func TestContactsAreTheOwnersAlone(t *testing.T) { // L-CMD-14
	s := newContacts(t)
	for _, method := range []lime.Method{lime.MethodGet, lime.MethodSet, lime.MethodMerge, lime.MethodDelete} {
		for _, uri := range []string{"lime://rui@example.org/contacts", "lime://rui@example.org/contacts/bob@example.org"} {
			if method == lime.MethodDelete && uri == "lime://rui@example.org/contacts" {
				continue
			}
			want(t, method.String()+" "+uri, s.ask(method, uri, `{"identity":"bob@example.org"}`), lime.CodeAuthorizationPermissionRequired)
		}
		r := request(t, "rui@example.org", method, "/contacts/bob@example.org", `{}`)
		r.PP = lime.MustParseNode(home)
		want(t, method.String()+" for Rui", s.serve(r), lime.CodeAuthorizationPermissionRequired)
	}
	want(t, "her own, absolutely", s.ask(lime.MethodGet, "lime://ANA@example.org/contacts", ""), 0) // L-CMD-06
}

func TestContactsAreFilteredAndPaged(t *testing.T) { // L-RES-11
	s := newContacts(t)
	for _, body := range []string{
		`{"identity":"a@x.org","group":"work"}`,
		`{"identity":"b@x.org","sharePresence":false,"priority":3}`,
		`{"identity":"c@x.org","isPending":true,"group":"Work"}`,
		`{"identity":"d@x.org","sharePresence":true}`,
	} {
		want(t, body, s.ask(lime.MethodSet, "/contacts", body), 0)
	}
	for query, wants := range map[string]struct {
		total int
		names string
	}{
		"":                               {4, "[a b c d]"},
		"?take=3":                        {4, "[a b c]"},
		"?$skip=1&$take=2":               {4, "[b c]"},
		"?sharePresence=true":            {3, "[a c d]"},
		"?sharePresence=false":           {1, "[b]"},
		"?isPending=false&take=1&skip=1": {3, "[b]"},
		"?isPending=True":                {1, "[c]"},
		"?group=work":                    {2, "[a c]"},
		"?priority=3":                    {1, "[b]"},
		"?unheardOf=3":                   {4, "[a b c d]"},
		"?group=work&isPending=true":     {1, "[c]"},
	} {
		res := s.ask(lime.MethodGet, "/contacts"+query, "")
		want(t, query, res, 0)
		var got struct {
			Total    int
			ItemType string
			Items    []lime.Contact
		}
		if err := json.Unmarshal(res.Resource, &got); err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, c := range got.Items {
			names = append(names, c.Identity.Name)
		}
		if got.Total != wants.total || fmt.Sprint(names) != wants.names || got.ItemType != lime.MediaContact {
			t.Errorf("%s: %s", query, res.Resource)
		}
	}
	want(t, "no number", s.ask(lime.MethodGet, "/contacts?take=x", ""), lime.CodeCommandInvalidArgument)
}

func TestWhoseSharingChangesIsTold(t *testing.T) {
	s := newContacts(t)
	for _, step := range []struct {
		method lime.Method
		body   string
		told   bool
	}{
		{lime.MethodSet, `{"identity":"bob@x.org","isPending":true}`, false},
		{lime.MethodMerge, `{"identity":"bob@x.org","isPending":false}`, true},
		{lime.MethodMerge, `{"identity":"bob@x.org","name":"Bob"}`, false},
		{lime.MethodSet, `{"identity":"bob@x.org","sharePresence":false}`, true},
		{lime.MethodDelete, ``, false},
		{lime.MethodSet, `{"identity":"bob@x.org"}`, true},
		{lime.MethodDelete, ``, true},
	} {
		s.shelf.changed = nil
		uri := "/contacts"
		if step.body == "" {
			uri += "/bob@x.org"
		}
		want(t, step.body, s.ask(step.method, uri, step.body), 0)
		if got := fmt.Sprint(s.shelf.changed); (got == "[ana@example.org bob@x.org]") != step.told {
			t.Errorf("%s %s: told %s", step.method, step.body, got)
		}
	}
}
