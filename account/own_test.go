package account

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAccountIsOwnedWithoutAPassword(t *testing.T) {
	s := open(t, Config{})
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 { // logins that come at once
		all.Go(func() {
			is, err := s.Own(t.Context(), ana, false)
			if err != nil {
				t.Error(err)
			}
			if is {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if n := made.Load(); n != 1 {
		t.Errorf("%d have made it, want one", n)
	}
	if a, err := s.Get(t.Context(), anaToo); err != nil || a.Identity != ana || a.Created.IsZero() {
		t.Errorf("the account is %+v, %v", a, err)
	}
	for _, password := range []string{"", "x"} {
		if err := s.Verify(t.Context(), ana, []byte(password)); !errors.Is(err, ErrCredentials) {
			t.Errorf("the password %q: %v", password, err)
		}
	}
}

func TestAccountWithAPasswordIsTakenOverOnlyWhenAllowed(t *testing.T) {
	s := open(t, Config{})
	create(t, s, Account{Identity: ana})
	if _, err := s.Own(t.Context(), anaToo, false); !errors.Is(err, ErrCredentials) {
		t.Errorf("somebody else's: %v", err)
	}
	if made, err := s.Own(t.Context(), anaToo, true); err != nil || made {
		t.Errorf("taken over: %v, %v", made, err)
	}
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Errorf("its password is gone: %v", err)
	}
}
