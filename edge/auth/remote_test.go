package auth

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"limegrove/lime"
	"limegrove/room"
)

// remote answers every question with text.
func remote(text string, err error) Remote {
	return Remote{Ask: func(context.Context, string, []byte) ([]byte, error) { return []byte(text), err }}
}

func TestRemoteBringsTheAnswerOfARouter(t *testing.T) {
	ana := lime.MustParseNode("ana@example.org/home")
	want := Grant{
		Identity: ana.Identity, Guest: true, Role: lime.RoleMember, Rooms: room.Rules{{Room: "/own/{name}", Who: room.Everyone, May: room.Enter}},
		Granted: room.Grants{Revision: 7, Rules: room.Rules{{Room: "?of=3", Who: room.Everyone, May: room.Publish}}},
	}
	answer, err := json.Marshal(Answer{Grant: want})
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
	if err != nil || !reflect.DeepEqual(grant, want) {
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

func TestRemoteAsksAboutGuestsTogether(t *testing.T) {
	var together, alone []string
	r := Remote{
		Ask: func(_ context.Context, _ string, question []byte) ([]byte, error) {
			var q Request
			if err := json.Unmarshal(question, &q); err != nil {
				return nil, err
			}
			alone = append(alone, q.Node.Name)
			return json.Marshal(Answer{Grant: Grant{Identity: q.Node.Identity, Role: lime.RoleMember}})
		},
		Guest: func(_ context.Context, identity string) ([]byte, error) {
			together = append(together, identity)
			switch identity {
			case "Ana@example.org":
				return []byte(LetIn), nil
			case "rui@example.org":
				return []byte(`{"reason":{"code":13}}`), nil
			case "nobody@example.org":
				return nil, nil
			}
			return nil, ErrAlone
		},
	}
	ask := func(scheme Scheme, name string) (Grant, error) {
		return r.Authenticate(t.Context(), Request{Scheme: scheme, Node: lime.Node{Identity: lime.Identity{Name: name, Domain: "example.org"}}})
	}
	want := Grant{Identity: lime.Identity{Name: "Ana", Domain: "example.org"}, Guest: true, Role: lime.RoleMember}
	if g, err := ask(SchemeGuest, "Ana"); err != nil || !reflect.DeepEqual(g, want) {
		t.Errorf("who is let in is %+v, %v", g, err)
	}
	if _, err := ask(SchemeGuest, "rui"); lime.AsReason(err) == nil {
		t.Errorf("who is not is told %v", err)
	}
	if g, err := ask(SchemeGuest, "nobody"); err == nil {
		t.Errorf("no answer lets in %+v", g)
	}
	if g, err := ask(SchemeGuest, "lia"); err != nil || g.Identity.Name != "lia" {
		t.Errorf("who is asked about alone is %+v, %v", g, err)
	}
	if _, err := ask(SchemeGuest, "two\nlines"); err == nil {
		t.Error("what is no identity is one")
	}
	if _, err := ask(SchemePlain, "tom"); err != nil {
		t.Error(err)
	}
	if len(together) != 4 || len(alone) != 2 {
		t.Errorf("%q are asked about together, %q alone", together, alone)
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
		if err == nil || !reflect.DeepEqual(grant, Grant{}) {
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
