package account

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestAccessKeyIsASecretOfItsOwn(t *testing.T) {
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	key := []byte("sixteen bytes of")
	verify := func(what string, given string, want error) {
		t.Helper()
		if err := s.VerifyAccessKey(t.Context(), anaToo, []byte(given)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	verify("there is none", string(key), ErrCredentials)
	verify("an empty one, while there is none", "", ErrCredentials)
	if err := s.SetAccessKey(t.Context(), anaToo, key); err != nil {
		t.Fatal(err)
	}
	verify("the key", string(key), nil)
	verify("another", "seventeen bytes o", ErrCredentials)
	verify("the password", string(pass), ErrCredentials)
	if err := s.Verify(t.Context(), ana, key); !errors.Is(err, ErrCredentials) {
		t.Errorf("the key lets in like the password: %v", err)
	}
	if err := s.SetPassword(t.Context(), ana, another); err != nil {
		t.Fatal(err)
	}
	verify("the key, after a new password", string(key), nil)
	for _, bad := range []string{"fifteen bytes..", strings.Repeat("x", MaxPassword+1)} {
		if err := s.SetAccessKey(t.Context(), ana, []byte(bad)); !errors.Is(err, ErrAccessKey) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	verify("still the key", string(key), nil)
	if err := s.SetAccessKey(t.Context(), ana, nil); err != nil {
		t.Fatal(err)
	}
	verify("it was removed", string(key), ErrCredentials)
	verify("an empty one", "", ErrCredentials)
	if err := s.SetAccessKey(t.Context(), rui, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
	if err := s.VerifyAccessKey(t.Context(), rui, key); !errors.Is(err, ErrCredentials) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestAccessKeyAndPropertiesChangeTogetherOrNotAtAll(t *testing.T) {
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	key := []byte("an access key that is long enough")
	large := map[string]json.RawMessage{"x": json.RawMessage(`"` + strings.Repeat("x", MaxProperties) + `"`)}
	err := s.UpdateAll(t.Context(), ana, nil, key, func(a *Account) error { a.Properties = large; return nil })
	if !errors.Is(err, ErrProperties) {
		t.Errorf("properties that are too long: %v", err)
	}
	if err := s.VerifyAccessKey(t.Context(), ana, key); !errors.Is(err, ErrCredentials) {
		t.Errorf("the key that came with them: %v", err)
	}
	small := map[string]json.RawMessage{"x": json.RawMessage(`1`)}
	if err := s.UpdateAll(t.Context(), ana, nil, key, func(a *Account) error { a.Properties = small; return nil }); err != nil {
		t.Error(err)
	}
	if err := s.VerifyAccessKey(t.Context(), ana, key); err != nil {
		t.Error(err)
	}
	if a, err := s.Latest(t.Context(), ana); string(a.Properties["x"]) != "1" || err != nil {
		t.Errorf("its properties are %s, %v", a.Properties, err)
	}
	if _, err := s.Latest(t.Context(), rui); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}
