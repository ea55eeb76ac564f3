package herald

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

// flap has somebody change each half second, for a minute, while others change once in a while.
// Each whose name begins with "slow" takes a second to be told of. It returns how late
// the others were told of, after the first ten seconds.
func flap(t *testing.T, w *world, h *Herald, slow int) (late time.Duration) {
	t.Helper()
	status := []lime.Status{lime.StatusAvailable, lime.StatusAway}
	w.slow = map[string]time.Duration{}
	for i := range slow {
		name := fmt.Sprintf("slow%d@x", i)
		w.slow[name] = time.Second
		w.knows(name, "bob@x")
	}
	w.knows("ana@x", "bob@x")
	began := time.Now()
	for round := range 120 {
		for i := range slow {
			name := fmt.Sprintf("slow%d@x", i)
			w.is(name, status[round%2], fmt.Sprint(round))
			h.Tell(of(name))
		}
		if time.Since(began) >= 10*time.Second {
			w.is("ana@x", status[round%2], "")
			e, told := of("ana@x"), make(chan struct{})
			at := time.Now()
			e.Done = func() { late = max(late, time.Since(at)); close(told) }
			h.Tell(e)
			<-told
		}
		time.Sleep(500 * time.Millisecond)
	}
	settle(h)
	w.mu.Lock()
	defer w.mu.Unlock()
	last := map[string]string{}
	for _, o := range w.observes {
		if strings.HasPrefix(o.of, "slow") {
			last[o.of] = o.presence.Message
		}
	}
	for i := range slow {
		if got := last[fmt.Sprintf("slow%d@x", i)]; got != "119" {
			t.Errorf("the last that is told of slow%d is %q", i, got)
		}
	}
	return late
}

func TestThoseWhoTakeLongHoldUpNobody(t *testing.T) {
	dialogue(t, Config{Workers: 4}, func(w *world, h *Herald) {
		if late := flap(t, w, h, 16); late > 2*h.cfg.Debounce {
			t.Errorf("others are told of after %s", late)
		}
	})
}

func TestWhoTakesLongRestsBetween(t *testing.T) {
	dialogue(t, Config{Workers: 4}, func(w *world, h *Herald) {
		began := time.Now()
		flap(t, w, h, 1)
		most := 1 + int(time.Since(began)/(2*time.Second)) // a second of work, and one of rest
		if n := w.reads["slow0@x"]; n > most || n < most-2 {
			t.Errorf("told of %d times, and not of %d", n, most)
		}
		w.slow = nil
		time.Sleep(slowFor)
		w.is("slow0@x", lime.StatusBusy, "")
		w.observes = nil
		h.Tell(of("slow0@x"))
		time.Sleep(h.cfg.Debounce)
		synctest.Wait()
		w.want("a minute later nothing of that is known", "bob@x: slow0@x busy")
		if len(h.slow) != 0 {
			t.Errorf("%d are taken to be slow", len(h.slow))
		}
	})
}

func TestWhoRestsIsToldOfBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h, stop := w.start(Config{Workers: 2})
		w.slow = map[string]time.Duration{"ana@x": time.Second}
		w.knows("ana@x", "bob@x")
		w.is("ana@x", lime.StatusAvailable, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.is("ana@x", lime.StatusAway, "")
		h.Tell(of("ana@x"))
		synctest.Wait()
		before := time.Now()
		stop()
		w.want("both", "bob@x: ana@x available", "bob@x: ana@x away")
		if took := time.Since(before); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestOfThoseWhoTakeLongSoManyAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		h.mu.Lock()
		defer h.mu.Unlock()
		for i := range 2 * maxSlow {
			h.pace(lime.Identity{Name: fmt.Sprint(i), Domain: "x"}, time.Second)
		}
		if len(h.slow) != maxSlow {
			t.Errorf("%d are remembered", len(h.slow))
		}
		time.Sleep(slowFor)
		h.pace(lime.Identity{Name: "ana", Domain: "x"}, time.Second)
		if len(h.slow) != 1 {
			t.Errorf("%d are remembered after a minute", len(h.slow))
		}
	})
}

// Somebody comes while others wait to hear that one is gone; when it is back, all is as it was
// for them alone.
func TestWhoWasGoneMeanwhileIsToldOf(t *testing.T) {
	dialogue(t, Config{Workers: 2}, func(w *world, h *Herald) {
		w.slow = map[string]time.Duration{"rui@x": 4 * time.Second}
		w.knows("rui@x", "ana@x", "bob@x")
		w.knows("ana@x", "rui@x")
		w.is("rui@x", lime.StatusAvailable, "")
		h.Tell(of("rui@x"))
		settle(h)
		w.want("he is there", "ana@x: rui@x available", "bob@x: rui@x available")
		w.is("rui@x", lime.StatusInvisible, "")
		h.Tell(of("rui@x")) // he rests
		e := of("ana@x")
		e.Fresh = []string{"home"}
		h.Tell(e)
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("she is not told of him")
		w.is("rui@x", lime.StatusAvailable, "")
		h.Tell(of("rui@x"))
		settle(h)
		w.want("until he has rested", "ana@x: rui@x available", "bob@x: rui@x available")
	})
}
