package presencetest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/presence"
)

func oneHolds(t *testing.T, w *world) {
	hold := func(name string, holder presence.EdgeID, want bool) {
		t.Helper()
		held, err := w.store.Hold(w.ctx(), name, holder, time.Minute)
		w.must("hold", err)
		if held != want {
			t.Errorf("%s holds %s: %v, want %v", holder, name, held, want)
		}
	}
	hold("sweep.1", "r1", true)
	hold("sweep.1", "r2", false)
	hold("sweep.1", "r1", true)
	hold("sweep.2", "r2", true)
	w.must("release by another", w.store.Release(w.ctx(), "sweep.1", "r2"))
	hold("sweep.1", "r2", false)
	w.must("release", w.store.Release(w.ctx(), "sweep.1", "r1"))
	hold("sweep.1", "r2", true)
	hold("sweep.1", "r1", false)
	w.must("release what nobody has", w.store.Release(w.ctx(), "sweep.3", "r1"))
	w.redis.Flush(t)
	w.redis.Forget(t)
	hold("sweep.1", "r1", true)
	hold("sweep.1", "r2", false)
	w.redis.Forget(t)
	w.must("release by a script that was forgotten", w.store.Release(w.ctx(), "sweep.1", "r1"))
	hold("sweep.1", "r2", true)

	for _, name := range []string{"", "a b", "{a}", "a:b", strings.Repeat("n", 128)} {
		if _, err := w.store.Hold(w.ctx(), name, "r1", time.Minute); err == nil {
			t.Errorf("%q is held", name)
		}
	}
	if _, err := w.store.Hold(w.ctx(), "n", "no good", time.Minute); err == nil {
		t.Error("a bad holder holds")
	}
	if _, err := w.store.Hold(w.ctx(), "n", "r1", time.Microsecond); err == nil {
		t.Error("something is held for no time")
	}
}

func holdEnds(t *testing.T, w *world) {
	held, err := w.store.Hold(w.ctx(), "work", "r1", time.Minute)
	w.must("hold", err)
	again, err := w.store.Hold(w.ctx(), "work", "r1", 50*time.Millisecond) // renews
	w.must("hold again", err)
	if !held || !again {
		t.Fatalf("held: %v, again: %v", held, again)
	}
	w.eventually("another one holds it", func() error {
		held, err := w.store.Hold(w.ctx(), "work", "r2", time.Minute)
		if err == nil && !held {
			err = errors.New("r1 does")
		}
		return err
	})
}

func manyWantToHold(t *testing.T, w *world) {
	for round := range 20 {
		var won atomic.Int32
		if ok := each(10, func(i int) error {
			held, err := w.store.Hold(w.ctx(), fmt.Sprint("work", round), presence.EdgeID(fmt.Sprint("r", i)), time.Minute)
			if held {
				won.Add(1)
			}
			return err
		}); ok != 10 || won.Load() != 1 {
			t.Errorf("%d of %d hold it, want 1 of 10", won.Load(), ok)
		}
	}
}
