package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/lime"
)

// Store is the accounts of the whole cluster; every process has its own Store.
// It has no goroutine and nothing to close.
type Store struct {
	kv     jetstream.KeyValue
	hasher Hasher
	pool   *pool
	stats  *stats

	// nobody is the hash of a password that nobody knows, for the work that
	// an unknown name costs.
	nobody string
}

// Create makes an account, which is refused with ErrExists when there is one
// under any spelling, and with ErrPassword for a password that cannot be one.
// It borrows password, sets the creation time itself, and returns ErrBusy when
// too many are being hashed.
func (s *Store) Create(ctx context.Context, a Account, password []byte) error {
	k, err := key(a.Identity)
	if err != nil {
		return fmt.Errorf("create account %s: %w", a.Identity, err)
	}
	r := record{Account: a}
	r.Created = time.Now().UTC().Truncate(time.Millisecond)
	if r.hash, err = s.hash(ctx, password); err != nil {
		return fmt.Errorf("create account %s: %w", a.Identity, err)
	}
	b, err := r.encode()
	if err == nil {
		_, err = s.kv.Create(ctx, k, b)
	}
	if isConflict(err) {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("create account %s: %w", a.Identity, err)
	}
	return nil
}

// Has tells whether the identity has an account, under any spelling. One that
// cannot have any, for want of a name or a domain, has none.
func (s *Store) Has(ctx context.Context, id lime.Identity) (bool, error) {
	_, err := s.Get(ctx, id)
	switch {
	case err == nil:
		return true, nil
	case lime.AsReason(err) != nil:
		return false, nil
	}
	return false, err
}

// Get returns the account of the identity, under any spelling, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id lime.Identity) (Account, error) {
	r, _, err := s.read(ctx, id)
	if err != nil {
		return Account{}, fmt.Errorf("get account %s: %w", id, err)
	}
	return r.Account, nil
}

// Update changes an account, in one step with respect to other changes: change
// may be called several times, each time with what is stored then. Only the
// properties count of what it does; an error of it ends the update, and nil
// changes none. A password of nil stays as it is; Update borrows it.
func (s *Store) Update(ctx context.Context, id lime.Identity, password []byte, change func(*Account) error) error {
	hash := ""
	if password != nil {
		var err error
		if hash, err = s.hash(ctx, password); err != nil {
			return fmt.Errorf("update account %s: %w", id, err)
		}
	}
	err := s.retry(ctx, func() error {
		r, e, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		if change != nil {
			a := r.Account
			if err := change(&a); err != nil {
				return err
			}
			r.Properties = a.Properties
		}
		if password != nil {
			r.hash = hash
		}
		b, err := r.encode()
		if err != nil {
			return err
		}
		_, err = s.kv.Update(ctx, e.Key(), b, e.Revision())
		return err
	})
	if err != nil {
		return fmt.Errorf("update account %s: %w", id, err)
	}
	return nil
}

// SetPassword replaces the password of an account. It borrows password.
func (s *Store) SetPassword(ctx context.Context, id lime.Identity, password []byte) error {
	if password == nil {
		password = []byte{}
	}
	return s.Update(ctx, id, password, nil)
}

// Delete removes an account, or returns ErrNotFound. Sessions of the identity
// are not ended by it.
func (s *Store) Delete(ctx context.Context, id lime.Identity) error {
	err := s.retry(ctx, func() error {
		_, e, err := s.read(ctx, id)
		if err != nil {
			return err
		}
		return s.kv.Delete(ctx, e.Key(), jetstream.LastRevision(e.Revision()))
	})
	if err != nil {
		return fmt.Errorf("delete account %s: %w", id, err)
	}
	return nil
}

// read returns the record and the entry that it was read from, or ErrNotFound.
func (s *Store) read(ctx context.Context, id lime.Identity) (record, jetstream.KeyValueEntry, error) {
	k, err := key(id)
	if err != nil {
		return record{}, nil, err
	}
	e, err := s.kv.Get(ctx, k)
	if errors.Is(err, jetstream.ErrKeyNotFound) { // a deleted one, too
		return record{}, nil, ErrNotFound
	}
	if err != nil {
		return record{}, nil, err
	}
	r, err := decodeRecord(e.Value())
	return r, e, err
}

// retry calls try again, a little later each time, while others change the
// same account or a replica answers that is behind.
func (s *Store) retry(ctx context.Context, try func() error) error {
	const tries = 10
	for n := 1; ; n++ {
		err := try()
		if !isConflict(err) || n == tries {
			return err
		}
		select {
		case <-time.After(time.Duration(n) * 5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// isConflict tells whether the key had another revision than the one named:
// with replicas JetStream has a code of its own for it.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) || errors.As(err, &api) &&
		(api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
			api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}
