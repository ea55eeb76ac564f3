package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/routing/events"
)

func TestAnEndpointThatIsAwayGetsAllWhenItIsBack(t *testing.T) {
	for what, does := range map[string]func([]string) (int, http.Header, error){
		"refuses connections": func([]string) (int, http.Header, error) { return 0, nil, errors.New("connection refused") },
		"hangs":               func([]string) (int, http.Header, error) { return 0, nil, errHangs },
		"says 500":            func([]string) (int, http.Header, error) { return 500, nil, nil },
		"says 302":            func([]string) (int, http.Header, error) { return 302, http.Header{"Location": {"/x"}}, nil },
		"says 401":            func([]string) (int, http.Header, error) { return 401, nil, nil },
		"says 403":            func([]string) (int, http.Header, error) { return 403, nil, nil },
		"says 404":            func([]string) (int, http.Header, error) { return 404, nil, nil },
		"says 408":            func([]string) (int, http.Header, error) { return 408, nil, nil },
		"says 425":            func([]string) (int, http.Header, error) { return 425, nil, nil },
		"says 429":            func([]string) (int, http.Header, error) { return 429, nil, nil },
	} {
		t.Run(what, func(t *testing.T) {
			const people, each, minutes = 32, 20, 10
			playing(t, 16, []Endpoint{{Name: "push"}, {Name: "crm"}}, func(w *world) {
				w.platform.do("push", does)
				for n := range each {
					for who := range people {
						w.add(who, n)
					}
					pass(minutes * time.Minute / each)
					w.want("another gets its own", "crm", 17, numbers(n+1))
				}
				calls := w.platform.calls("push")
				if calls < minutes || calls > 150 {
					t.Errorf("it was called %d times in %d minutes, by 16 partitions", calls, minutes)
				}
				if w.metric("limegrove_webhook_failing", "push") != 1 || w.metric("limegrove_webhook_failing", "crm") != 0 {
					t.Error("it is not shown as failing")
				}
				if age := w.metric("limegrove_webhook_oldest_seconds", "push"); age < 9*60 || age > 11*60 {
					t.Errorf("its oldest event has waited for %v s", age)
				}
				w.platform.says("push", http.StatusNoContent)
				pass(45 * time.Second)
				for who := range people {
					w.want("all", "push", who, numbers(each))
				}
				if w.metric("limegrove_webhook_failing", "push") != 0 || w.metric("limegrove_webhook_oldest_seconds", "push") != 0 {
					t.Error("it is shown as failing")
				}
				if w.dead("push") != "" {
					t.Errorf("dead letters: %s", w.dead("push"))
				}
			})
		})
	}
}

func TestASlowEndpointHasItsRequestsAndNoMore(t *testing.T) {
	playing(t, 16, []Endpoint{{Name: "slow", Requests: 3}, {Name: "push"}}, func(w *world) {
		w.platform.do("slow", func([]string) (int, http.Header, error) {
			time.Sleep(5 * time.Second) // virtual
			return 200, nil, nil
		})
		for who := range 64 {
			w.add(who, 0)
		}
		pass(time.Second)
		for who := range 64 {
			w.want("another does not wait", "push", who, "0")
		}
		pass(2 * time.Minute)
		for who := range 64 {
			w.want("in the end", "slow", who, "0")
		}
		if got := w.platform.most["slow"]; got != 3 {
			t.Errorf("it had %d requests at once, want 3", got)
		}
	})
}

func TestWhatIsRefusedAloneIsADeadLetter(t *testing.T) {
	for _, status := range []int{400, 409, 410, 413, 415, 422} {
		playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
			w.platform.do("push", func(ids []string) (int, http.Header, error) {
				if slices.Contains(ids, "u1-37") || slices.Contains(ids, "u1-61") {
					return status, nil, nil
				}
				return 200, nil, nil
			})
			w.set(errors.New("away")) // so that all are read together
			for n := range 100 {
				w.add(1, n)
			}
			w.set(nil)
			pass(time.Minute)
			want := strings.ReplaceAll(strings.ReplaceAll(numbers(100), " 37 ", " "), " 61 ", " ")
			w.want("all others", "push", 1, want)
			why := fmt.Sprintf("=refused: the endpoint answers %d", status)
			if got := w.dead("push"); got != "u1-37"+why+" u1-61"+why {
				t.Errorf("dead letters: %s", got)
			}
			if calls := w.platform.calls("push"); calls > 40 {
				t.Errorf("it was called %d times", calls)
			}
			if got := w.metric("limegrove_webhook_dead_letters_total", "push", "refused"); got != 2 {
				t.Errorf("counted are %v", got)
			}
		})
	}
}

func TestAnEndpointThatIsAwayForTooLongLosesItsOldestEvents(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push", RetryFor: time.Hour}}, func(w *world) {
		w.platform.says("push", 503)
		w.add(1, 0)
		w.add(1, 1)
		pass(50 * time.Minute)
		w.add(1, 2)
		if w.dead("push") != "" {
			t.Errorf("dead letters before the time: %s", w.dead("push"))
		}
		pass(20 * time.Minute)
		const why = "=expired: the endpoint answers 503"
		if got := w.dead("push"); got != "u1-0"+why+" u1-1"+why {
			t.Errorf("dead letters: %s", got)
		}
		w.platform.says("push", 200)
		pass(time.Minute)
		w.want("the rest", "push", 1, "2")
	})
}

func TestAnEndpointIsLeftAloneForAsLongAsItWants(t *testing.T) {
	for what, header := range map[string]func() string{
		"in seconds": func() string { return "300" },
		"as a date":  func() string { return time.Now().Add(300 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		t.Run(what, func(t *testing.T) {
			playing(t, 8, []Endpoint{{Name: "push"}}, func(w *world) {
				w.platform.do("push", func([]string) (int, http.Header, error) {
					return 503, http.Header{"Retry-After": {header()}}, nil
				})
				w.add(0, 0)
				pass(time.Second)
				w.platform.says("push", 200)
				for who := range 8 {
					w.add(who, 1)
				}
				pass(295 * time.Second)
				if calls := w.platform.calls("push"); calls != 1 {
					t.Errorf("called %d times", calls)
				}
				pass(10 * time.Second)
				w.want("and then", "push", 0, "0 1")
				w.want("and others", "push", 7, "1")
			})
		})
	}
}

func TestOneEventThatBreaksAnEndpointDelaysItsOwnPartitionAlone(t *testing.T) {
	playing(t, 2, []Endpoint{{Name: "push"}}, func(w *world) {
		w.platform.do("push", func(ids []string) (int, http.Header, error) {
			if slices.Contains(ids, "u1-0") {
				return 500, nil, nil
			}
			return 200, nil, nil
		})
		w.add(1, 0)
		for n := range 100 {
			w.add(2, n)
			pass(time.Second)
		}
		w.want("the other partition's", "push", 2, numbers(100))
		if calls := w.platform.calls("push"); calls > 120 {
			t.Errorf("it was called %d times", calls)
		}
	})
}

func TestNothingIsPostedAgainBecauseJetStreamIsAway(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
		w.platform.do("push", func([]string) (int, http.Header, error) {
			w.set(errors.New("away"))
			return 200, nil, nil
		})
		w.add(1, 0)
		pass(time.Minute)
		w.set(nil)
		pass(10 * time.Second)
		w.platform.says("push", 200)
		w.set(nil)
		w.add(1, 1)
		pass(10 * time.Second)
		w.want("each once", "push", 1, "0 1")
	})
}

func TestWhatIsLostIsCounted(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
		w.add(1, 0)
		pass(time.Second)
		w.platform.says("push", 500)
		for n := range 10 {
			w.add(1, n+1)
		}
		pass(time.Minute)
		w.drop(0, 1004) // 1 to 4
		w.mu.Lock()
		w.events[0] = slices.DeleteFunc(w.events[0], func(e events.Stored) bool { return e.Sequence == 1008 }) // of who is busy
		w.mu.Unlock()
		w.stop()
		w.platform.says("push", 200)
		w.begin("b")
		pass(10 * time.Second)
		w.want("what is left", "push", 1, "0 5 6 7 9 10")
		if got := w.metric("limegrove_webhook_lost_total", "push"); got != 5 {
			t.Errorf("%v are lost, want 5", got)
		}
		w.mu.Lock()
		w.remade, w.next[0] = 1, 1<<50
		w.mu.Unlock()
		w.add(1, 11)
		pass(10 * time.Second)
		w.want("of another stream", "push", 1, "0 5 6 7 9 10 11")
		if got := w.metric("limegrove_webhook_lost_total", "push"); got != 5 {
			t.Errorf("%v are lost, want 5", got)
		}
	})
}

func TestDeadLettersWaitForJetStream(t *testing.T) {
	playing(t, 1, []Endpoint{{Name: "push"}}, func(w *world) {
		w.platform.do("push", func(ids []string) (int, http.Header, error) {
			if ids[0] == "u1-0" {
				w.set(errors.New("away"))
				return 400, nil, nil
			}
			return 200, nil, nil
		})
		w.add(1, 0)
		pass(time.Minute)
		w.set(nil)
		w.add(1, 1)
		pass(time.Minute)
		w.want("what comes behind", "push", 1, "1")
		if got := w.dead("push"); got != "u1-0=refused: the endpoint answers 400" {
			t.Errorf("dead letters: %s", got)
		}
	})
}
