package resource_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/resource"
)

const (
	ana  = "Ana@Example.org"
	home = "ana@example.org/home"

	s3cret = `"password":"czNjcmV0"`    // s3cret
	other  = `"password":"b3RoZXI="`    // other
	old    = `"oldPassword":"czNjcmV0"` // s3cret
)

func (s *server) wantPassword(password string) {
	s.t.Helper()
	if got := s.book.accounts[lime.MustParseIdentity("ana@example.org")].password; got != password {
		s.t.Errorf("the password is %q, want %q", got, password)
	}
}

func (s *server) wantAccount(body string) {
	s.t.Helper()
	res := s.do(home, lime.MethodGet, "/account", "")
	want(s.t, "get /account", res, 0)
	if res.Type != lime.MediaAccount || string(res.Resource) != body {
		s.t.Errorf("the account is\n%s %s\nwant\n%s", res.Type, res.Resource, body)
	}
}

func TestGuestRegistersAndThenOwnsTheAccount(t *testing.T) {
	s := newServer(t)
	want(t, "before", s.do(home, lime.MethodGet, "/account", ""), lime.CodeCommandResourceNotFound)
	want(t, "register", s.register(ana, `{`+s3cret+`,"fullName":"Ana","city":null,"unheardOf":1}`), 0)
	s.wantPassword("s3cret")
	s.wantAccount(`{"creationDate":"2026-01-02T03:04:05.678Z","fullName":"Ana","identity":"Ana@Example.org"}`)

	want(t, "again", s.register("ana@example.org", `{`+other+`}`), lime.CodeCommandNotAllowed)
	s.wantPassword("s3cret")

	want(t, "absolute", s.do(home, lime.MethodGet, "lime://ANA@example.org/Account/", ""), 0) // L-CMD-06
	want(t, "delete", s.do(home, lime.MethodDelete, "/account", ""), 0)
	want(t, "delete again", s.do(home, lime.MethodDelete, "/account", ""), lime.CodeCommandResourceNotFound)
	want(t, "after", s.do(home, lime.MethodGet, "/account", ""), lime.CodeCommandResourceNotFound)
}

func TestRegistrationNeedsAUsableIdentity(t *testing.T) {
	s := newServer(t)
	for _, id := range []string{"ana@elsewhere.example", "postmaster@example.org", "Postmaſter@localhost", "@localhost", "ana"} {
		want(t, id, s.register(id, `{`+s3cret+`}`), lime.CodeValidationInvalidIdentity)
	}
	if len(s.book.accounts) != 0 {
		t.Errorf("there are accounts: %v", s.book.accounts)
	}
}

func TestRegistrationNeedsAGoodResource(t *testing.T) {
	s := newServer(t)
	for body, code := range map[string]lime.Code{
		`{}`:                      lime.CodeCommandInvalidArgument,
		`{"password":null}`:       lime.CodeCommandInvalidArgument,
		`{"password":""}`:         lime.CodeCommandInvalidArgument,
		`{"password":"s3cret"}`:   lime.CodeCommandInvalidArgument, // no Base64
		`{"password":[115]}`:      lime.CodeCommandInvalidArgument,
		`{"password":7}`:          lime.CodeCommandInvalidArgument,
		`{"Password":"czNjcmV0"}`: lime.CodeCommandInvalidArgument,
		`[]`:                      lime.CodeCommandInvalidArgument,
		`"czNjcmV0"`:              lime.CodeCommandInvalidArgument,
		`{`:                       lime.CodeCommandInvalidArgument,
		`null`:                    lime.CodeValidationEmptyDocument, // L-CMD-12
		``:                        lime.CodeValidationEmptyDocument,
		`{` + s3cret + `,"identity":"rui@example.org"}`:      lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"identity":"a@b@c"}`:                lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"oldPassword":"?"}`:                 lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"isTemporary":true}`:                lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"isTemporary":1}`:                   lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"fullName":7}`:                      lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"inboxSize":-1}`:                    lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"extras":{"a":{}}}`:                 lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"whatsAppId":{}}`:                   lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"alternativeAccount":"a@b@c"}`:      lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"allowUnknownSender":"maybe"}`:      lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"accessKey":"a2V5"}`:                lime.CodeCommandInvalidArgument,
		`{` + s3cret + `,"isTemporary":false,"offset":-3.5}`: 0,
	} {
		s.book.accounts = map[lime.Identity]entry{}
		res := s.register(ana, body)
		want(t, body, res, code)
		if res.Reason != nil && strings.Contains(res.Reason.Description, "s3cret") {
			t.Errorf("%s: the answer quotes it: %v", body, res.Reason)
		}
	}
}

func TestResourceOfAnotherTypeIsNoAccount(t *testing.T) {
	s := newServer(t)
	for mediaType, code := range map[string]lime.Code{
		"":                                     0,
		"application/json":                     0,
		"Application/VND.lime.Account+JSON":    0,
		"text/plain":                           lime.CodeValidationInvalidResource,
		"application/vnd.lime.presence+json":   lime.CodeValidationInvalidResource,
		"account":                              lime.CodeValidationInvalidResource,
		"application/vnd.lime.account+json; x": 0,
	} {
		s.book.accounts = map[lime.Identity]entry{}
		r := request(t, ana, lime.MethodSet, "/account", `{`+s3cret+`}`)
		r.Guest, r.Type = true, mediaType
		want(t, mediaType, s.serve(r), code)
	}
}

func TestOwnerChangesProperties(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`,"city":"Lagos"}`), 0)

	want(t, "merge", s.do(home, lime.MethodMerge, "/account", `{"identity":"ANA@example.org","email":"ana@mail.example","extras":{"k":"v"}}`), 0)
	s.wantAccount(`{"city":"Lagos","creationDate":"2026-01-02T03:04:05.678Z","email":"ana@mail.example","extras":{"k":"v"},"identity":"Ana@Example.org"}`)

	want(t, "set", s.do(home, lime.MethodSet, "/account", `{"city":"Faro","creationDate":"1999-01-01T00:00:00.000Z"}`), 0)
	s.wantAccount(`{"city":"Faro","creationDate":"2026-01-02T03:04:05.678Z","identity":"Ana@Example.org"}`)
	s.wantPassword("s3cret")
}

func TestNewPasswordNeedsTheOldOne(t *testing.T) {
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	for body, code := range map[string]lime.Code{
		`{` + other + `}`:                          lime.CodeCommandInvalidArgument,
		`{` + other + `,"oldPassword":null}`:       lime.CodeCommandInvalidArgument,
		`{` + other + `,"oldPassword":"s"}`:        lime.CodeCommandInvalidArgument,
		`{` + other + `,"oldPassword":"b3RoZXI="}`: lime.CodeSessionAuthenticationFailed,
		`{` + other + `,"accessKey":"czNjcmV0"}`:   lime.CodeSessionAuthenticationFailed, // there is none
		`{"accessKey":"czNjcmV0"}`:                 lime.CodeCommandInvalidArgument,
		`{"password":"czNj","oldPassword":""}`:     lime.CodeSessionAuthenticationFailed,
		`{` + old + `,"city":"Lagos"}`:             0, // the old one alone changes nothing
	} {
		want(t, body, s.do(home, lime.MethodSet, "/account", body), code)
	}
	s.wantPassword("s3cret")
	want(t, "both", s.do(home, lime.MethodMerge, "/account", `{`+other+`,`+old+`}`), 0)
	s.wantPassword("other")
	s.wantAccount(`{"city":"Lagos","creationDate":"2026-01-02T03:04:05.678Z","identity":"Ana@Example.org"}`)
}

func TestABackendNeedsNoOldSecrets(t *testing.T) {
	s := newServer(t)
	backend := func(method lime.Method, uri, body string) resource.Response {
		r := request(t, "ana@example.org", method, uri, body)
		r.Backend, r.Role = true, lime.RoleAuthority
		return s.serve(r)
	}
	want(t, "an account", backend(lime.MethodSet, "/account", `{`+s3cret+`,"city":"Lagos"}`), 0)
	want(t, "another password", backend(lime.MethodMerge, "/account", `{`+other+`}`), 0)
	s.wantPassword("other")
	s.wantAccount(`{"city":"Lagos","creationDate":"2026-01-02T03:04:05.678Z","identity":"ana@example.org"}`)
	want(t, "an access key", backend(lime.MethodMerge, "/account", `{"accessKey":"czNjcmV0czNjcmV0czNjcmV0"}`), 0)
	want(t, "somebody else's", backend(lime.MethodDelete, "lime://rui@example.org/account", ""), lime.CodeAuthorizationPermissionRequired)
	want(t, "its end", backend(lime.MethodDelete, "/account", ""), 0)
}

func TestSecretsAreNeverReturned(t *testing.T) { // L-RES-10
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`,"oldPassword":"czNjcmV0"}`), 0)
	want(t, "access key", s.do(home, lime.MethodMerge, "/account", `{`+old+`,"accessKey":"a2V5"}`), 0)
	id := lime.MustParseIdentity("ana@example.org")
	e := s.book.accounts[id]
	for name := range e.account.Properties {
		t.Errorf("%s is stored", name)
	}
	secret := json.RawMessage(`"czNjcmV0"`)
	e.account.Properties = map[string]json.RawMessage{"password": secret, "oldPassword": secret, "accessKey": secret}
	s.book.accounts[id] = e
	s.wantAccount(`{"creationDate":"2026-01-02T03:04:05.678Z","identity":"Ana@Example.org"}`)
}

func TestAccountOfSomebodyElse(t *testing.T) { // L-CMD-14
	s := newServer(t)
	want(t, "register", s.register(ana, `{`+s3cret+`}`), 0)
	guests := func(from string, method lime.Method) resource.Response {
		r := request(t, from, method, "/account", `{`+other+`}`)
		r.Guest, r.PP = true, lime.MustParseNode("5f0c8b1e@example.org/web")
		return s.serve(r)
	}
	asDelegate := func(method lime.Method) resource.Response {
		r := request(t, ana, method, "/account", `{`+other+`,`+old+`}`)
		r.PP = lime.MustParseNode("rui@example.org/desk")
		return s.serve(r)
	}
	for what, method := range map[string]lime.Method{
		"get": lime.MethodGet, "set": lime.MethodSet, "merge": lime.MethodMerge, "delete": lime.MethodDelete,
	} {
		body := `{` + other + `,` + old + `}`
		want(t, what, s.do("rui@example.org/desk", method, "lime://ana@example.org/account", body), lime.CodeAuthorizationPermissionRequired)
		want(t, what+" of the domain", s.do(home, method, "lime://example.org/account", body), lime.CodeAuthorizationPermissionRequired)
		want(t, what+" as a delegate", asDelegate(method), lime.CodeAuthorizationPermissionRequired)
	}
	want(t, "a guest's get", guests(ana, lime.MethodGet), lime.CodeCommandResourceNotFound)
	want(t, "a guest's set", guests(ana, lime.MethodSet), lime.CodeCommandNotAllowed)
	want(t, "a guest's merge", guests(ana, lime.MethodMerge), lime.CodeCommandNotAllowed)
	want(t, "a guest's delete", guests(ana, lime.MethodDelete), lime.CodeAuthorizationPermissionRequired)
	r := request(t, "rui@example.org", lime.MethodSet, "lime://lia@example.org/account", `{`+s3cret+`}`)
	r.Guest = true
	want(t, "a guest's set for another", s.serve(r), lime.CodeAuthorizationPermissionRequired)

	r = request(t, ana, lime.MethodGet, "/account", "")
	r.PP = lime.MustParseNode("ANA@example.org/home")
	want(t, "oneself as delegate", s.serve(r), 0)
	s.wantPassword("s3cret")
}

func TestTroubleOfTheAccountsIsOurs(t *testing.T) {
	s := newServer(t)
	s.book.err = errors.New("the store at 10.0.0.7 is away")
	for _, method := range []lime.Method{lime.MethodGet, lime.MethodSet, lime.MethodMerge, lime.MethodDelete} {
		res := s.do(home, method, "/account", `{`+s3cret+`}`)
		want(t, method.String(), res, lime.CodeCommandProcessingError)
		if strings.Contains(res.Reason.Description, "10.0.0.7") {
			t.Errorf("%s: the client is told %q", method, res.Reason.Description)
		}
	}
}

func TestRequestFormatsWithoutItsResource(t *testing.T) { // L-SES-34
	r := request(t, ana, lime.MethodSet, "/account", `{`+s3cret+`}`)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", r, r, r, r), fmt.Sprintf("%+v", []any{&r})} {
		if strings.Contains(text, "czNjcmV0") || strings.Contains(text, fmt.Sprint([]byte("czNjcmV0"))) || !strings.Contains(text, ana) {
			t.Errorf("prints as %s", text)
		}
	}
}

// FuzzAccount: whatever the resource is, nothing panics and nothing secret
// comes back.
func FuzzAccount(f *testing.F) {
	f.Add(`{` + s3cret + `,"fullName":"Ana","extras":{"a":"b"}}`)
	f.Add(`{"password":"czNjcmV0","identity":"ana@example.org","isTemporary":null}`)
	f.Add(`{"whatsAppId":"1","inboxSize":1e3,"offset":2.5}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := newServer(t)
		res := s.register(ana, body)
		if res.Status == lime.CommandFailure {
			if _, there := s.book.accounts[lime.MustParseIdentity("ana@example.org")]; there || res.Reason == nil {
				t.Fatalf("failed with %v, and yet there is an account: %v", res.Reason, there)
			}
			return
		}
		got := s.do(home, lime.MethodGet, "/account", "")
		var members map[string]json.RawMessage
		if err := json.Unmarshal(got.Resource, &members); err != nil {
			t.Fatalf("get returns %s: %v", got.Resource, err)
		}
		for _, name := range []string{"password", "oldPassword", "accessKey"} {
			if members[name] != nil {
				t.Fatalf("get returns %s", got.Resource)
			}
		}
	})
}
