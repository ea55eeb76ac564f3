package presence

import (
	"context"
	"fmt"
	"slices"

	"limegrove/lime"
)

// suspect is what a key holds of edges that may be dead.
type suspect struct {
	key  string
	id   lime.Identity
	view View
	held []held
}

// remove removes what the suspects hold, unless their view was changed since it
// was read; then the next sweep looks again. Each round trip takes one part of
// all of them. What was sent is waited for whatever happens to ctx or to the
// others, since nobody else would tell of what it removed.
func (w *sweep) remove(ctx context.Context, suspects []suspect) error {
	for {
		suspects = slices.DeleteFunc(suspects, func(c suspect) bool { return len(c.held) == 0 })
		if len(suspects) == 0 {
			return nil
		}
		calls := make([]*call, 0, len(suspects))
		err := ctx.Err()
		for i := range suspects {
			if err != nil {
				break
			}
			c := w.removal(ctx, &suspects[i])
			if err = w.s.submit(ctx, suspects[i].key, c); err == nil {
				calls = append(calls, c)
			}
		}
		for i, c := range calls {
			if e := w.took(&suspects[i], c); e != nil && err == nil {
				err = e
			}
		}
		if err != nil {
			return err
		}
	}
}

// removal makes the call that removes the next part of what c holds.
func (w *sweep) removal(ctx context.Context, c *suspect) *call {
	part := c.held[:min(len(c.held), w.s.cfg.SweepBatch)]
	guests := 0
	for ; guests < len(part) && part[guests].Guest; guests++ {
	}
	args := append(make([]any, 0, 4+len(part)),
		seenKey(c.key), c.view.Version, w.s.cfg.GuestGrace.Milliseconds(), guests)
	for _, h := range part {
		args = append(args, h.field)
	}
	return w.s.scriptCall(ctx, sweepScript, c.key, args...)
}

// guestsFirst orders as sweepScript wants it.
func guestsFirst(a, b held) int {
	switch {
	case a.Guest == b.Guest:
		return 0
	case a.Guest:
		return -1
	}
	return 1
}

// took notes what a call has removed of c, and leaves the rest in c.held.
func (w *sweep) took(c *suspect, removal *call) error {
	if err := w.s.wait(context.Background(), removal); err != nil { // bounded by the lane
		return fmt.Errorf("%s: %w", c.id, err)
	}
	done, version, err := changeOf(removal)
	if err != nil {
		return fmt.Errorf("%s: %w", c.id, err)
	}
	if !done {
		c.held = nil
		return nil
	}
	c.view.Version = version
	n := min(len(c.held), w.s.cfg.SweepBatch)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range c.held[:n] {
		w.removed = append(w.removed, Removed{h.Registration, version})
	}
	c.held = c.held[n:]
	return nil
}
