package routing

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A log that loses what is published, from a moment on, until it is well again: what
// it has stored is always the beginning of what was sent, in that order.
func TestWhatIsStoredIsTheBeginningOfWhatWasSent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q outboxQueue
		now := time.Now()
		sent, known := 0, map[*outgoing]int{}
		var stored []int        // by the log
		var answers []*outgoing // on their way back
		broken := false         // loses everything
		publish := func() {
			for o := q.next(now, 4); o != nil; o = q.next(now, 4) {
				q.sent++
				if broken {
					continue
				}
				if n := known[o]; !slices.Contains(stored, n) { // else a duplicate
					if n != len(stored) {
						t.Fatalf("%d is stored behind %v", n, stored)
					}
					stored = append(stored, n)
				}
				answers = append(answers, o)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(*rapid.T) {
				o := &outgoing{since: now}
				known[o] = sent
				sent++
				q.add(o)
				publish()
			},
			"answer": func(t *rapid.T) {
				if len(answers) == 0 {
					t.Skip("none")
				}
				o := answers[0]
				answers = answers[1:]
				if q.find(o.sequence) == o {
					q.stored(o, now)
				}
				publish()
			},
			"break":       func(*rapid.T) { broken = true },
			"loseAnswers": func(*rapid.T) { answers = nil },
			"heal": func(*rapid.T) { // as when the connection is back
				broken = false
				q.back(0, now)
				now = now.Add(2 * outboxPauseMax)
				publish()
			},
			"wait": func(*rapid.T) {
				now = now.Add(time.Second)
				if q.stuck(now, outboxPatience) {
					broken = false
					q.back(0, now)
				}
				publish()
			},
		})
		broken, answers = false, nil
		for range 10 * (sent + 1) {
			now = now.Add(2 * outboxPatience)
			q.back(0, now)
			now = now.Add(2 * outboxPauseMax)
			publish()
			for _, o := range answers {
				if q.find(o.sequence) == o {
					q.stored(o, now)
				}
			}
			answers = nil
		}
		if len(stored) != sent || len(q.all) != 0 {
			t.Fatalf("%d of %d are stored, and %d under way", len(stored), sent, len(q.all))
		}
	})
}

func TestAnOutboxPausesLongerEachTime(t *testing.T) {
	var q outboxQueue
	now := time.Now()
	q.add(&outgoing{})
	var pauses []string
	for range 7 {
		q.back(0, now)
		pauses = append(pauses, fmt.Sprint(q.waitTill.Sub(now)))
		now = q.waitTill
	}
	if want := []string{"50ms", "100ms", "200ms", "400ms", "800ms", "1s", "1s"}; !slices.Equal(pauses, want) {
		t.Errorf("the pauses are %q, want %q", pauses, want)
	}
	q.stored(q.all[0], now)
	q.add(&outgoing{})
	if q.back(0, now); q.waitTill.Sub(now) != outboxPause {
		t.Errorf("after a success it pauses %v", q.waitTill.Sub(now))
	}
}
