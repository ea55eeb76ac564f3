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
	// HasEach is Has for each of ids.
	HasEach(ctx context.Context, ids []lime.Identity) ([]bool, error)
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
	return grantGuest(&r, taken)
}

func grantGuest(r *Request, taken bool) (Grant, error) {
	if taken {
		return Grant{}, Refused(OutcomeName)
	}
	return Grant{Identity: r.Node.Identity, Guest: true, Role: lime.RoleMember}, nil
}

// Granted is what Authenticate returns.
type Granted struct {
	Grant
	Err error
}

// AuthenticateAll is Authenticate for each of rs, with one look at the accounts.
func (g Guest) AuthenticateAll(ctx context.Context, rs []Request) []Granted {
	all := make([]Granted, len(rs))
	ids := make([]lime.Identity, len(rs))
	for i := range rs {
		clear(rs[i].Credentials)
		ids[i] = rs[i].Node.Identity
	}
	taken, err := g.Accounts.HasEach(ctx, ids)
	for i := range rs {
		if err != nil {
			all[i].Err = fmt.Errorf("guest login of %s: %w", rs[i].Node, err)
			continue
		}
		all[i].Grant, all[i].Err = grantGuest(&rs[i], taken[i])
	}
	return all
}
