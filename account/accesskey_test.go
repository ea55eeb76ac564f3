package account

import (
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
