package auth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"limegrove/edge/auth"
	"limegrove/lime"
)

const password = "s3cret→word"

var (
	ana        = lime.MustParseNode("Ana@Example.org/home")
	remote     = netip.MustParseAddrPort("192.0.2.7:4711")
	rightJSON  = `{"password":"` + base64.StdEncoding.EncodeToString([]byte(password)) + `"}`
	errBackend = errors.New("the store is away")
)

// book is the accounts and their passwords, by folded identity. It counts the
// passwords that it compared.
type book struct {
	passwords map[lime.Identity]string
	err       error
	compared  int
}

func newBook() *book {
	return &book{passwords: map[lime.Identity]string{ana.Identity.Fold(): password}}
}

func (b *book) HasEach(ctx context.Context, ids []lime.Identity) (all []bool, err error) {
	for _, id := range ids {
		has, err := b.Has(ctx, id)
		if err != nil {
			return nil, err
		}
		all = append(all, has)
	}
	return all, nil
}

func (b *book) Has(_ context.Context, id lime.Identity) (bool, error) {
	_, ok := b.passwords[id.Fold()]
	return ok, b.err
}

func (b *book) Verify(_ context.Context, id lime.Identity, given []byte) error {
	b.compared++
	if b.err != nil {
		return b.err
	}
	if want, ok := b.passwords[id.Fold()]; !ok || want != string(given) {
		return fmt.Errorf("verify %s: %w", id, lime.NewReason(lime.CodeSessionAuthenticationFailed, "no"))
	}
	return nil
}

func (b *book) schemes() auth.Schemes {
	return auth.Schemes{
		Domains: []string{"localhost", "example.org"},
		By: map[auth.Scheme]auth.Authenticator{
			auth.SchemeGuest: auth.Guest{Accounts: b},
			auth.SchemePlain: auth.Plain{Verifier: b},
			auth.SchemeKey:   auth.Key{Keys: b},
		},
	}
}

func login(b *book, scheme auth.Scheme, node lime.Node, credentials string) (auth.Grant, error) {
	r := auth.Request{Scheme: scheme, Node: node, Remote: remote}
	if credentials != "" {
		r.Credentials = json.RawMessage(credentials)
	}
	g, err := b.schemes().Authenticate(context.Background(), r)
	if len(bytes.Trim(r.Credentials, "\x00")) != 0 {
		return g, fmt.Errorf("the credentials are still in memory: %s", r.Credentials)
	}
	return g, err
}

// wantCode fails the test unless err is for the client and has the code.
func wantCode(t *testing.T, what string, err error, want lime.Code) {
	t.Helper()
	if r := lime.AsReason(err); r == nil || r.Code != want {
		t.Errorf("%s: %v, want code %d", what, err, want)
	}
}

func TestGuestNeedsNoCredentials(t *testing.T) { // L-SES-12
	node := lime.MustParseNode("5F0c8b1e@example.org/web")
	for _, credentials := range []string{"", "{}", `{"scheme":"guest"}`, `{"domainRole":"authority"}`, `null`, `7`} {
		g, err := login(newBook(), auth.SchemeGuest, node, credentials)
		want := auth.Grant{Identity: node.Identity, Guest: true, Role: lime.RoleMember}
		if err != nil || !reflect.DeepEqual(g, want) {
			t.Errorf("%q: %+v, %v, want %+v", credentials, g, err, want)
		}
	}
}

func TestGuestNeverTakesTheNameOfAnAccount(t *testing.T) { // L-SES-12
	for _, name := range []string{"Ana@Example.org", "ana@example.org", "ANA@EXAMPLE.ORG/x"} {
		_, err := login(newBook(), auth.SchemeGuest, lime.MustParseNode(name), "{}")
		wantCode(t, name, err, lime.CodeSessionAuthenticationFailed)
	}
}

func TestPlainTakesTheBase64OfThePassword(t *testing.T) { // L-SES-13
	spelled := lime.MustParseNode("ANA@example.ORG/desk")
	for _, credentials := range []string{
		rightJSON,
		strings.Replace(rightJSON, "{", `{"scheme":"plain","domainRole":"rootAuthority",`, 1), // L-SES-32
	} {
		g, err := login(newBook(), auth.SchemePlain, spelled, credentials)
		want := auth.Grant{Identity: spelled.Identity, Role: lime.RoleMember}
		if err != nil || !reflect.DeepEqual(g, want) {
			t.Errorf("%s: %+v, %v, want %+v", credentials, g, err, want)
		}
	}
}

func TestBadCredentialsCannotBeToldApart(t *testing.T) { // L-SES-14, L-SES-15, L-SES-16
	rui := lime.MustParseNode("rui@example.org")
	b := newBook()
	b.passwords[lime.MustParseIdentity("open@example.org")] = "" // as if there were one
	var texts []string
	for what, try := range map[string]struct {
		node        lime.Node
		credentials string
	}{
		"unknown name":        {rui, rightJSON},
		"wrong password":      {ana, `{"password":"b3RoZXI="}`},
		"not encoded":         {ana, `{"password":"` + password + `"}`},
		"half Base64":         {ana, `{"password":"czNjcmV0="}`},
		"an array of bytes":   {ana, `{"password":[115,51]}`},
		"a number":            {ana, `{"password":7}`},
		"null":                {ana, `{"password":null}`},
		"empty":               {ana, `{"password":""}`},
		"nothing":             {ana, ``},
		"no object":           {ana, `"czNjcmV0"`},
		"broken":              {ana, `{"password":"czNj`},
		"decoded to nothing":  {lime.MustParseNode("open@example.org"), `{"password":""}`},
		"undecodable, equal?": {lime.MustParseNode("open@example.org"), `{"password":"?"}`},
	} {
		b.compared = 0
		_, err := login(b, auth.SchemePlain, try.node, try.credentials)
		wantCode(t, what, err, lime.CodeSessionAuthenticationFailed)
		texts = append(texts, err.Error())
		if b.compared != 1 {
			t.Errorf("%s: %d passwords were compared, want one", what, b.compared)
		}
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("texts differ: %q and %q", text, texts[0])
		}
	}
}

func TestSchemeThatIsNotOffered(t *testing.T) { // L-SES-17
	for _, scheme := range []auth.Scheme{"", "transport", "PLAIN", "external"} {
		_, err := login(newBook(), scheme, ana, rightJSON)
		wantCode(t, string(scheme), err, lime.CodeSessionAuthenticationFailed)
	}
	if _, err := (auth.Schemes{}).Authenticate(t.Context(), auth.Request{Scheme: auth.SchemeGuest, Node: ana}); err == nil {
		t.Error("nothing is offered, and yet a guest came in")
	}
}

func TestIdentityThatNobodyMayHave(t *testing.T) { // L-SES-17
	for _, node := range []string{
		"", "ana", "@example.org", "ana@example.com", "ana@sub.example.org", "ana@org",
		"postmaster@example.org", "PostMaster@localhost/#srv1", "poſtmaster@localhost",
	} {
		var n lime.Node
		if node != "" {
			n = lime.MustParseNode(node)
		}
		for _, scheme := range []auth.Scheme{auth.SchemeGuest, auth.SchemePlain} {
			_, err := login(newBook(), scheme, n, rightJSON)
			wantCode(t, string(scheme)+" "+node, err, lime.CodeValidationInvalidIdentity)
		}
	}
}

func TestTroubleOfOursIsNotTheClients(t *testing.T) {
	b := newBook()
	b.err = errBackend
	for _, scheme := range []auth.Scheme{auth.SchemeGuest, auth.SchemePlain} {
		_, err := login(b, scheme, ana, rightJSON)
		if !errors.Is(err, errBackend) || lime.AsReason(err) != nil {
			t.Errorf("%s: %v, want our error", scheme, err)
		}
	}
	b.err = lime.NewReason(lime.CodeGeneralError, "busy")
	_, err := login(b, auth.SchemePlain, ana, rightJSON)
	wantCode(t, "a reason that is not about credentials", err, lime.CodeGeneralError)
}

func TestCredentialsAreInNoLogAndNoError(t *testing.T) { // L-SES-34
	var out bytes.Buffer
	log := logrus.New()
	log.SetOutput(&out)
	log.SetLevel(logrus.TraceLevel)

	for _, credentials := range []string{rightJSON, `{"password":"` + password + `"}`, `{"password":["` + password + `"]}`} {
		r := auth.Request{Scheme: auth.SchemePlain, Node: ana, Credentials: json.RawMessage(credentials), Remote: remote}
		log.WithField("request", r).WithField("pointer", &r).Infof("%v %+v %#v %s %d %x %q", r, &r, r, r, r, r, []any{r})
		b := newBook()
		b.err = errBackend
		_, err := b.schemes().Authenticate(t.Context(), r)
		log.WithError(err).Error("login")
		_, err = login(newBook(), auth.SchemePlain, ana, credentials)
		log.WithError(err).Error("login")
	}
	if !strings.Contains(out.String(), "Ana@Example.org/home") || !strings.Contains(out.String(), remote.String()) {
		t.Errorf("the log does not say who:\n%s", &out)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(password))
	for _, secret := range []string{
		password, "s3cret", encoded,
		fmt.Sprintf("%x", encoded), fmt.Sprint([]byte(encoded)), fmt.Sprint([]byte(password)),
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, &out)
		}
	}
}

func TestRequestAndGrantTravelAsJSON(t *testing.T) {
	r := auth.Request{Scheme: auth.SchemePlain, Node: ana, Credentials: json.RawMessage(rightJSON), Remote: remote}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"scheme":"plain","node":"Ana@Example.org/home",` +
		`"authentication":{"password":"czNjcmV04oaSd29yZA=="},"remote":"192.0.2.7:4711"}`
	if string(b) != want {
		t.Errorf("request is\n%s\nwant\n%s", b, want)
	}
	var got auth.Request
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("came back as %+v, %v", got, err)
	}

	g := auth.Grant{Identity: ana.Identity, Guest: true, Role: lime.RoleMember}
	if b, err = json.Marshal(g); err != nil || string(b) != `{"identity":"Ana@Example.org","guest":true,"role":"member"}` {
		t.Errorf("grant is %s, %v", b, err)
	}
	var gotGrant auth.Grant
	if err := json.Unmarshal(b, &gotGrant); err != nil || !reflect.DeepEqual(gotGrant, g) {
		t.Errorf("came back as %+v, %v", gotGrant, err)
	}
	if b, err = json.Marshal(auth.Request{Scheme: auth.SchemeGuest, Node: ana}); err != nil ||
		string(b) != `{"scheme":"guest","node":"Ana@Example.org/home"}` {
		t.Errorf("a guest's request is %s, %v", b, err)
	}
}

// FuzzCredentials: whatever the authentication object is, only the password
// lets in, nothing panics, and nothing stays in memory.
func FuzzCredentials(f *testing.F) {
	f.Add(rightJSON)
	f.Add(`{"password":"czNjcmV0"}`)
	f.Add(`{"password":["a"],"password":null}`)
	f.Add(`{"Password":"` + base64.StdEncoding.EncodeToString([]byte(password)) + `"}`)
	f.Fuzz(func(t *testing.T, credentials string) {
		b := newBook()
		g, err := login(b, auth.SchemePlain, ana, credentials)
		if b.compared != 1 {
			t.Fatalf("%d passwords were compared", b.compared)
		}
		if err == nil {
			// The decoder takes the key in any case and white space in the Base64.
			var same struct{ Password []byte }
			if json.Unmarshal([]byte(credentials), &same) != nil || string(same.Password) != password {
				t.Fatalf("%q let %+v in", credentials, g)
			}
			return
		}
		if r := lime.AsReason(err); r == nil || r.Code != lime.CodeSessionAuthenticationFailed {
			t.Fatalf("%q: %v", credentials, err)
		}
	})
}
