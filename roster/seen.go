package roster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// SetSeen notes when an identity's presence was last to be seen.
func (s *Store) SetSeen(ctx context.Context, i lime.Identity, when time.Time) error {
	k, err := document.Of(i)
	if err == nil {
		err = s.seen.Put(ctx, k, []byte(lime.FormatTime(when)))
	}
	if err != nil {
		return fmt.Errorf("note that %s was seen: %w", i, err)
	}
	return nil
}

// Seen returns when that was, or the zero time when it never was.
func (s *Store) Seen(ctx context.Context, i lime.Identity) (when time.Time, err error) {
	k, err := document.Of(i)
	if err == nil {
		var d document.Document
		if d, err = s.seen.Get(ctx, k); err == nil {
			err = when.UnmarshalText(d.Value)
		}
	}
	if err != nil && !errors.Is(err, document.ErrNotFound) {
		return time.Time{}, fmt.Errorf("when %s was seen: %w", i, err)
	}
	return when, nil
}
