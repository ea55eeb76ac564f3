package auth

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"limegrove/lime"
)

// remote answers every question with text.
func remote(text string, err error) Remote {
	return Remote{Ask: func(context.Context, string, []byte) ([]byte, error) { return []byte(text), err }}
}

func TestRemoteBringsTheAnswerOfARouter(t *testing.T) {
	ana := lime.MustParseNode("ana@example.org/home")
	answer, err := json.Marshal(Answer{Grant: Grant{Identity: ana.Identity, Guest: true, Role: lime.RoleMember}})
	if err != nil {
		t.Fatal(err)
	}
	var asked Request
	r := Remote{Ask: func(_ context.Context, scheme string, question []byte) ([]byte, error) {
		if scheme != string(SchemeGuest) {
			t.Errorf("asked about the scheme %q", scheme)
		}
		return answer, json.Unmarshal(question, &asked)
	}}
	secret := json.RawMessage(`{"password":"czNjcmV0"}`)
	grant, err := r.Authenticate(t.Context(), Request{Scheme: SchemeGuest, Node: ana, Credentials: secret})
	if err != nil || grant.Identity != ana.Identity || !grant.Guest {
		t.Errorf("got %+v, %v; want what the router granted", grant, err)
	}
	if asked.Node != ana || string(asked.Credentials) != `{"password":"czNjcmV0"}` {
		t.Errorf("the router was asked about %v with %q", asked.Node, asked.Credentials)
	}
	for _, b := range secret {
		if b != 0 {
			t.Fatal("the credentials are still in memory (L-SES-34)")
		}
	}
}

func TestRemoteRefusesWhatIsNoGrant(t *testing.T) {
	away := errors.New("away")
	for name, r := range map[string]Remote{
		"a refusal":                remote(`{"reason":{"code":13}}`, nil),
		"a fault of the cluster's": remote(`{"reason":{"code":11},"fault":true}`, nil),
		"an answer about nobody":   remote(`{}`, nil),
		"an answer without domain": remote(`{"identity":"ana"}`, nil),
		"what is no answer":        remote(`?`, nil),
		"an empty answer":          remote(``, nil),
		"no answer":                remote(``, away),
	} {
		grant, err := r.Authenticate(t.Context(), Request{Scheme: SchemePlain})
		if err == nil || grant != (Grant{}) {
			t.Errorf("%s: got %+v, %v", name, grant, err)
		}
		if name == "a refusal" && (lime.AsReason(err) == nil || lime.AsReason(err).Code != lime.CodeSessionAuthenticationFailed) {
			t.Errorf("a refusal lost its reason: %v", err)
		}
		if fault := name == "a fault of the cluster's"; errors.Is(err, ErrFault) != fault {
			t.Errorf("%s: as the cluster's fault it is taken for the opposite: %v", name, err)
		} else if fault && (lime.AsReason(err) == nil || lime.AsReason(err).Code != lime.CodeSessionError) {
			t.Errorf("%s: there is no reason for the client: %v", name, err)
		}
	}
}
