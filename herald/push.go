package herald

import (
	"context"
	"fmt"
	"time"

	"limegrove/lime"
)

// push tells all who are to know, until what is to be seen is what was told, which it returns.
// Telling has noted the mark.
func (h *Herald) push(ctx context.Context, id lime.Identity, mark string, seen sight) (sight, error) {
	audience, err := h.audience(ctx, id)
	if err != nil {
		return seen, err
	}
	h.metrics.pushes.Inc()
	for range maxTellings {
		if err := h.inform(ctx, id, &seen, audience); err != nil {
			return seen, err
		}
		if err := h.cfg.Registry.Told(ctx, id, mark, digest(seen.Presence)); err != nil {
			return seen, err
		}
		settled, err := h.settled(ctx, id, &seen)
		if err != nil || settled {
			return seen, err
		}
		if _, err := h.cfg.Registry.Telling(ctx, id, mark); err != nil {
			return seen, err
		}
	}
	return seen, errRestless
}

// pushTo tells those alone with whom sharing has begun or ended.
func (h *Herald) pushTo(ctx context.Context, id lime.Identity, seen sight, to []lime.Identity) error {
	var shares, not []lime.Identity
	for _, one := range to {
		yes, err := h.shares(ctx, id, one)
		switch {
		case err != nil:
			return err
		case yes:
			shares = append(shares, one)
		default:
			not = append(not, one)
			if err := h.cfg.Withdrawn(ctx, id, one); err != nil {
				return err
			}
		}
	}
	hidden := sight{lime.Presence{Status: lime.StatusUnavailable}}
	if err := h.observe(id, hidden, not); err != nil {
		return err
	}
	for range maxTellings {
		if err := h.inform(ctx, id, &seen, shares); err != nil {
			return err
		}
		if err := h.cfg.Registry.ToldOne(ctx, []lime.Identity{id}, []string{digest(seen.Presence)}); err != nil {
			return err
		}
		settled, err := h.settled(ctx, id, &seen)
		if err != nil || settled {
			return err
		}
	}
	return errRestless
}

// inform tells others what is to be seen of id, and returns when that has left.
func (h *Herald) inform(ctx context.Context, id lime.Identity, s *sight, others []lime.Identity) error {
	if err := h.date(ctx, id, s); err != nil {
		return err
	}
	if err := h.observe(id, *s, others); err != nil {
		return err
	}
	if err := h.cfg.Publisher.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// settled tells whether what is to be seen of id is what was told; else told is that from now
// on. It reads after that was noted: of what changes later there is an event, which finds the
// note.
func (h *Herald) settled(ctx context.Context, id lime.Identity, told *sight) (bool, error) {
	now, err := h.see(ctx, id)
	if err != nil || digest(now.Presence) == digest(told.Presence) {
		return err == nil, err
	}
	h.metrics.corrections.Inc()
	if now.gone() && !told.gone() { // the event of that finds everybody told
		if err := h.note(ctx, id, &now, time.Now()); err != nil {
			return false, err
		}
	}
	*told = now
	return false, nil
}
