package sweep

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// repeatEvery is how often it is said again that a sweep does not get on.
const repeatEvery = time.Minute

// trouble is what was said of a sweep that does not get on.
type trouble struct {
	waits bool      // for floors
	fails bool      // and that was said
	said  time.Time // when
}

// tell logs and counts what became of a turn. To wait for floors is no failure: it is
// what is to be done when Redis was emptied.
func (w *walk) tell(ctx context.Context, err error, now time.Time) {
	if ctx.Err() != nil {
		return // it ends
	}
	w.showAge(now)
	t := &w.trouble
	switch {
	case errors.Is(err, errWary):
		if !t.waits {
			w.log.WithError(errWary).Info("the sweep waits")
		}
		t.waits = true
	case err != nil:
		w.metrics.failures.Inc()
		if now.Sub(t.said) >= repeatEvery {
			w.log.WithError(err).Warn("the sweep has to wait; the log only grows")
			t.fails, t.said = true, now
		}
	default:
		if w.held && (t.waits || t.fails) {
			w.log.Info("the sweep goes on")
		}
		t.waits, t.fails = false, false
	}
}

// showAge shows for how long the sweep has been late, also while it fails.
func (w *walk) showAge(now time.Time) {
	if !w.held || w.reached.IsZero() {
		return
	}
	late := max(now.Add(-w.cfg.Delay).Sub(w.reached), 0)
	w.metrics.age.WithLabelValues(strconv.Itoa(w.p)).Set(late.Seconds())
}
