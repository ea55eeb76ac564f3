package router

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// reading is a directory that takes a second to read, and counts how often it is.
type reading struct {
	mu    sync.Mutex
	reads int
	fails int // so many times first
	bytes int // of an entry
}

func (r *reading) read(ctx context.Context, domain string) ([]json.RawMessage, error) {
	r.mu.Lock()
	r.reads++
	n, fails := r.reads, r.reads <= r.fails
	r.mu.Unlock()
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if fails {
		return nil, errors.New("away")
	}
	entry := fmt.Appendf(nil, "%q", fmt.Sprint(domain, n))
	return []json.RawMessage{append(entry, make([]byte, r.bytes)...)}, nil
}

func (r *reading) want(t *testing.T, why string, reads int) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reads != reads {
		t.Errorf("%s: %d reads, want %d", why, r.reads, reads)
	}
}

func TestAListIsReadOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reading{}
		l := newLists(r.read)
		var asking sync.WaitGroup
		for range 100 {
			asking.Go(func() {
				all, err := l.get(t.Context(), "t.org")
				if err != nil || len(all) != 1 || string(all[0]) != `"t.org1"` {
					t.Errorf("got %s, %v", all, err)
				}
				clear(all) // it is the caller's
			})
		}
		asking.Wait()
		r.want(t, "a hundred at once", 1)
		time.Sleep(listFresh - time.Nanosecond)
		if all, _ := l.get(t.Context(), "t.org"); string(all[0]) != `"t.org1"` {
			t.Errorf("while it is fresh: %s", all)
		}
		time.Sleep(time.Nanosecond)
		if all, _ := l.get(t.Context(), "t.org"); string(all[0]) != `"t.org2"` {
			t.Errorf("when it is old: %s", all)
		}
	})
}

func TestWhoGivesUpOrFailsLeavesAListToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reading{fails: 1}
		l := newLists(r.read)
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := l.get(t.Context(), "t.org"); err == nil {
				t.Error("a failure is no error")
			}
		})
		synctest.Wait()
		asking.Go(func() {
			if _, err := l.get(short, "t.org"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who waits for too long gets %v", err)
			}
		})
		asking.Go(func() {
			if all, err := l.get(t.Context(), "t.org"); err != nil || string(all[0]) != `"t.org2"` {
				t.Errorf("who waits on gets %s, %v", all, err)
			}
		})
		asking.Wait()
		r.want(t, "one that failed, and one more", 2)
	})
}

func TestListsThatAreRememberedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reading{}
		l := newLists(r.read)
		var asking sync.WaitGroup
		for i := range 2 * maxLists {
			asking.Go(func() { _, _ = l.get(t.Context(), fmt.Sprint(i)) })
		}
		asking.Wait()
		if len(l.byDomain) != maxLists {
			t.Errorf("%d lists are remembered", len(l.byDomain))
		}
		time.Sleep(listFresh)
		r.bytes = maxListed/2 - 100
		for _, domain := range []string{"a", "b", "c"} {
			_, _ = l.get(t.Context(), domain)
		}
		if len(l.byDomain) != 2 || l.byDomain["a"] != nil {
			t.Errorf("%d large ones are remembered", len(l.byDomain))
		}
	})
}
