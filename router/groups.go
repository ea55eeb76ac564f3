package router

import (
	"context"

	"limegrove/group"
	"limegrove/lime"
	"limegrove/resource"
)

// member is the account store as the account resource wants to see it, which keeps the
// groups true to it: an account that is no more is in none.
type member struct {
	accountStore
	groups *group.Store
}

// Create is that of resource.Accounts. What was left of an earlier account of the name,
// should its deletion have been broken off, is not the new one's.
func (m member) Create(ctx context.Context, a resource.Account, password []byte) error {
	if err := m.accountStore.Create(ctx, a, password); err != nil {
		return err
	}
	return m.groups.Forget(ctx, a.Identity)
}

// Delete is that of resource.Accounts. The groups first: when that fails, there still is
// an account whose deletion can be asked for again.
func (m member) Delete(ctx context.Context, id lime.Identity) error {
	if err := m.groups.Forget(ctx, id); err != nil {
		return err
	}
	return m.accountStore.Delete(ctx, id)
}
