package roster

import (
	"context"
	"errors"
	"fmt"

	"limegrove/document"
	"limegrove/lime"
)

// Sharing returns those of owners who share their presence with somebody, in any order.
// It costs a round trip for some hundred of them.
func (s *Store) Sharing(ctx context.Context, with lime.Identity, owners []lime.Identity) ([]lime.Identity, error) {
	keys := make([]document.Key, 0, len(owners))
	by := make(map[document.Key]lime.Identity, len(owners))
	for _, owner := range owners {
		k, err := contactKey(owner, with)
		if err != nil {
			return nil, fmt.Errorf("who shares with %s: %w", with, err)
		}
		if _, twice := by[k]; !twice {
			by[k], keys = owner, append(keys, k)
		}
	}
	documents, err := s.contacts.Several(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("who shares with %s: %w", with, err)
	}
	var all []lime.Identity
	for _, d := range documents {
		c, err := decodeContact(d)
		if err != nil {
			return nil, fmt.Errorf("who shares with %s: %w", with, err)
		}
		if c.SharesPresence() {
			all = append(all, by[d.Key])
		}
	}
	return all, nil
}

// SharesPresence tells whether owner shares its presence with somebody. An owner that
// does not exist shares with nobody.
func (s *Store) SharesPresence(ctx context.Context, owner, with lime.Identity) (bool, error) {
	return s.shares(ctx, owner, with, lime.Contact.SharesPresence)
}

// SharesAccountInfo tells whether owner lets somebody read its account; likewise.
func (s *Store) SharesAccountInfo(ctx context.Context, owner, with lime.Identity) (bool, error) {
	return s.shares(ctx, owner, with, lime.Contact.SharesAccountInfo)
}

// Knows tells whether somebody is among owner's contacts, and not pending; likewise.
func (s *Store) Knows(ctx context.Context, owner, other lime.Identity) (bool, error) {
	return s.shares(ctx, owner, other, func(c lime.Contact) bool { return !c.Pending() })
}

func (s *Store) shares(ctx context.Context, owner, with lime.Identity, what func(lime.Contact) bool) (bool, error) {
	c, err := s.latestContact(ctx, owner, with)
	switch {
	case err == nil:
		return what(c), nil
	case errors.Is(err, ErrNoContact) || lime.AsReason(err) != nil: // an identity that can have none
		return false, nil
	}
	return false, err
}
