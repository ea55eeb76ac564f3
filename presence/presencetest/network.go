package presencetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// each calls do for 0 to n-1 at the same time and returns how many succeeded.
func each(n int, do func(i int) error) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	ok := 0
	for i := range n {
		wg.Go(func() {
			if do(i) == nil {
				mu.Lock()
				defer mu.Unlock()
				ok++
			}
		})
	}
	wg.Wait()
	return ok
}

func user(i int) presence.Registration { return reg(fmt.Sprintf("user%d@x/1", i), "e1", "s1") }

func manyIdentities(t *testing.T, w *world) {
	w.live("e1")
	// Several pipelines, in each lane of a cluster, too. The embedded Redis is slow at scripts.
	const n, batch = 160, 4
	s := w.open(presence.Config{LeaseTTL: time.Minute, Timeout: patience, Batch: batch})
	if ok := each(n, func(i int) error {
		v, _, err := s.Register(w.ctx(), user(i), false)
		if err == nil && len(v.Registrations) != 1 {
			err = errors.New("another's view")
		}
		return err
	}); ok != n {
		t.Errorf("%d of %d registered", ok, n)
	}
	if ok := each(n, func(i int) error {
		_, err := s.Update(w.ctx(), user(i))
		return err
	}); ok != n {
		t.Errorf("%d of %d updated", ok, n)
	}
	if ok := each(n, func(i int) error {
		_, err := s.Unregister(w.ctx(), user(i).Node, "s1")
		return err
	}); ok != n {
		t.Errorf("%d of %d unregistered", ok, n)
	}
}

func forgotten(t *testing.T, w *world) {
	w.live("e1")
	for range 2 {
		w.redis.Forget(t)
		const n = 300
		if ok := each(n, func(i int) error {
			_, _, err := w.store.Register(w.ctx(), user(i), false)
			return err
		}); ok != n {
			t.Errorf("%d of %d registered by a script that was forgotten", ok, n)
		}
	}
	w.redis.Forget(t)
	_, err := w.store.Update(w.ctx(), user(1))
	w.must("update", err)
	w.redis.Forget(t)
	_, err = w.store.Unregister(w.ctx(), user(1).Node, "s1")
	w.must("unregister", err)
}

func cancelled(t *testing.T, w *world) {
	w.live("e1")
	ended, cancel := context.WithCancel(w.ctx())
	cancel()
	if _, _, err := w.store.Register(ended, user(0), false); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if v := w.view("user0@x"); v.Version != 0 {
		t.Errorf("a call that was cancelled before it began did something: %v", v)
	}
	const n = 500
	soon, cancel := context.WithCancel(w.ctx())
	ok := each(n, func(i int) error {
		if i%5 == 0 {
			cancel()
		}
		ctx := w.ctx()
		if i%2 == 0 {
			ctx = soon
		}
		_, _, err := w.store.Register(ctx, user(i), false)
		if i%2 == 0 {
			return errors.New("does not count")
		}
		return err
	})
	if ok != n/2 {
		t.Errorf("%d of %d calls succeeded beside as many that may be cancelled", ok, n/2)
	}
}

func away(t *testing.T, w *world) {
	const timeout = 500 * time.Millisecond
	var said logs
	s := w.open(presence.Config{
		Timeout: timeout, LeaseTTL: 3 * time.Second, LeaseEvery: 100 * time.Millisecond, Logger: said.logger(),
	})
	made := make(chan struct{}, 99)
	w.keep(s, "e1", func(context.Context) { made <- struct{}{} })
	<-made
	_, _, err := s.Register(w.ctx(), user(1), false)
	w.must("register", err)

	w.redis.Stop(t)
	begin := time.Now()
	if ok := each(300, func(i int) error {
		_, _, err := s.Register(w.ctx(), user(i), false)
		return err
	}); ok != 0 {
		t.Errorf("%d registered while Redis was away", ok)
	}
	if _, err := s.View(w.ctx(), lime.MustParseIdentity("user1@x")); err == nil {
		t.Error("a view came from nowhere")
	}
	// Registering and viewing wait at most twice the timeout each; the machine
	// may be busy.
	if took := time.Since(begin); took > 8*timeout {
		t.Errorf("errors took %v at a timeout of %v", took, timeout)
	}
	w.eventually("the keeper says so", func() error {
		if said.count("cannot renew") != 1 {
			return fmt.Errorf("said %d times", said.count("cannot renew"))
		}
		return nil
	})

	w.redis.Start(t)
	w.eventually("it heals", func() error {
		_, _, err := s.Register(w.ctx(), user(1), false)
		return err
	})
	w.eventually("the lease is back", func() error {
		left, err := s.LeaseLeft(w.ctx(), "e1")
		if err == nil && left == 0 {
			err = errors.New("no lease")
		}
		return err
	})
}

func closed(t *testing.T, w *world) {
	s := w.open(presence.Config{})
	done := make(chan error, 1)
	go func() { done <- s.KeepLease(w.ctx(), presence.Lease{Edge: "e1"}, func(context.Context) {}) }()
	w.must("close", s.Close())
	w.must("close again", s.Close())
	if err := <-done; !errors.Is(err, presence.ErrClosed) {
		t.Errorf("KeepLease: %v, want ErrClosed", err)
	}
	if _, _, err := s.Register(w.ctx(), user(1), false); !errors.Is(err, presence.ErrClosed) {
		t.Errorf("Register: %v, want ErrClosed", err)
	}
}
