package webhook

import (
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/event"
	"limegrove/routing/events"
	"limegrove/routing/lease"
)

func TestAnEndpointGetsAllEventsInOrder(t *testing.T) {
	const people, each = 20, 50
	playing(t, 4, []Endpoint{{Name: "push", Batch: 7}}, func(w *world) {
		for n := range each {
			for who := range people {
				w.add(who, n)
			}
		}
		pass(30 * time.Second)
		for who := range people {
			w.want("all", "push", who, numbers(each))
		}
		w.add(3, each)
		pass(time.Millisecond)
		w.want("what comes later comes at once", "push", 3, numbers(each+1))
		if got := slices.Max(w.platform.batches["push"]); got != 7 {
			t.Errorf("the largest batch has %d", got)
		}
		if got := w.metric("limegrove_webhook_events_total", "push"); got != people*each+1 {
			t.Errorf("counted are %v", got)
		}
		pass(time.Minute)
		if n := w.left(); n != 0 {
			t.Errorf("the stream still has %d that the endpoint has", n)
		}
	})
}

func TestAnEndpointGetsWhatItWants(t *testing.T) {
	playing(t, 1, []Endpoint{
		{Name: "push", Events: []event.Type{event.MessageAbsent}},
		{Name: "crm", Domains: []string{"Other"}},
		{Name: "all", Events: []event.Type{event.MessageAbsent, event.SessionStarted}},
	}, func(w *world) {
		w.add(1, 0)
		w.add(1, 1, func(e *events.Stored) { e.Type = event.MessageAbsent })
		w.add(1, 2, func(e *events.Stored) { e.Domain = "other" })
		w.add(1, 3, func(e *events.Stored) { e.Endpoint = "all" })
		w.add(1, 4, func(e *events.Stored) { e.Type = event.RoomLeft })
		pass(time.Minute)
		w.want("by type", "push", 1, "1")
		w.want("by domain", "crm", 1, "2")
		w.want("by name", "all", 1, "0 1 2 3")
		if n := w.left(); n != 0 {
			t.Errorf("the stream still has %d that nobody wants", n)
		}
	})
}

func TestAnotherRouterGoesOnWhereOneHasDied(t *testing.T) {
	const each = 200
	playing(t, 2, []Endpoint{{Name: "push", Batch: 10}}, func(w *world) {
		w.platform.do("push", func([]string) (int, http.Header, error) {
			time.Sleep(time.Second) // virtual
			return 200, nil, nil
		})
		for n := range each {
			w.add(1, n)
		}
		pass(5500 * time.Millisecond)
		w.stop()
		w.begin("b")
		pass(time.Minute)
		w.want("each once, since the first has ended in order", "push", 1, numbers(each))
	})
}

func TestARouterThatHasLostItsPartitionStops(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
		w.add(1, 0)
		pass(time.Second)
		w.leases.mu.Lock()
		w.leases.deny = true
		w.leases.mu.Unlock()
		pass(10 * time.Second)
		w.add(1, 1)
		pass(time.Minute)
		w.want("another has it", "push", 1, "0")
		if got := w.metric("limegrove_webhook_partitions"); got != 0 {
			t.Errorf("it has %v partitions", got)
		}
		w.leases.mu.Lock()
		w.leases.deny = false
		w.leases.mu.Unlock()
		pass(10 * time.Second)
		w.want("and then", "push", 1, "0 1")
	})
}

// TestAStreamThatBeginsBelowTheOneBeforeItIsTold: its clock was wrong, or somebody has made it by hand. What is
// in it is neither passed over nor removed by what was known of the other.
func TestAStreamThatBeginsBelowTheOneBeforeItIsTold(t *testing.T) {
	for what, gone := range map[string]bool{"while a router has it": false, "while no router is there": true} {
		t.Run(what, func(t *testing.T) {
			playing(t, 1, []Endpoint{{Name: "push"}, {Name: "crm"}}, func(w *world) {
				w.add(1, 0)
				pass(10 * time.Second)
				if gone {
					w.stop()
				}
				w.platform.says("crm", 500)
				w.mu.Lock()
				w.events[0], w.remade, w.next[0] = nil, 1, 7
				w.mu.Unlock()
				w.add(1, 1)
				w.add(1, 2)
				if gone {
					w.begin("b")
				}
				pass(time.Minute)
				w.want("of another stream", "push", 1, "0 1 2")
				if n := w.left(); n != 2 {
					t.Errorf("%d are left that an endpoint does not have, want 2", n)
				}
				w.platform.says("crm", 200)
				pass(time.Minute)
				w.want("when it is back", "crm", 1, "0 1 2")
				if got := w.metric("limegrove_webhook_lost_total", "push"); got != 0 {
					t.Errorf("%v are lost, want none", got)
				}
			})
		})
	}
}

func TestWhatAnEndpointOfAnotherRouterHasNotIsKept(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
		w.add(1, 0)
		pass(time.Second)
		w.mu.Lock()
		w.places["0crm"] = events.Place{Next: 1000, Stream: "stream0"}
		w.mu.Unlock()
		pass(time.Minute)
		if n := w.left(); n != 1 {
			t.Errorf("%d are left, want 1", n)
		}
		w.mu.Lock()
		w.places["0crm"] = events.Place{Next: 1001, Stream: "stream0"}
		w.mu.Unlock()
		pass(time.Minute)
		if n := w.left(); n != 0 {
			t.Errorf("%d are left, want none", n)
		}
	})
}

func TestPlacesOfEventsThatNobodyWantsAreKeptSeldom(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push", Events: []event.Type{event.RoomLeft}}}, func(w *world) {
		for n := range 1000 {
			w.add(1, n)
			pass(10 * time.Millisecond)
		}
		pass(10 * time.Second)
		if w.kept > 20 || w.places["0push"].Next != 2000 {
			t.Errorf("kept %d times, at last %+v", w.kept, w.places["0push"])
		}
	})
}

func TestEndpointsAreChecked(t *testing.T) {
	good := Endpoint{Name: "push", URL: "https://x/y", Secret: []byte(secret), Events: []event.Type{event.RoomLeft}}
	for why, change := range map[string]func(*Endpoint){
		"no name":         func(e *Endpoint) { e.Name = "" },
		"a dot":           func(e *Endpoint) { e.Name = "a.b" },
		"a long name":     func(e *Endpoint) { e.Name = strings.Repeat("x", 65) },
		"no url":          func(e *Endpoint) { e.URL = "" },
		"another scheme":  func(e *Endpoint) { e.URL = "ftp://x" },
		"no host":         func(e *Endpoint) { e.URL = "http:///x" },
		"a short secret":  func(e *Endpoint) { e.Secret = e.Secret[:15] },
		"no events":       func(e *Endpoint) { e.Events = nil },
		"a huge batch":    func(e *Endpoint) { e.Batch = 1001 },
		"no batch":        func(e *Endpoint) { e.Batch = -1 },
		"no requests":     func(e *Endpoint) { e.Requests = -1 },
		"no time":         func(e *Endpoint) { e.Timeout = -1 },
		"all the time":    func(e *Endpoint) { e.Timeout = time.Hour },
		"longer than all": func(e *Endpoint) { e.RetryFor = 72 * time.Hour },
	} {
		e := good
		change(&e)
		if err := Check([]Endpoint{e}, 72*time.Hour); err == nil {
			t.Errorf("%s: %+v is taken", why, e)
		}
	}
	if err := Check([]Endpoint{good, good}, 72*time.Hour); err == nil {
		t.Error("two of one name are taken")
	}
	all := []Endpoint{good}
	if err := Check(all, 72*time.Hour); err != nil || all[0].Batch != 100 || all[0].Requests != 8 || all[0].Timeout != 10*time.Second || all[0].RetryFor != 24*time.Hour {
		t.Errorf("%+v, %v", all[0], err)
	}
}

// TestARouterThatHasStoodStillPostsNothing: its lease has run out, and nobody has told it yet.
func TestARouterThatHasStoodStillPostsNothing(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
		d := New(Config{Events: w.store, Places: w.store, DeadLetters: w.store, Leases: w.leases, Endpoints: w.cfg.Endpoints, Transport: w.platform})
		l := lease.New(lease.Config{Leases: w.leases, Name: "x", Holder: "b", For: time.Second, Timeout: time.Second})
		one := worker{tenure: &tenure{Deliverer: d, lease: l}, endpoint: d.endpoints[0]}
		all := []events.Stored{{ID: "u1-0", Event: []byte(`{"id":"u1-0"}`)}}
		l.LastUntil(time.Now().Add(-time.Second))
		if err := one.deliver(w.Context(), w.Context(), all); !errors.Is(err, errEnded) {
			t.Errorf("it goes on: %v", err)
		}
		w.want("nothing", "push", 1, "")
		l.LastUntil(time.Now().Add(time.Second))
		if err := one.deliver(w.Context(), w.Context(), all); err != nil {
			t.Error(err)
		}
		w.want("and with a lease", "push", 1, "0")
	})
}

func TestLargeBatchesAreLarge(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push", Batch: 1000}}, func(w *world) {
		w.set(errors.New("away")) // so that all are read together
		for n := range 1500 {
			w.add(1, n)
		}
		w.set(nil)
		pass(time.Minute)
		if got := w.platform.batches["push"]; !slices.Equal(got, []int{1000, 500}) {
			t.Errorf("the batches have %v", got)
		}
	})
}

// TestWhatIsShownOfAnEndpointIsWhatIsSo: whoever has found that it fails is held up before it can tell, and meanwhile
// another finds that it is there again.
func TestWhatIsShownOfAnEndpointIsWhatIsSo(t *testing.T) {
	var shown, held atomic.Bool
	first, telling := make(chan struct{}), make(chan struct{})
	g := newGate(8, func(failing bool) {
		if held.CompareAndSwap(false, true) {
			close(telling)
			<-first
		}
		shown.Store(failing)
	})
	var passes []permission
	for range failsAt + 1 {
		pass, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		passes = append(passes, pass)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for _, pass := range passes[:failsAt] {
			g.leave(pass, failed, 0)
		}
	})
	<-telling
	all.Go(func() { g.leave(passes[failsAt], taken, 0) })
	for n := 0; g.fails() || n < 1000; n++ { // it tells now, unless it waits for its turn
		runtime.Gosched()
	}
	close(first)
	all.Wait()
	if shown.Load() {
		t.Error("it is shown as failing, and is not")
	}
}
