package lease_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"limegrove/presence"
	"limegrove/routing/lease"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// redis has one lease.
type redis struct {
	holder presence.EdgeID
	till   time.Time
	away   error
	silent bool
}

func (r *redis) Hold(ctx context.Context, name string, holder presence.EdgeID, ttl time.Duration) (bool, error) {
	if r.away != nil {
		return false, r.away
	}
	if r.silent {
		<-ctx.Done()
		return false, ctx.Err()
	}
	if name != "x" || r.holder != "" && r.holder != holder && time.Now().Before(r.till) {
		return false, nil
	}
	r.holder, r.till = holder, time.Now().Add(ttl)
	return true, nil
}

func (r *redis) Release(_ context.Context, _ string, holder presence.EdgeID) error {
	if r.holder == holder {
		r.holder = ""
	}
	return r.away
}

func (r *redis) of(holder presence.EdgeID) *lease.Lease {
	return lease.New(lease.Config{Leases: r, Name: "x", Holder: holder, For: 6 * time.Second, Timeout: time.Second})
}

func TestOneHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &redis{}
		mine, others := r.of("a"), r.of("b")
		if held, err := mine.Hold(t.Context()); err != nil || !held || !mine.Valid() {
			t.Error("mine", held, err)
		}
		if held, err := others.Hold(t.Context()); err != nil || held || others.Valid() {
			t.Error("others", held, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		kept := make(chan struct{})
		go func() {
			defer close(kept)
			mine.Keep(ctx, func(error) { t.Error("complained") }, func() { t.Error("lost") })
		}()
		time.Sleep(time.Minute)
		if !mine.Valid() {
			t.Error("it is not kept")
		}
		cancel()
		<-kept
		mine.Release(ctx)
		if held, err := others.Hold(t.Context()); err != nil || !held || mine.Valid() {
			t.Error("given back", held, err)
		}
		time.Sleep(6 * time.Second)
		if others.Valid() {
			t.Error("it is valid for longer than it lasts")
		}
	})
}

func TestWhoeverHasItKeepsItWithoutRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &redis{}
		mine, others := r.of("a"), r.of("b")
		if _, err := mine.Hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.away = errors.New("away")
		complaints, lost := 0, false
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		mine.Keep(ctx, func(error) { complaints++ }, func() { lost = true })
		if held, err := others.Hold(t.Context()); err == nil || held || others.Valid() || !mine.Valid() || lost || complaints == 0 {
			t.Error("without Redis", held, err, lost, complaints)
		}
		r.away, r.holder, r.till = nil, "b", time.Now().Add(time.Hour)
		mine.Keep(t.Context(), func(error) {}, func() { lost = true })
		if !lost {
			t.Error("it is not lost")
		}
	})
}

func TestWhoHasStoodStillHasLostIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &redis{}
		mine := r.of("a")
		if _, err := mine.Hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.away = errors.New("away")
		time.Sleep(7 * time.Second)
		if held, err := mine.Hold(t.Context()); held || err == nil || mine.Valid() {
			t.Error("it goes on", held, err)
		}
		lost := false
		mine.Keep(t.Context(), func(error) {}, func() { lost = true })
		if !lost {
			t.Error("it is kept")
		}
	})
}

// TestWhoeverHasItKeepsItWhileRedisIsSilent: a question that nobody answers takes as long as it may.
func TestWhoeverHasItKeepsItWhileRedisIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &redis{}
		mine := lease.New(lease.Config{Leases: r, Name: "x", Holder: "a", For: 6 * time.Second, Timeout: 5 * time.Second})
		if _, err := mine.Hold(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.silent = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		lost := false
		mine.Keep(ctx, func(error) {}, func() { lost = true })
		if lost || !mine.Valid() {
			t.Error("it is lost")
		}
	})
}
