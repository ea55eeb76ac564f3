package roster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"limegrove/document"
	"limegrove/lime"
)

// MaxContact bounds one contact, in bytes of its JSON. A page of a collection, and what
// is read for one change of presence, are that long for each contact at most.
const MaxContact = 4 << 10

// The errors that callers branch on. Each is also what LIME's client is told.
var (
	ErrNoContact error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "There is no such contact"}
	ErrTooMany   error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "There are as many as there may be"}
	ErrTooLarge  error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "The contact is too large"}
)

// contactKey is where owner keeps what it says of another.
func contactKey(owner, contact lime.Identity) (document.Key, error) {
	k, err := document.Of(owner)
	if err != nil {
		return "", err
	}
	return k.Identity(contact)
}

// Contact returns what owner says of another, or ErrNoContact.
func (s *Store) Contact(ctx context.Context, owner, contact lime.Identity) (lime.Contact, error) {
	return s.contact(ctx, owner, contact, s.contacts.Get)
}

// latestContact is Contact as the bucket's leader has it: what has ended permits nothing.
func (s *Store) latestContact(ctx context.Context, owner, contact lime.Identity) (lime.Contact, error) {
	return s.contact(ctx, owner, contact, s.contacts.Latest)
}

func (s *Store) contact(ctx context.Context, owner, contact lime.Identity,
	get func(context.Context, document.Key) (document.Document, error),
) (lime.Contact, error) {
	k, err := contactKey(owner, contact)
	if err == nil {
		var d document.Document
		if d, err = get(ctx, k); err == nil {
			return decodeContact(d)
		}
	}
	if errors.Is(err, document.ErrNotFound) {
		err = ErrNoContact
	}
	return lime.Contact{}, fmt.Errorf("contact %s of %s: %w", contact, owner, err)
}

// Contacts returns all that owner has, sorted by their folded domains and names.
func (s *Store) Contacts(ctx context.Context, owner lime.Identity) ([]lime.Contact, error) {
	k, err := document.Of(owner)
	if err != nil {
		return nil, fmt.Errorf("contacts of %s: %w", owner, err)
	}
	documents, err := s.contacts.Under(ctx, k)
	if err != nil {
		return nil, fmt.Errorf("contacts of %s: %w", owner, err)
	}
	all := make([]lime.Contact, 0, len(documents))
	for _, d := range documents {
		c, err := decodeContact(d)
		if err != nil {
			return nil, fmt.Errorf("contacts of %s: %w", owner, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// ChangeContact changes what owner says of another in one step: change is given what
// there is, or nil, and may be called several times. Its error ends the change, and is
// among what is returned. ErrTooMany and ErrTooLarge say that there is no room.
func (s *Store) ChangeContact(ctx context.Context, owner, contact lime.Identity,
	change func(old *lime.Contact) (lime.Contact, error),
) error {
	k, err := contactKey(owner, contact)
	if err == nil {
		err = s.contacts.Change(ctx, k, func(d document.Document) ([]byte, error) {
			return s.changed(ctx, owner, d, change)
		})
	}
	if err != nil {
		return fmt.Errorf("change contact %s of %s: %w", contact, owner, err)
	}
	return nil
}

func (s *Store) changed(ctx context.Context, owner lime.Identity, d document.Document,
	change func(*lime.Contact) (lime.Contact, error),
) ([]byte, error) {
	var old *lime.Contact
	if d.Revision == 0 {
		if err := s.room(ctx, owner); err != nil {
			return nil, err
		}
	} else {
		c, err := decodeContact(d)
		if err != nil {
			return nil, err
		}
		old = &c
	}
	c, err := change(old)
	if err != nil {
		return nil, err
	}
	b, err := lime.MarshalJSON(c)
	if err == nil && len(b) > MaxContact {
		err = ErrTooLarge
	}
	return b, err
}

// room returns ErrTooMany when owner has as many contacts as it may.
func (s *Store) room(ctx context.Context, owner lime.Identity) error {
	k, err := document.Of(owner)
	if err != nil {
		return err
	}
	has, err := s.contacts.HasRoom(ctx, k, int(s.maxContacts.Load()))
	if err == nil && !has {
		err = ErrTooMany
	}
	return err
}

// RemoveContact removes one, and returns what it was, or ErrNoContact.
func (s *Store) RemoveContact(ctx context.Context, owner, contact lime.Identity) (was lime.Contact, err error) {
	k, err := contactKey(owner, contact)
	if err == nil {
		err = s.contacts.Change(ctx, k, func(d document.Document) (none []byte, err error) {
			if d.Revision == 0 {
				return nil, ErrNoContact
			}
			was, err = decodeContact(d)
			return nil, err
		})
	}
	if err != nil {
		return lime.Contact{}, fmt.Errorf("remove contact %s of %s: %w", contact, owner, err)
	}
	return was, nil
}

func decodeContact(d document.Document) (c lime.Contact, err error) {
	if err := json.Unmarshal(d.Value, &c); err != nil {
		return c, fmt.Errorf("read %s: %w", d.Key, err)
	}
	return c, nil
}
