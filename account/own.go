package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// Own makes an account without a password for an identity that something else speaks
// for, as the token of an issuer does, and tells whether it has made one. An account
// that is there is left as it is; when it has a password and takeOver is false, it is
// somebody else's, and the error is ErrCredentials.
func (s *Store) Own(ctx context.Context, id lime.Identity, takeOver bool) (made bool, err error) {
	r, err := s.read(ctx, id)
	if errors.Is(err, ErrNotFound) {
		if made, err = s.makeOwned(ctx, id); err == nil && !made { // somebody was faster
			r, err = s.read(ctx, id)
		}
	}
	if err == nil && r.hash != "" && !takeOver {
		err = ErrCredentials
	}
	if err != nil {
		return false, fmt.Errorf("own account %s: %w", id, err)
	}
	return made, nil
}

func (s *Store) makeOwned(ctx context.Context, id lime.Identity) (made bool, err error) {
	k, err := document.Of(id)
	if err != nil {
		return false, err
	}
	err = s.bucket.Change(ctx, k, func(old document.Document) ([]byte, error) {
		if made = old.Revision == 0; !made {
			return old.Value, nil
		}
		r := record{Account: Account{Identity: id, Created: time.Now().UTC().Truncate(time.Millisecond)}}
		return r.encode()
	})
	return made && err == nil, err
}
