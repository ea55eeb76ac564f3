package account

import (
	"context"
	"errors"
	"fmt"

	"limegrove/lime"
)

// What a hasher says of itself may hold the password or the hash, and is not
// passed on.
var (
	errHash  = errors.New("the password could not be hashed")
	errMatch = errors.New("the stored hash cannot be compared")
)

// Verify returns nil when the identity has an account with that password and
// ErrCredentials when it has not. It borrows password.
//
// An unknown name, a wrong password and one that nobody can have cost the same:
// one look-up and one hash of the same parameters (L-SES-16). A password that has matched
// a moment ago is not hashed again, and does not wait for those that are. ErrBusy comes
// after the look-up and before the hash, and an error of ctx while waiting for a worker.
func (s *Store) Verify(ctx context.Context, id lime.Identity, password []byte) error {
	err := s.matches(ctx, id, password, func(r record) string { return r.hash })
	s.stats.verified(err)
	if err != nil {
		return fmt.Errorf("verify %s: %w", id, err)
	}
	return nil
}

// matches compares a secret with the hash that the account has of it, "" for none.
func (s *Store) matches(ctx context.Context, id lime.Identity, password []byte, hashOf func(record) string) error {
	hash, known := s.nobody, false
	r, err := s.read(ctx, id)
	switch {
	case err == nil && hashOf(r) != "":
		hash, known = hashOf(r), true
	case err != nil && lime.AsReason(err) == nil:
		return err
	}
	if !possible(password) {
		password, known = nil, false
	}
	if known && s.memory.Load().knows(hash, password) {
		s.stats.remembered.Inc()
		return nil
	}
	if err := s.pool.enter(); err != nil {
		return err
	}
	defer s.pool.leave()
	return s.pool.do(ctx, func() error {
		matches, err := s.hasher.Matches(password, hash)
		if err != nil {
			return errMatch
		}
		if !matches || !known {
			return ErrCredentials
		}
		s.memory.Load().note(hash, password)
		return nil
	})
}

// hash makes the hash of a new password, as one of those that wait.
func (s *Store) hash(ctx context.Context, password []byte) (hash string, err error) {
	if !possible(password) {
		return "", ErrPassword
	}
	if err := s.pool.enter(); err != nil {
		return "", err
	}
	defer s.pool.leave()
	err = s.pool.do(ctx, func() error {
		var err error
		if hash, err = s.hasher.Hash(password); err != nil {
			return errHash
		}
		return nil
	})
	return hash, err
}

func possible(password []byte) bool { return len(password) > 0 && len(password) <= MaxPassword }
