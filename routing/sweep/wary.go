package sweep

import (
	"context"
	"errors"
	"time"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// A Redis that was emptied has no floors, and everything in the log would be taken for
// unacknowledged. So the sweep keeps a floor of its own beside the others. When that is
// gone, the others are, too, and the sweep waits until the edges have told theirs
// again: they notice by their leases.

// errWary says that Redis has lost floors a moment ago.
var errWary = errors.New("redis has lost floors; nothing moves until the edges have told theirs again")

// mark raises the sweep's own floor. When it cannot, it waits once too often later.
func (w *walk) mark(ctx context.Context) {
	err := w.cfg.Registry.RaiseFloors(ctx, []presence.Floor{{
		Identity: subject.Swept(w.p), Log: w.cfg.Streams.LogName(w.p), Position: w.next,
	}})
	if err == nil {
		w.marked = true
	}
}

// trusts returns errWary while floors may be missing. At first nobody knows.
func (w *walk) trusts(own []presence.Floor, now time.Time) error {
	log := w.cfg.Streams.LogName(w.p)
	for _, f := range own {
		if f.Log == log {
			return w.waits(now)
		}
	}
	if w.marked || w.waryTill.IsZero() {
		w.marked = false
		w.waryTill = now.Add(w.cfg.Wary)
	}
	return w.waits(now)
}

func (w *walk) waits(now time.Time) error {
	if now.Before(w.waryTill) {
		return errWary
	}
	return nil
}
