package roster

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, cfg Config) *Store {
	t.Helper()
	cfg.JetStream = natstest.JetStream(t)
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func id(s string) lime.Identity { return lime.MustParseIdentity(s) }

// set makes owner's contact what a resource says.
func (s *Store) set(t testing.TB, owner, resource string) error {
	t.Helper()
	var c lime.Contact
	if err := json.Unmarshal([]byte(resource), &c); err != nil {
		t.Fatal(err)
	}
	return s.ChangeContact(t.Context(), id(owner), c.Identity, func(*lime.Contact) (lime.Contact, error) { return c, nil })
}

func (s *Store) mustSet(t testing.TB, owner, resource string) {
	t.Helper()
	if err := s.set(t, owner, resource); err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, why string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", why, got, want)
	}
}

func TestContactsAreKeptByOwner(t *testing.T) {
	s, ctx := open(t, Config{}), t.Context()
	_, err := s.Contact(ctx, id("ana@x"), id("bob@x"))
	wantError(t, "there is none", err, ErrNoContact)
	s.mustSet(t, "Ana@X", `{"identity":"Rui@X","name":"Rui"}`)
	s.mustSet(t, "ana@x", `{"identity":"bob@y"}`)
	s.mustSet(t, "ana@x", `{"identity":"Bob@x"}`)
	s.mustSet(t, "ana2@x", `{"identity":"of somebody else@x"}`)
	all, err := s.Contacts(ctx, id("ANA@x"))
	var got []string
	for _, c := range all {
		got = append(got, c.Identity.String())
	}
	if err != nil || fmt.Sprint(got) != "[Bob@x Rui@X bob@y]" {
		t.Errorf("she has %s, %v", got, err)
	}
	c, err := s.Contact(ctx, id("ana@x"), id("rui@x"))
	if err != nil || string(c.Properties["name"]) != `"Rui"` {
		t.Errorf("Rui is %v, %v", c, err)
	}
	was, err := s.RemoveContact(ctx, id("ana@x"), id("RUI@x"))
	if err != nil || was.Identity.String() != "Rui@X" {
		t.Errorf("removed %v, %v", was, err)
	}
	_, err = s.RemoveContact(ctx, id("ana@x"), id("rui@x"))
	wantError(t, "removed again", err, ErrNoContact)
}

func TestContactsAreBounded(t *testing.T) {
	s := open(t, Config{MaxContacts: 3})
	for _, name := range []string{"a", "b", "c"} {
		s.mustSet(t, "ana@x", `{"identity":"`+name+`@x"}`)
	}
	wantError(t, "a fourth", s.set(t, "ana@x", `{"identity":"d@x"}`), ErrTooMany)
	s.mustSet(t, "ana@x", `{"identity":"a@x","name":"no new one"}`)
	s.mustSet(t, "bob@x", `{"identity":"a@x"}`)
	if _, err := s.RemoveContact(t.Context(), id("ana@x"), id("b@x")); err != nil {
		t.Fatal(err)
	}
	s.mustSet(t, "ana@x", `{"identity":"d@x"}`) // there is room again, though what was removed is still known
	large := `{"identity":"a@x","name":"` + strings.Repeat("x", MaxContact) + `"}`
	wantError(t, "a large one", s.set(t, "ana@x", large), ErrTooLarge)
}

func TestErrorOfAChangeChangesNoContact(t *testing.T) {
	s, ours := open(t, Config{}), errors.New("ours")
	s.mustSet(t, "ana@x", `{"identity":"bob@x","name":"Bob"}`)
	err := s.ChangeContact(t.Context(), id("ana@x"), id("bob@x"), func(old *lime.Contact) (lime.Contact, error) {
		if string(old.Properties["name"]) != `"Bob"` {
			t.Errorf("there is %v", old)
		}
		return lime.Contact{}, ours
	})
	wantError(t, "ours", err, ours)
	if c, err := s.Contact(t.Context(), id("ana@x"), id("bob@x")); err != nil || len(c.Properties) != 1 {
		t.Errorf("it is %v, %v", c, err)
	}
}

func TestWhatIsForgottenIsOnesOwn(t *testing.T) {
	s := open(t, Config{})
	s.mustSet(t, "ana@x", `{"identity":"bob@x"}`)
	s.mustSet(t, "bob@x", `{"identity":"ana@x"}`)
	if err := s.Forget(t.Context(), id("Ana@x")); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Contacts(t.Context(), id("ana@x")); err != nil || len(all) != 0 {
		t.Errorf("Ana has %v, %v", all, err)
	}
	if all, err := s.Contacts(t.Context(), id("bob@x")); err != nil || len(all) != 1 {
		t.Errorf("Bob has %v, %v", all, err)
	}
}
