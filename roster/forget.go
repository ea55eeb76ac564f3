package roster

import (
	"context"
	"errors"
	"fmt"

	"limegrove/document"
	"limegrove/lime"
)

// Forget removes what an identity has here: it is not its name's next owner's. What others
// say of it stays theirs, and so do their subscriptions to it, which permit nothing.
func (s *Store) Forget(ctx context.Context, i lime.Identity) error {
	k, err := document.Of(i)
	if err != nil {
		return fmt.Errorf("forget %s: %w", i, err)
	}
	err = errors.Join(s.contacts.Clear(ctx, k), s.forgetSeen(ctx, k))
	targets, listed := s.Subscriptions(ctx, i)
	err = errors.Join(err, listed)
	for _, target := range targets {
		_, ended := s.Unsubscribe(ctx, i, target)
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("forget %s: %w", i, err)
	}
	return nil
}

func (s *Store) forgetSeen(ctx context.Context, k document.Key) error {
	err := s.seen.Remove(ctx, k)
	if errors.Is(err, document.ErrNotFound) {
		return nil
	}
	return err
}
