package delegation

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"limegrove/document"
	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	ana = lime.MustParseIdentity("Ana@example.org")
	bia = lime.MustParseIdentity("bia@example.org")
	rui = lime.MustParseIdentity("rui@example.org")
)

func open(t testing.TB, most int) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{JetStream: natstest.JetStream(t), Max: most})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func delegate(t testing.TB, s *Store, owner lime.Identity, body string) Granted {
	t.Helper()
	d, err := lime.ParseDelegation([]byte(body), owner)
	if err != nil {
		t.Fatal(err)
	}
	g, err := s.Grant(t.Context(), owner, d)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (s *Store) wantAllowed(t testing.TB, what string, owner lime.Identity, by, envelope string, want bool) {
	t.Helper()
	var h lime.Header
	if _, err := h.Scan([]byte(envelope)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Allows(t.Context(), owner, lime.MustParseNode(by), &h); got != want || err != nil {
		t.Errorf("%s: %v, %v, want %v", what, got, err, want)
	}
}

const (
	text = `{"type":"text/plain","content":"x"}`
	get  = `{"id":"1","method":"get","uri":"/contacts"}`
)

func TestDelegationIsGivenChangedAndTakenBack(t *testing.T) {
	s := open(t, 0)
	s.wantAllowed(t, "before", ana, "rui@example.org/1", text, false)
	first := delegate(t, s, ana, `{"target":"Rui@example.org"}`)
	s.wantAllowed(t, "an identity is all its nodes", ana, "rui@EXAMPLE.org/1", text, true)
	s.wantAllowed(t, "and nobody else", ana, "bia@example.org/1", text, false)
	s.wantAllowed(t, "for nobody else", bia, "rui@example.org/1", text, false)

	second := delegate(t, s, ana, `{"target":"rui@example.org","envelopeTypes":["command"]}`)
	s.wantAllowed(t, "narrowed", ana, "rui@example.org/1", text, false)
	s.wantAllowed(t, "narrowed", ana, "rui@example.org/1", get, true)
	if second.Version <= first.Version {
		t.Errorf("version %d after %d", second.Version, first.Version)
	}
	version, err := s.Revoke(t.Context(), ana, lime.MustParseNode("RUI@example.org"))
	if err != nil || version <= second.Version {
		t.Errorf("revoked with version %d after %d, %v", version, second.Version, err)
	}
	s.wantAllowed(t, "taken back", ana, "rui@example.org/1", get, false)
	if _, err := s.Revoke(t.Context(), ana, lime.MustParseNode("rui@example.org")); !errors.Is(err, ErrNotFound) {
		t.Errorf("taken back again: %v", err)
	}
	if again := delegate(t, s, ana, `{"target":"rui@example.org"}`); again.Version <= version {
		t.Errorf("given again with version %d after %d", again.Version, version)
	}
}

func TestNodeHasADelegationOfItsOwn(t *testing.T) {
	s := open(t, 0)
	delegate(t, s, ana, `{"target":"rui@example.org/Desk","envelopeTypes":["message"]}`)
	s.wantAllowed(t, "the node", ana, "rui@example.org/desk", text, true)
	s.wantAllowed(t, "another node", ana, "rui@example.org/home", text, false)
	delegate(t, s, ana, `{"target":"rui@example.org","envelopeTypes":["command"]}`)
	s.wantAllowed(t, "by the node's", ana, "rui@example.org/desk", text, true)
	s.wantAllowed(t, "by the identity's", ana, "rui@example.org/desk", get, true)
	if _, err := s.Revoke(t.Context(), ana, lime.MustParseNode("rui@example.org")); err != nil {
		t.Fatal(err)
	}
	s.wantAllowed(t, "what the node has stays", ana, "rui@example.org/desk", text, true)
	if g, err := s.Get(t.Context(), ana, lime.MustParseNode("rui@example.org/DESK")); err != nil || g.Target.Instance != "Desk" {
		t.Errorf("it is %+v, %v", g, err)
	}
	if _, err := s.Get(t.Context(), ana, lime.MustParseNode("rui@example.org")); !errors.Is(err, ErrNotFound) {
		t.Errorf("the identity's is gone: %v", err)
	}
}

func TestDelegationsAreListedByOwnerAndByTarget(t *testing.T) {
	s := open(t, 0)
	delegate(t, s, ana, `{"target":"rui@example.org"}`)
	delegate(t, s, ana, `{"target":"bia@example.org/1"}`)
	delegate(t, s, bia, `{"target":"rui@example.org/2"}`)
	given, err := s.By(t.Context(), ana)
	if err != nil || len(given) != 2 || given[0].Target.String() != "bia@example.org/1" || given[1].Target.String() != "rui@example.org" {
		t.Errorf("Ana has given %+v, %v", given, err)
	}
	got, err := s.To(t.Context(), rui)
	if err != nil || len(got) != 2 || got[0].Owner != ana || got[1].Owner != bia || got[1].Target.Instance != "2" {
		t.Errorf("Rui was given %+v, %v", got, err)
	}
}

func TestDelegationsAreBounded(t *testing.T) {
	s := open(t, 3)
	for i := range 3 {
		delegate(t, s, ana, fmt.Sprintf(`{"target":"bot%d@example.org"}`, i))
	}
	grant := func(owner lime.Identity, target string) error {
		_, err := s.Grant(t.Context(), owner, lime.Delegation{Target: lime.MustParseNode(target)})
		return err
	}
	if err := grant(ana, "bot3@example.org"); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many of an owner: %v", err)
	}
	if err := grant(ana, "bot1@example.org"); err != nil {
		t.Errorf("one of them is changed: %v", err)
	}
	if _, err := s.Revoke(t.Context(), ana, lime.MustParseNode("bot0@example.org")); err != nil {
		t.Fatal(err)
	}
	if err := grant(ana, "bot3@example.org"); err != nil {
		t.Errorf("in the place of another: %v", err)
	}
	for i := range 3 {
		if err := grant(lime.MustParseIdentity(fmt.Sprintf("u%d@example.org", i)), "rui@example.org"); err != nil {
			t.Fatal(err)
		}
	}
	if err := grant(bia, "rui@example.org"); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many to a target: %v", err)
	}
	s.max = 100
	for i := range maxNodes {
		if err := grant(bia, fmt.Sprintf("lia@example.org/%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := grant(bia, "lia@example.org/x"); !errors.Is(err, ErrTooMany) {
		t.Errorf("one too many of an owner to a target: %v", err)
	}
	long := lime.Delegation{Target: lime.Node{Identity: rui}}
	for range 64 {
		long.Commands = append(long.Commands, lime.DelegatedCommand{URI: "/" + strings.Repeat("x", 200)})
	}
	if _, err := s.Grant(t.Context(), bia, long); !errors.Is(err, ErrTooMany) && !errors.Is(err, ErrTooLong) {
		t.Errorf("one that is too long: %v", err)
	}
}

// A process that dies between two writes leaves nothing in force that is not listed, and what
// it leaves can be mended.
func TestHalfADelegation(t *testing.T) {
	s := open(t, 0)
	k, err := keysOf(ana, lime.Node{Identity: rui})
	if err != nil {
		t.Fatal(err)
	}
	left := func(what string, gone document.Key) {
		t.Helper()
		delegate(t, s, ana, `{"target":"rui@example.org"}`)
		if err := s.bucket.Remove(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		s.wantAllowed(t, what, ana, "rui@example.org/1", text, gone == k.by)
		if _, err := s.Revoke(t.Context(), ana, lime.Node{Identity: rui}); err != nil {
			t.Errorf("%s: it cannot be taken back: %v", what, err)
		}
		s.wantAllowed(t, what+", taken back", ana, "rui@example.org/1", text, false)
		delegate(t, s, ana, `{"target":"rui@example.org"}`)
		s.wantAllowed(t, what+", given again", ana, "rui@example.org/1", text, true)
	}
	left("listed and not in force", k.to)
	left("in force and not listed", k.by)
}

// Whatever of both comes first, nothing is in force that is not listed.
func TestGivenAndTakenBackAtOnce(t *testing.T) {
	s := open(t, 0)
	for i := range 100 {
		target := lime.Node{Identity: lime.Identity{Name: fmt.Sprint("r", i), Domain: "example.org"}}
		delegate(t, s, ana, `{"target":"`+target.String()+`"}`)
		var both sync.WaitGroup
		var given, revoked error
		both.Go(func() { _, given = s.Grant(t.Context(), ana, lime.Delegation{Target: target}) })
		both.Go(func() { _, revoked = s.Revoke(t.Context(), ana, target) })
		both.Wait()
		if revoked != nil || given != nil && !errors.Is(given, errRevoked) {
			t.Fatalf("%d: %v, %v", i, given, revoked)
		}
		k, err := keysOf(ana, target)
		if err != nil {
			t.Fatal(err)
		}
		_, by := s.bucket.Latest(t.Context(), k.by)
		_, to := s.bucket.Latest(t.Context(), k.to)
		if to == nil && by != nil {
			t.Errorf("%d: it is in force, and listed: %v", i, by)
		}
	}
}

func TestWhatAnAccountLeavesIsForgotten(t *testing.T) {
	s := open(t, 0)
	delegate(t, s, ana, `{"target":"rui@example.org"}`)
	delegate(t, s, ana, `{"target":"rui@example.org/1"}`)
	delegate(t, s, bia, `{"target":"ana@example.org"}`)
	delegate(t, s, bia, `{"target":"rui@example.org"}`)
	gone, err := s.Forget(t.Context(), lime.MustParseIdentity("ANA@example.org"))
	if err != nil || len(gone) != 3 || gone[2].Owner != bia || gone[2].Version == 0 {
		t.Fatalf("forgotten is %+v, %v", gone, err)
	}
	s.wantAllowed(t, "what she has given", ana, "rui@example.org/1", text, false)
	s.wantAllowed(t, "what she was given", bia, "ana@example.org/1", text, false)
	s.wantAllowed(t, "what others have", bia, "rui@example.org/1", text, true)
	if all, err := s.By(t.Context(), ana); len(all) != 0 || err != nil {
		t.Errorf("she has given %+v, %v", all, err)
	}
	if again, err := s.Forget(t.Context(), ana); len(again) != 0 || err != nil {
		t.Errorf("forgotten again is %+v, %v", again, err)
	}
}
