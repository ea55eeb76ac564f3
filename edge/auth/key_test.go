package auth_test

import (
	"context"
	"reflect"
	"testing"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// VerifyKey takes the password for a key, too.
func (b *book) VerifyKey(ctx context.Context, id lime.Identity, given []byte) (string, error) {
	return "the-only-one", b.Verify(ctx, id, given)
}

const rightKey = `{"key":"czNjcmV04oaSd29yZA=="}`

func TestKeyTakesItsBase64(t *testing.T) { // L-SES-13
	g, err := login(newBook(), auth.SchemeKey, ana, rightKey)
	want := auth.Grant{Identity: ana.Identity, Role: lime.RoleMember, Credential: "the-only-one"}
	if err != nil || !reflect.DeepEqual(g, want) {
		t.Errorf("%+v, %v, want %+v", g, err, want)
	}
}

func TestBadKeysCannotBeToldApart(t *testing.T) { // L-SES-14, L-SES-15, L-SES-16
	b := newBook()
	var first error
	for what, try := range map[string]struct {
		node        string
		credentials string
	}{
		"unknown name":    {"rui@example.org", rightKey},
		"wrong key":       {"ana@example.org", `{"key":"b3RoZXI="}`},
		"not encoded":     {"ana@example.org", `{"key":"` + password + `"}`},
		"a password":      {"ana@example.org", rightJSON},
		"an array":        {"ana@example.org", `{"key":[115]}`},
		"nothing":         {"ana@example.org", ``},
		"broken":          {"ana@example.org", `{"key":"czNj`},
		"empty":           {"ana@example.org", `{"key":""}`},
		"null":            {"ana@example.org", `{"key":null}`},
		"another's, that": {"rui@example.org", `{}`},
	} {
		b.compared = 0
		_, err := login(b, auth.SchemeKey, lime.MustParseNode(try.node), try.credentials)
		wantCode(t, what, err, lime.CodeSessionAuthenticationFailed)
		if b.compared != 1 {
			t.Errorf("%s: %d keys were looked up, want one", what, b.compared)
		}
		if first == nil {
			first = err
		} else if err.Error() != first.Error() {
			t.Errorf("texts differ: %q and %q", err, first)
		}
		if got := auth.OutcomeOf(err); got != auth.OutcomeCredentials {
			t.Errorf("%s: counted as %s", what, got)
		}
	}
}

func TestOutcomesAreTold(t *testing.T) {
	b := newBook()
	for want, try := range map[auth.Outcome]func() error{
		auth.OutcomeGranted:  func() error { _, err := login(b, auth.SchemeKey, ana, rightKey); return err },
		auth.OutcomeName:     func() error { _, err := login(b, auth.SchemeGuest, ana, ""); return err },
		auth.OutcomeScheme:   func() error { _, err := login(b, "magic", ana, ""); return err },
		auth.OutcomeIdentity: func() error { _, err := login(b, auth.SchemeKey, lime.Node{}, rightKey); return err },
		auth.OutcomeFault: func() error {
			_, err := login(&book{err: errBackend}, auth.SchemeKey, ana, rightKey)
			return err
		},
	} {
		if got := auth.OutcomeOf(try()); got != want {
			t.Errorf("%s is told as %s", want, got)
		}
	}
}
