package roster

import (
	"context"
	"fmt"

	"limegrove/document"
	"limegrove/lime"
)

// Forget removes what an identity has here: it is not its name's next owner's. What others
// say of it stays theirs.
func (s *Store) Forget(ctx context.Context, i lime.Identity) error {
	k, err := document.Of(i)
	if err == nil {
		err = s.contacts.Clear(ctx, k)
	}
	if err != nil {
		return fmt.Errorf("forget %s: %w", i, err)
	}
	return nil
}
