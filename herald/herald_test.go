package herald

import (
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

func TestChangeIsToldToThoseWhoAreToKnow(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "Bob@x", "rui@x", "-lia@x")
		w.subscribed["ana@x"] = []lime.Identity{
			lime.MustParseIdentity("bob@x"), lime.MustParseIdentity("lia@x"), lime.MustParseIdentity("gil@x"), lime.MustParseIdentity("tom@x"),
		}
		w.permitted["ana@x gil@x"], w.permitted["ana@x lia@x"] = true, true
		w.is("Ana@x", lime.StatusBusy, "hello")
		h.Tell(of("Ana@x"))
		settle(h)
		w.want("contacts, and subscribers that are permitted otherwise",
			"Bob@x: Ana@x busy hello", "gil@x: Ana@x busy hello", "lia@x: Ana@x busy hello", "rui@x: Ana@x busy hello")
	})
}

func TestFlappingCostsOnePush(t *testing.T) {
	dialogue(t, Config{Debounce: 200 * time.Millisecond}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x")
		done := 0
		for i := range 19 {
			w.is("ana@x", []lime.Status{lime.StatusAvailable, lime.StatusAway}[i%2], "")
			e := of("ana@x")
			e.Done = func() { done++ }
			h.Tell(e)
			time.Sleep(10 * time.Millisecond)
		}
		w.want("before the time is over")
		time.Sleep(11 * time.Millisecond)
		synctest.Wait()
		w.want("after that", "bob@x: ana@x available")
		if done != 19 {
			t.Errorf("%d of 19 events are done", done)
		}
		w.is("ana@x", lime.StatusAway, "")
		h.Tell(of("ana@x"))
		w.is("ana@x", lime.StatusAvailable, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("when all is as it was")
	})
}

func TestWhoGoesIsDated(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x")
		left := of("ana@x")
		left.Seen = true
		w.is("ana@x", lime.StatusAvailable, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("she comes", "bob@x: ana@x available")
		w.is("ana@x", "", "")
		when := time.Now()
		h.Tell(left)
		settle(h)
		w.want("she goes", "bob@x: ana@x unavailable since "+lime.FormatTime(when))
		time.Sleep(time.Minute)
		h.Tell(left)
		settle(h)
		w.want("told again, it is no news")
		if !w.seen["ana@x"].Equal(when) {
			t.Errorf("she was seen at %v, and not at %v", w.seen["ana@x"], when)
		}
		w.is("ana@x", lime.StatusInvisible, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("she is there and not to be seen")
		w.is("ana@x", "", "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("and goes again")
		if !w.seen["ana@x"].Equal(when) {
			t.Errorf("that she was there shows at %v", w.seen["ana@x"])
		}
	})
}

// Redis is emptied, and edges register their sessions again.
func TestWhoIsRegisteredAgainIsNotToldOf(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x")
		again := of("ana@x")
		again.Again = true
		w.is("ana@x", lime.StatusAvailable, "")
		h.Tell(again)
		settle(h)
		w.want("nothing has happened")
		w.told["ana@x"] = string(lime.StatusUnavailable)
		h.Tell(again)
		settle(h)
		w.want("somebody told otherwise meanwhile", "bob@x: ana@x available")
		w.told["ana@x"] = ""
		w.is("ana@x", lime.StatusInvisible, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("nobody knew of her, and she is not to be seen")
		left := of("ana@x")
		left.Seen = true
		w.told["ana@x"] = ""
		h.Tell(left)
		settle(h)
		w.want("others have seen her", "bob@x: ana@x unavailable since "+lime.FormatTime(time.Now().Add(-200*time.Millisecond)))
	})
}

func TestWhatChangesMeanwhileIsToldToo(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x")
		w.is("ana@x", lime.StatusAvailable, "")
		w.before = func(call string) error {
			if call == "flush" {
				w.before = nil
				w.is("ana@x", lime.StatusAway, "")
			}
			return nil
		}
		h.Tell(of("ana@x"))
		settle(h)
		if got := w.observes[len(w.observes)-1].String(); got != "bob@x: ana@x away" {
			t.Errorf("the last that Bob heard is %s", got)
		}
		w.want("both", "bob@x: ana@x available", "bob@x: ana@x away")
		if w.told["ana@x"] != "away" {
			t.Errorf("noted is %q", w.told["ana@x"])
		}
	})
}

// The event of who goes while somebody is told of him finds everybody told.
func TestWhoGoesMeanwhileIsDated(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x")
		w.is("ana@x", lime.StatusAvailable, "")
		left := of("ana@x")
		left.Seen = true
		var when time.Time
		w.before = func(call string) error {
			if call == "flush" {
				w.before = nil
				w.is("ana@x", "", "")
				when = time.Now()
				h.Tell(left)
			}
			return nil
		}
		h.Tell(of("ana@x"))
		settle(h)
		w.want("both", "bob@x: ana@x available", "bob@x: ana@x unavailable since "+lime.FormatTime(when))
		if !w.seen["ana@x"].Equal(when) {
			t.Errorf("she was seen at %v, and not at %v", w.seen["ana@x"], when)
		}
	})
}

// Who goes is found to be gone by the event of what she did before, which may be another router's: the event
// of her going finds everybody told.
func TestWhoIsGoneBeforeItIsKnownIsDated(t *testing.T) {
	again := of("ana@x")
	again.Again = true
	left := of("ana@x")
	left.Seen = true
	for name, row := range map[string]struct {
		event Event
		told  string // what is noted of it
		dated bool
	}{
		"after a change":                             {of("ana@x"), "away", true},
		"after a change, while somebody is told":     {of("ana@x"), presence.Uncertain, true},
		"looked at again":                            {again, "away", true},
		"looked at again, when it was told, perhaps": {again, presence.Uncertain, false},
	} {
		t.Run(name, func(t *testing.T) {
			dialogue(t, Config{}, func(w *world, h *Herald) {
				w.knows("ana@x", "bob@x")
				earlier := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
				w.seen["ana@x"], w.told["ana@x"] = earlier, row.told
				h.Tell(row.event)
				settle(h)
				when := w.seen["ana@x"]
				w.want("she is gone", "bob@x: ana@x unavailable since "+lime.FormatTime(when))
				if dated := when.After(earlier); dated != row.dated {
					t.Errorf("she was seen at %v, and before at %v", when, earlier)
				}
				h.Tell(left)
				settle(h)
				w.want("it is no news")
				if !w.seen["ana@x"].Equal(when) {
					t.Errorf("she was seen at %v, and not at %v", w.seen["ana@x"], when)
				}
			})
		})
	}
}

// Others never hear that she was gone, and she is told of to them no more.
func TestSessionThatBeginsWhileSomebodyIsGoneForAMoment(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x")
		w.knows("bob@x", "ana@x")
		w.is("ana@x", lime.StatusAvailable, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("she is there", "bob@x: ana@x available")
		w.is("ana@x", "", "")
		e := of("bob@x")
		e.Fresh = []string{"home"}
		h.Tell(e)
		settle(h)
		w.want("his session is not told of her")
		w.is("ana@x", lime.StatusAvailable, "")
		h.Tell(of("ana@x"))
		settle(h)
		w.want("she is back", "bob@x: ana@x available")
	})
}

func TestSessionThatBeginsIsTold(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.knows("ana@x", "bob@x", "rui@x", "lia@x", "gil@x", "nobody@x")
		w.knows("bob@x", "Ana@x")
		w.knows("rui@x", "ana@x")
		w.knows("lia@x", "-ana@x")
		w.subscribed["tom@x"], w.subscribed["bia@x"] = []lime.Identity{lime.MustParseIdentity("ana@x")}, []lime.Identity{lime.MustParseIdentity("ana@x")}
		w.permitted["tom@x ana@x"] = true
		for _, name := range []string{"bob@x", "lia@x", "gil@x", "tom@x", "bia@x"} {
			w.is(name, lime.StatusAway, "")
		}
		e := of("Ana@x")
		e.Again, e.Fresh = true, []string{"home"}
		h.Tell(e)
		settle(h)
		w.want("of those who share, and are to be seen", "Ana@x/home: bob@x away", "Ana@x/home: tom@x away")
	})
}

func TestSessionThatBeginsIsToldInChunks(t *testing.T) {
	dialogue(t, Config{Chunk: 2, Pause: time.Second}, func(w *world, h *Herald) {
		names := []string{"a@x", "b@x", "c@x", "d@x", "e@x"}
		w.knows("ana@x", names...)
		for _, n := range names {
			w.knows(n, "ana@x")
			w.is(n, lime.StatusAvailable, "")
		}
		e := of("ana@x")
		e.Again, e.Fresh = true, []string{"1"}
		h.Tell(e)
		time.Sleep(h.cfg.Debounce + time.Millisecond)
		synctest.Wait()
		w.want("two at first", "ana@x/1: a@x available", "ana@x/1: b@x available")
		w.is("a@x", lime.StatusAway, "") // its own herald may have told it before
		time.Sleep(time.Second)
		synctest.Wait()
		w.want("two more", "ana@x/1: c@x available", "ana@x/1: d@x available")
		settle(h)
		w.want("the last, and what has changed", "ana@x/1: e@x available", "ana@x/1: a@x away")
	})
}

func TestWhoBeginsOrEndsToShare(t *testing.T) {
	dialogue(t, Config{}, func(w *world, h *Herald) {
		w.is("ana@x", lime.StatusBusy, "")
		change := func(contacts ...string) {
			w.knows("ana@x", contacts...)
			e := of("ana@x")
			e.Again, e.Sharing = true, []lime.Identity{lime.MustParseIdentity("bob@x")}
			h.Tell(e)
			settle(h)
		}
		change("bob@x", "rui@x")
		w.want("Bob alone is told", "bob@x: ana@x busy")
		change("-bob@x", "rui@x")
		w.want("as far as Bob knows, she has gone", "bob@x: ana@x unavailable")
		if len(w.withdrawn) != 1 || w.withdrawn[0] != "ana@x bob@x" {
			t.Errorf("withdrawn: %q", w.withdrawn)
		}
		if err := h.Farewell(t.Context(), lime.MustParseIdentity("ana@x")); err != nil {
			t.Fatal(err)
		}
		w.want("a farewell", "rui@x: ana@x unavailable")
	})
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	for _, call := range []string{"registered", "telling", "told", "contacts", "observe", "flush"} {
		t.Run(call, func(t *testing.T) {
			dialogue(t, Config{}, func(w *world, h *Herald) {
				w.knows("ana@x", "bob@x")
				w.is("ana@x", lime.StatusAvailable, "")
				done, failing := 0, true
				w.before = func(c string) error {
					if c == call && failing {
						return errOurs
					}
					return nil
				}
				e := of("ana@x")
				e.Done = func() { done++ }
				h.Tell(e)
				time.Sleep(5 * time.Second)
				w.is("ana@x", lime.StatusAway, "")
				h.Tell(e)
				synctest.Wait()
				if done != 0 {
					t.Errorf("%d events are done", done)
				}
				w.mu.Lock()
				failing, w.observes = false, nil
				w.mu.Unlock()
				settle(h)
				w.want("in the end", "bob@x: ana@x away")
				if done != 2 {
					t.Errorf("%d events are done", done)
				}
			})
		})
	}
}

func TestWhatDoesNotFitIsRefused(t *testing.T) {
	dialogue(t, Config{Backlog: 2}, func(w *world, h *Herald) {
		for name, want := range map[string]bool{"ana@x": true, "ANA@x": true} {
			if h.Tell(of(name)) != want {
				t.Errorf("%s is not as expected", name)
			}
		}
		if !h.Tell(of("bob@x")) || h.Tell(of("rui@x")) || !h.Tell(of("bob@x")) {
			t.Error("two identities fit, and no third")
		}
		settle(h)
		if !h.Tell(of("rui@x")) {
			t.Error("there is room again")
		}
	})
}

func TestWhatWaitsIsToldBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		h, stop := w.start(Config{Debounce: time.Hour, Workers: 2})
		for _, name := range []string{"a@x", "b@x", "c@x", "d@x", "e@x"} {
			w.knows(name, "bob@x")
			w.is(name, lime.StatusAvailable, "")
			h.Tell(of(name))
		}
		before := time.Now()
		stop()
		w.want("all", "bob@x: a@x available", "bob@x: b@x available", "bob@x: c@x available", "bob@x: d@x available", "bob@x: e@x available")
		if took := time.Since(before); took > time.Second {
			t.Errorf("it took %v", took)
		}
		if h.Tell(of("a@x")) {
			t.Error("it takes more")
		}
	})
}
