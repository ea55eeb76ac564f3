package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAMemberIsDeadOnlyWhenItsLeaseHasRunOutToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ends := began.Add(7 * time.Second)
		left := func(context.Context, string) (time.Duration, error) { return time.Until(ends), nil }
		if !awaitLeaseEnd(t.Context(), "edge-1-x", left) {
			t.Fatal("the lease has run out, but the member is not dead")
		}
		if waited := time.Since(began); waited != 7*time.Second {
			t.Errorf("dead after %v, want when the lease ends", waited)
		}
	})
}

func TestAMemberIsNotDeadWhileLeasesCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		left := func(context.Context, string) (time.Duration, error) {
			if time.Since(began) < time.Minute {
				return 0, errors.New("Redis is away")
			}
			return 0, nil
		}
		if !awaitLeaseEnd(t.Context(), "edge-1-x", left) {
			t.Fatal("the lease was gone after Redis was back, but the member is not dead")
		}
		if waited := time.Since(began); waited < time.Minute {
			t.Errorf("dead after %v, while nobody could know", waited)
		}
	})
}

func TestAMemberThatComesBackIsNotDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		left := func(context.Context, string) (time.Duration, error) { return 10 * time.Second, nil }
		time.AfterFunc(5*time.Second, cancel)
		if awaitLeaseEnd(ctx, "edge-1-x", left) {
			t.Error("a member was declared dead though it came back")
		}
	})
}
