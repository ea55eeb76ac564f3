package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"limegrove/document"
	"limegrove/internal/natstest"
	"limegrove/lime"
	"limegrove/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ana, rui = lime.MustParseIdentity("Ana@example.org"), lime.MustParseIdentity("rui@example.org")

func open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{JetStream: natstest.JetStream(t)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func rules(t testing.TB, text string) (all room.Rules) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *Store) want(t testing.TB, what string, id lime.Identity, want room.Grants) {
	t.Helper()
	for how, get := range map[string]func(context.Context, lime.Identity) (room.Grants, error){"a replica": s.Of, "the leader": s.Latest} {
		got, err := get(t.Context(), id)
		if err != nil || got.Revision != want.Revision || !slices.Equal(got.Rules, want.Rules) {
			t.Errorf("%s, as %s has it: %+v, %v, want %+v", what, how, got, err, want)
		}
	}
}

func TestGrantsAreSetReplacedAndRevoked(t *testing.T) {
	s := open(t)
	s.want(t, "at first", ana, room.Grants{})
	first, err := s.Set(t.Context(), ana, rules(t, `[{"room":"/ride/42","may":["enter","publish"]},{"room":{"of":"{name}"},"may":["enter"]}]`))
	if err != nil || first.Revision == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	s.want(t, "in any case", lime.MustParseIdentity("aNA@EXAMPLE.org"), first)
	s.want(t, "nobody else's", rui, room.Grants{})
	second, err := s.Set(t.Context(), ana, rules(t, `[]`))
	if err != nil || second.Revision <= first.Revision {
		t.Errorf("%+v, %v", second, err)
	}
	s.want(t, "replaced as a whole", ana, second)
	third, err := s.Set(t.Context(), ana, rules(t, `[{"room":"/x","may":["enter"]}]`))
	if err != nil || third.Revision <= second.Revision {
		t.Errorf("%+v, %v", third, err)
	}
	revoked, err := s.Revoke(t.Context(), ana)
	if err != nil || revoked.Revision <= third.Revision || revoked.Rules != nil {
		t.Errorf("revoked as %+v, %v", revoked, err)
	}
	s.want(t, "what was revoked is newer than what was granted", ana, revoked)
	if _, err := s.Revoke(t.Context(), ana); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked again: %v", err)
	}
	if _, err := s.Revoke(t.Context(), rui); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked of somebody who has nothing: %v", err)
	}
}

func TestGrantsAreForgottenWithTheirOwner(t *testing.T) {
	s := open(t)
	g, err := s.Set(t.Context(), ana, rules(t, `[{"room":"/x","may":["enter"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := s.Forget(t.Context(), ana)
	if err != nil || gone.Revision <= g.Revision || gone.Rules != nil {
		t.Errorf("forgotten as %+v, %v", gone, err)
	}
	s.want(t, "forgotten", ana, room.Grants{})
	if gone, err := s.Forget(t.Context(), ana); err != nil || gone.Revision != 0 {
		t.Errorf("forgotten again: %+v, %v", gone, err)
	}
	again, err := s.Set(t.Context(), ana, rules(t, `[{"room":"/x","may":["enter"]}]`))
	if err != nil || again.Revision <= gone.Revision {
		t.Errorf("what is granted anew is older than what was: %+v, %v", again, err)
	}
}

func TestWhatIsKeptForAnIdentityIsBounded(t *testing.T) {
	s := open(t)
	many := make(room.Rules, room.MaxGrants+1)
	for i := range many {
		many[i] = room.Rule{Room: room.Name(fmt.Sprintf("/%d", i)), Who: room.Everyone, May: room.Enter}
	}
	long := make(room.Rules, 80)
	for i := range long {
		long[i] = room.Rule{Room: room.Name("/" + strings.Repeat("x", 900)), Who: room.Everyone, May: room.Enter}
	}
	for what, all := range map[string]room.Rules{"too many": many, "too long": long} {
		if _, err := s.Set(t.Context(), ana, all); !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.Set(t.Context(), ana, many[:room.MaxGrants]); err != nil {
		t.Errorf("as many as there may be: %v", err)
	}
}

func TestNobodyIsGrantedNothing(t *testing.T) {
	s := open(t)
	for _, id := range []lime.Identity{{}, {Name: "ana"}, {Domain: "example.org"}, {Name: strings.Repeat("é", 500), Domain: "x"}} {
		_, set := s.Set(t.Context(), id, nil)
		_, get := s.Of(t.Context(), id)
		_, forget := s.Forget(t.Context(), id)
		_, remove := s.Revoke(t.Context(), id)
		for _, err := range []error{set, get, remove, forget} {
			if !errors.Is(err, &lime.Reason{Code: lime.CodeValidationInvalidIdentity}) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
}

func TestADocumentThatIsNoneIsAnError(t *testing.T) {
	s := open(t)
	k, err := document.Of(ana)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.bucket.Put(t.Context(), k, []byte(`{"rules":[{"room":5}]}`)); err != nil {
		t.Fatal(err)
	}
	if g, err := s.Of(t.Context(), ana); err == nil || g.Rules != nil {
		t.Errorf("%+v, %v", g, err)
	}
}
