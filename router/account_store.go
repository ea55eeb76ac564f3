package router

import (
	"context"

	"limegrove/account"
	"limegrove/lime"
	"limegrove/resource"
)

// accountStore is the account store as the account resource wants to see it. It tells
// of what is made and deleted.
type accountStore struct {
	*account.Store
	events   *accountEvents
	policies *policies
}

// requesterKey is the key of a command's context for the session that has sent it.
type requesterKey struct{}

// requester is the session that has sent the command, or zero.
func requester(ctx context.Context) lime.Node {
	n, _ := ctx.Value(requesterKey{}).(lime.Node)
	return n
}

// Get is that of resource.Accounts.
func (s accountStore) Get(ctx context.Context, id lime.Identity) (resource.Account, error) {
	a, err := s.Store.Get(ctx, id)
	return resource.Account(a), err
}

// Latest is that of resource.Accounts.
func (s accountStore) Latest(ctx context.Context, id lime.Identity) (resource.Account, error) {
	a, err := s.Store.Latest(ctx, id)
	return resource.Account(a), err
}

// Create is that of resource.Accounts. The sessions of an earlier account of the name end
// first, so that they store nothing more.
func (s accountStore) Create(ctx context.Context, a resource.Account, password []byte) error {
	if err := s.Store.Create(ctx, account.Account(a), password); err != nil {
		return err
	}
	s.events.create(a.Identity, requester(ctx))
	err := s.events.begin(ctx, a.Identity, s.Store.Delete)
	if err == nil && lime.PolicyOf(a.Properties) != (lime.InboxPolicy{}) { // its maker may be in session still
		s.policies.tell(a.Identity)
	}
	return err
}

// Update is that of resource.Accounts. The edges of the account are told when others may send
// to it than before.
func (s accountStore) Update(ctx context.Context, id lime.Identity, secrets resource.Secrets, change func(*resource.Account) error) error {
	var before, after lime.InboxPolicy
	err := s.Store.UpdateAll(ctx, id, secrets.Password, secrets.AccessKey, func(a *account.Account) error {
		before = lime.PolicyOf(a.Properties)
		err := change((*resource.Account)(a))
		after = lime.PolicyOf(a.Properties)
		return err
	})
	if err == nil && before != after {
		s.policies.tell(id)
	}
	return err
}

// Delete is that of resource.Accounts. Groups and delegations first: when that fails, there
// still is an account whose deletion can be asked for again. Whatever its sessions store
// before they end is removed when they have, and when the name is taken again.
func (s accountStore) Delete(ctx context.Context, id lime.Identity) error {
	if err := s.events.leave(ctx, id); err != nil {
		return err
	}
	if err := s.Store.Delete(ctx, id); err != nil {
		return err
	}
	s.events.delete(id, requester(ctx))                // before what may take long
	if err := s.events.farewell(ctx, id); err != nil { // they are removed later again
		s.events.warn.Warn("could not tell the contacts of a deleted account", err)
	}
	if err := s.events.forget(ctx, id); err != nil { // likewise
		s.events.warn.Warn("could not remove what is stored for a deleted account", err)
	}
	s.events.deleteAgain(id)
	return nil
}

// AddKey is that of resource.Keys.
func (s accountStore) AddKey(ctx context.Context, id lime.Identity, name string) (resource.Key, string, error) {
	k, secret, err := s.Store.AddKey(ctx, id, name)
	return keyOf(k), secret, err
}

// Keys is that of resource.Keys.
func (s accountStore) Keys(ctx context.Context, id lime.Identity) ([]resource.Key, error) {
	stored, err := s.Store.Keys(ctx, id)
	if err != nil {
		return nil, err
	}
	all := make([]resource.Key, len(stored))
	for i, k := range stored {
		all[i] = keyOf(k)
	}
	return all, nil
}

// RemoveKey is that of resource.Keys.
func (s accountStore) RemoveKey(ctx context.Context, id lime.Identity, name string) error {
	k, err := s.Store.RemoveKey(ctx, id, name)
	if err != nil {
		return err
	}
	s.events.revoke(id, k.ID, requester(ctx))
	return nil
}

func keyOf(k account.APIKey) resource.Key {
	return resource.Key{Name: k.Name, Created: k.Created, LastUsed: k.LastUsed}
}

// owners makes accounts for logins that need none.
type owners struct {
	*account.Store
	events *accountEvents
}

// Own is that of auth.Owners. The guests who have the name lose it, and nothing of an
// earlier account of the name is the new one's.
func (o owners) Own(ctx context.Context, login lime.Node, takeOver bool) error {
	made, err := o.Store.Own(ctx, login.Identity, takeOver)
	if made {
		o.events.own(login.Identity, login)
		err = o.events.begin(ctx, login.Identity, o.Store.Delete)
	}
	return err
}

// keyring is the account store as logins by key want to see it.
type keyring struct{ *account.Store }

// VerifyKey is that of auth.Keys.
func (r keyring) VerifyKey(ctx context.Context, id lime.Identity, given []byte) (credential string, err error) {
	k, err := r.Store.VerifyKey(ctx, id, given)
	return k.ID, err
}
