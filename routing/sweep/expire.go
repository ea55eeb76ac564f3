package sweep

import (
	"context"
	"fmt"
	"time"

	"limegrove/routing/subject"
)

// expirePage is how many waiting messages are looked at together.
const expirePage = 100

// expire gives back what has waited in the inbox for longer than its lifetime. The
// oldest comes first there, so that one look is mostly enough.
func (w *walk) expire(ctx context.Context) error {
	now := time.Now()
	if now.Sub(w.expired) < min(expireEvery, w.cfg.Lifetime) {
		return nil
	}
	w.expired = now
	for {
		page, err := w.cfg.Streams.ReadInbox(ctx, w.p, subject.InboxAll(w.p), 0, expirePage, moveBytes)
		if err != nil {
			return fmt.Errorf("look for what has expired: %w", err)
		}
		var over []returned
		for _, m := range page.Messages {
			if now.Sub(m.Stored) > w.cfg.Lifetime {
				over = append(over, returned{m, expired})
			}
		}
		if err := w.remove(ctx, over); err != nil {
			return err
		}
		if len(over) < len(page.Messages) || !page.More {
			return nil
		}
	}
}

// remove gives back messages of the inbox, and deletes them.
func (w *walk) remove(ctx context.Context, list []returned) error {
	if err := w.giveBack(ctx, list); err != nil {
		return err
	}
	for _, r := range list {
		if err := w.cfg.Streams.Delete(ctx, w.p, r.message.Sequence); err != nil {
			return fmt.Errorf("remove what has expired: %w", err)
		}
	}
	return nil
}
