package account

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestPasswordThatHasMatchedIsNotHashedAgain(t *testing.T) {
	h := &countingHasher{}
	reg := prometheus.NewRegistry()
	s := open(t, Config{Hasher: h, Metrics: reg, Workers: 1, Queue: -1})
	create(t, s, Account{Identity: ana})
	for n, want := range []int{1, 0, 0} {
		if err := s.Verify(t.Context(), anaToo, pass); err != nil {
			t.Fatal(err)
		}
		if got := len(h.work()); got != want {
			t.Errorf("login %d: %d hashes, want %d", n, got, want)
		}
	}
	wantMetric(t, reg, "limegrove_account_remembered_total", "", 2)
	wantMetric(t, reg, "limegrove_account_verifications_total", resultAccepted, 3)

	if err := s.pool.enter(); err != nil { // all are busy
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), ana, pass); err != nil {
		t.Errorf("in a storm: %v", err)
	}
	if err := s.Verify(t.Context(), ana, another); !errors.Is(err, ErrBusy) {
		t.Errorf("another password in a storm: %v", err)
	}
	s.pool.leave()

	for range 2 { // what has not matched is hashed each time (L-SES-16)
		if err := s.Verify(t.Context(), ana, another); !errors.Is(err, ErrCredentials) {
			t.Error(err)
		}
		if n := len(h.work()); n != 1 {
			t.Errorf("a wrong password: %d hashes", n)
		}
	}
	if err := s.SetPassword(t.Context(), ana, another); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), ana, pass); !errors.Is(err, ErrCredentials) || len(h.work()) != 1 {
		t.Errorf("the old password: %v", err)
	}
	if err := s.Verify(t.Context(), ana, another); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), ana); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context(), ana, another); !errors.Is(err, ErrCredentials) {
		t.Errorf("of a deleted account: %v", err)
	}
}

func TestNothingIsRememberedWhereThatIsNotWanted(t *testing.T) {
	h := &countingHasher{}
	s := open(t, Config{Hasher: h, Remember: -1})
	create(t, s, Account{Identity: ana})
	for range 3 {
		if err := s.Verify(t.Context(), ana, pass); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.work()); n != 3 {
		t.Errorf("%d hashes, want three", n)
	}
}

func TestMemoryForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(3, time.Minute)
		for i := range 5 {
			m.note(fmt.Sprint("hash", i), pass)
		}
		for i, want := range []bool{false, false, true, true, true} { // the oldest went first
			if got := m.knows(fmt.Sprint("hash", i), pass); got != want {
				t.Errorf("hash%d: %v, want %v", i, got, want)
			}
		}
		for what, pair := range map[string][2]string{
			"another password": {"hash4", "other"}, "another hash": {"hash5", "s3cret"}, "the same text": {"hash4s", "3cret"},
		} {
			if m.knows(pair[0], []byte(pair[1])) {
				t.Errorf("%s is known", what)
			}
		}
		time.Sleep(30 * time.Second)
		if !m.knows("hash4", pass) {
			t.Error("forgotten too early")
		}
		time.Sleep(30 * time.Second) // which it was asked for in between
		if m.knows("hash4", pass) {
			t.Error("known for longer than it was to be")
		}
		m.note("hash4", pass)
		if !m.knows("hash4", pass) {
			t.Error("found to match again, and not known")
		}
		if other := newMemory(3, time.Minute); other.of("hash4", pass) == m.of("hash4", pass) {
			t.Error("two processes keep the same")
		}
	})
}

func TestWhoWaitsForTooLongIsToldThatItIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1, 1)
		p.slots <- struct{}{} // somebody works
		began := time.Now()
		err := p.do(t.Context(), func() error { return nil })
		if took := time.Since(began); !errors.Is(err, ErrBusy) || took != patience {
			t.Errorf("%v after %v", err, took)
		}
		<-p.slots
		if err := p.do(t.Context(), func() error { return nil }); err != nil {
			t.Error(err)
		}
	})
}
