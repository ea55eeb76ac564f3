package webhook

import (
	"context"
	"errors"
	"fmt"
	"time"

	"limegrove/routing/events"
)

var errEnded = errors.New("the router ends, or has the partition no more")

// deliver posts events until the endpoint has taken them, or they are dead letters. An error
// says that it was given up before.
func (w *worker) deliver(begin, working context.Context, all []events.Stored) error {
	for try := 0; len(all) > 0; try++ {
		pass, err := w.endpoint.gate.enter(begin)
		if err != nil {
			return errEnded
		}
		if !w.lease.Valid() {
			w.endpoint.gate.leave(pass, undecided, 0)
			return errEnded
		}
		answer := w.endpoint.post(working, all)
		if working.Err() != nil {
			answer.verdict = undecided
		}
		w.endpoint.gate.leave(pass, answer.verdict, answer.after)
		switch answer.verdict {
		case taken:
			w.endpoint.delivered.Add(float64(len(all)))
			return nil
		case refused:
			return w.halve(begin, working, all, answer.why)
		case undecided:
			return errEnded
		}
		old := w.tooOld(all)
		if err := w.bury(working, all[:old], expired, answer.why); err != nil {
			return err
		}
		all = all[old:]
		if len(all) > 0 {
			w.oldest.Store(all[0].Stored.UnixNano())
			w.endpoint.gate.rest(begin, max(backoff(try), min(answer.after, maxAfter)))
		}
	}
	return nil
}

// tooOld is how many of the first events are not tried again.
func (w *worker) tooOld(all []events.Stored) int {
	n := 0
	for n < len(all) && time.Since(all[n].Stored) > w.endpoint.RetryFor {
		n++
	}
	return n
}

// halve posts the halves of what the endpoint finds fault with. One event alone is a dead
// letter.
func (w *worker) halve(begin, working context.Context, all []events.Stored, why string) error {
	if len(all) == 1 {
		return w.bury(working, all, faulty, why)
	}
	half := len(all) / 2
	if err := w.deliver(begin, working, all[:half]); err != nil {
		return err
	}
	return w.deliver(begin, working, all[half:])
}

// bury adds events to the dead letters, and tries until it can.
func (w *worker) bury(ctx context.Context, all []events.Stored, cause cause, why string) error {
	for len(all) > 0 {
		limited, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
		err := w.cfg.DeadLetters.Bury(limited, w.endpoint.Name, fmt.Sprintf("%s: %s", cause, why), all)
		cancel()
		if err == nil {
			w.endpoint.dead[cause].Add(float64(len(all)))
			return nil
		}
		if ctx.Err() != nil {
			return err
		}
		w.complain(err, "dead letters cannot be stored; trying on")
		pause(ctx, retryPause)
	}
	return nil
}
