package account

import (
	"context"
	"fmt"

	"limegrove/lime"
)

// MinAccessKey is how many bytes an access key has at least: who has it can change the
// password, and it is written down once rather than remembered. It has at most
// MaxPassword.
const MinAccessKey = 16

// ErrAccessKey says that a new access key is too short or too long.
var ErrAccessKey error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "An access key has 16 to 1024 bytes"}

// SetAccessKey replaces the access key of an account, with which its password may be
// changed without the old one. An empty one removes it. It borrows key.
func (s *Store) SetAccessKey(ctx context.Context, id lime.Identity, key []byte) error {
	if key == nil {
		key = []byte{}
	}
	return s.UpdateAll(ctx, id, nil, key, nil)
}

// hashAccessKey returns "" for an empty one.
func (s *Store) hashAccessKey(ctx context.Context, key []byte) (string, error) {
	switch {
	case len(key) == 0:
		return "", nil
	case len(key) < MinAccessKey || len(key) > MaxPassword:
		return "", ErrAccessKey
	}
	return s.hash(ctx, key)
}

// VerifyAccessKey returns nil when the account has that access key, and ErrCredentials when
// it has not, or none. It costs what Verify costs, and borrows key.
func (s *Store) VerifyAccessKey(ctx context.Context, id lime.Identity, key []byte) error {
	err := s.matches(ctx, id, key, func(r record) string { return r.accessKey })
	s.stats.verified(err)
	if err != nil {
		return fmt.Errorf("verify the access key of %s: %w", id, err)
	}
	return nil
}
