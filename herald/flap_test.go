package herald

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
)

// step is what happens before a call of that name, and may take time; nil for nothing.
type step struct {
	call string
	does func()
}

// steps has one step after the other done, each before the first call of its name after the one
// before it.
func (w *world) steps(all ...step) {
	var mu sync.Mutex
	w.before = func(call string) error {
		mu.Lock()
		var does func()
		if len(all) > 0 && all[0].call == call {
			does, all = all[0].does, all[1:]
		}
		mu.Unlock()
		if does != nil {
			does()
		}
		return nil
	}
}

// flaps makes somebody away and, a moment later, busy again: both events are worked on together.
func (w *world) flaps(identity string, h *Herald) {
	w.is(identity, lime.StatusAway, "")
	h.Tell(of(identity))
	time.AfterFunc(h.cfg.Debounce/2, func() {
		w.is(identity, lime.StatusBusy, "")
		h.Tell(of(identity))
	})
}

// last is what was told last.
func (w *world) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.observes) == 0 {
		return ""
	}
	return w.observes[len(w.observes)-1].String()
}

// A session is told late of somebody that she is away: all are told by then that she is busy.
// When that is read again she is away for a moment.
func TestSessionThatBeginsWhileSomebodyFlaps(t *testing.T) {
	pushed := make(chan struct{})
	for name, then := range map[string]struct {
		wait func()
		step step
	}{
		"when all were told": {wait: func() { time.Sleep(time.Second) }},
		"while all are told": {func() { <-pushed }, step{"told", func() {
			close(pushed)
			time.Sleep(time.Millisecond)
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			dialogue(t, Config{}, func(w *world, h *Herald) {
				pushed = make(chan struct{}) // of this bubble
				w.knows("ana@x", "bob@x")
				w.knows("bob@x", "ana@x")
				w.is("ana@x", lime.StatusAway, "")
				h.Tell(of("ana@x"))
				settle(h)
				w.steps(step{"observe", func() { // of the briefing
					w.is("ana@x", lime.StatusBusy, "")
					h.Tell(of("ana@x"))
					then.wait()
					w.flaps("ana@x", h)
				}}, then.step)
				e := of("bob@x")
				e.Fresh = []string{"home"}
				h.Tell(e)
				settle(h)
				if got := w.last(); !strings.HasSuffix(got, ": ana@x busy") {
					t.Errorf("the last that Bob hears is %s", got)
				}
			})
		})
	}
}

// One herald takes so long to tell that she is away that another has told that she is busy, and
// has found her busy again when the first one is done.
func TestSlowHeraldWhileSomebodyFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		slow, stopSlow := w.start(Config{})
		defer stopSlow()
		quick, stopQuick := w.start(Config{})
		defer stopQuick()
		w.knows("ana@x", "bob@x")
		w.is("ana@x", lime.StatusAway, "")
		w.steps(
			step{"observe", func() { // of the slow one
				w.is("ana@x", lime.StatusBusy, "")
				quick.Tell(of("ana@x"))
				time.Sleep(time.Second)
				w.flaps("ana@x", quick)
			}},
			step{"told", nil}, // by the quick one
			step{"told", func() { time.Sleep(time.Second) }},
		)
		slow.Tell(of("ana@x"))
		settle(slow, quick)
		if got := w.last(); got != "bob@x: ana@x busy" {
			t.Errorf("the last that Bob hears is %s", got)
		}
	})
}
