package auth

import (
	"context"
	"fmt"

	"limegrove/lime"
)

// Accounts tells which identities have one.
type Accounts interface {
	// Has compares without regard to case.
	Has(ctx context.Context, id lime.Identity) (bool, error)
}

// Guest lets anybody in under any name that no account has. It expects the
// checks that Schemes makes.
type Guest struct {
	Accounts Accounts
}

// Authenticate does not look at the credentials: they may be absent, empty, or
// repeat the scheme (L-SES-12).
func (g Guest) Authenticate(ctx context.Context, r Request) (Grant, error) {
	clear(r.Credentials)
	taken, err := g.Accounts.Has(ctx, r.Node.Identity)
	if err != nil {
		return Grant{}, fmt.Errorf("guest login of %s: %w", r.Node, err)
	}
	if taken {
		return Grant{}, Refused(OutcomeName)
	}
	return Grant{Identity: r.Node.Identity, Guest: true, Role: lime.RoleMember}, nil
}
