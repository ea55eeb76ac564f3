package account

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// Store is the accounts of the whole cluster; every process has its own Store.
// It has no goroutine and nothing to close.
type Store struct {
	bucket     *document.Bucket
	hasher     Hasher
	pool       *pool
	memory     atomic.Pointer[memory] // nil for none
	remembered int                    // Config.Remembered
	stats      *stats

	// nobody is the hash of a password that nobody knows, for the work that
	// an unknown name costs.
	nobody string
}

// Create makes an account, which is refused with ErrExists when there is one
// under any spelling, and with ErrPassword for a password that cannot be one.
// It borrows password, sets the creation time itself, and returns ErrBusy when
// too many are being hashed.
func (s *Store) Create(ctx context.Context, a Account, password []byte) error {
	r := record{Account: a}
	r.Created = time.Now().UTC().Truncate(time.Millisecond)
	k, err := document.Of(a.Identity)
	if err == nil {
		r.hash, err = s.hash(ctx, password)
	}
	if err == nil {
		err = s.bucket.Change(ctx, k, func(old document.Document) ([]byte, error) {
			if old.Revision != 0 {
				return nil, ErrExists
			}
			return r.encode()
		})
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

// HasEach tells of each of ids what Has does, in a round trip for some hundred of them.
func (s *Store) HasEach(ctx context.Context, ids []lime.Identity) ([]bool, error) {
	keys := make([]document.Key, 0, len(ids))
	asked := make(map[document.Key][]int, len(ids)) // who has a key
	for i, id := range ids {
		k, err := document.Of(id)
		if err != nil { // one that cannot have any
			continue
		}
		if asked[k] == nil {
			keys = append(keys, k)
		}
		asked[k] = append(asked[k], i)
	}
	have := make([]bool, len(ids))
	if s.bucket.Absent(ctx, keys) { // as of guests, mostly
		return have, nil
	}
	there, err := s.bucket.Several(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("look for %d accounts: %w", len(ids), err)
	}
	for _, d := range there {
		for _, i := range asked[d.Key] {
			have[i] = true
		}
	}
	return have, nil
}

// Get returns the account of the identity, under any spelling, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id lime.Identity) (Account, error) {
	r, err := s.read(ctx, id)
	if err != nil {
		return Account{}, fmt.Errorf("get account %s: %w", id, err)
	}
	return r.Account, nil
}

// Latest is Get with every change that anybody was told of, at a higher price: see
// document.Bucket.Latest.
func (s *Store) Latest(ctx context.Context, id lime.Identity) (Account, error) {
	k, err := document.Of(id)
	if err != nil {
		return Account{}, err
	}
	d, err := s.bucket.Latest(ctx, k)
	var r record
	if err == nil || errors.Is(err, document.ErrNotFound) {
		r, err = decode(d)
	}
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
	return s.UpdateAll(ctx, id, password, nil, change)
}

// UpdateAll is Update with the access key, as SetAccessKey has it, in the same step: either
// all is changed or nothing. An access key of nil stays as it is. It borrows both.
func (s *Store) UpdateAll(ctx context.Context, id lime.Identity, password, accessKey []byte, change func(*Account) error) error {
	hash, keyHash := "", ""
	var err error
	if password != nil {
		hash, err = s.hash(ctx, password)
	}
	if err == nil && accessKey != nil {
		keyHash, err = s.hashAccessKey(ctx, accessKey)
	}
	if err != nil {
		return fmt.Errorf("update account %s: %w", id, err)
	}
	err = s.alter(ctx, id, func(r *record) error {
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
		if accessKey != nil {
			r.accessKey = keyHash
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("update account %s: %w", id, err)
	}
	return nil
}

// alter writes what change makes of an account's record, in one step with respect to
// others: change may be called several times, each time with what is stored then.
func (s *Store) alter(ctx context.Context, id lime.Identity, change func(*record) error) error {
	k, err := document.Of(id)
	if err != nil {
		return err
	}
	return s.bucket.Change(ctx, k, func(old document.Document) ([]byte, error) {
		r, err := decode(old)
		if err != nil {
			return nil, err
		}
		if err := change(&r); err != nil {
			return nil, err
		}
		return r.encode()
	})
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
	k, err := document.Of(id)
	if err == nil {
		err = s.bucket.Remove(ctx, k)
	}
	if errors.Is(err, document.ErrNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete account %s: %w", id, err)
	}
	return nil
}

// read returns the record of an account, or ErrNotFound.
func (s *Store) read(ctx context.Context, id lime.Identity) (record, error) {
	k, err := document.Of(id)
	if err != nil {
		return record{}, err
	}
	d, err := s.bucket.Get(ctx, k)
	if err != nil && !errors.Is(err, document.ErrNotFound) {
		return record{}, err
	}
	return decode(d)
}

// decode returns the record of a document, or ErrNotFound for none.
func decode(d document.Document) (record, error) {
	if d.Revision == 0 {
		return record{}, ErrNotFound
	}
	return decodeRecord(d.Value)
}
