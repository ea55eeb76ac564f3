package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"limegrove/lime"
)

// Keys checks the API keys of accounts.
type Keys interface {
	// VerifyKey borrows key, and returns which of the account's it is. A *lime.Reason
	// with code 13 means that the account does not exist or has no such key; which of
	// the two shows neither in the error nor in the time.
	VerifyKey(ctx context.Context, id lime.Identity, key []byte) (credential string, err error)
}

// Key lets in who has an API key of an account. It expects the checks that Schemes
// makes.
type Key struct {
	Keys Keys
}

// Authenticate reads {"key":"<Base64>"} (L-SES-13). What cannot be read is looked up
// like any other key and gets the same answer (L-SES-14, L-SES-16).
func (k Key) Authenticate(ctx context.Context, r Request) (Grant, error) {
	var given struct {
		Key secret `json:"key"`
	}
	defer clear(r.Credentials)
	unreadable := json.Unmarshal(r.Credentials, &given) != nil // its text quotes the input
	defer func() { clear(given.Key) }()

	credential, err := k.Keys.VerifyKey(ctx, r.Node.Identity, given.Key)
	switch {
	case isRefused(err):
		return Grant{}, Refused(OutcomeCredentials)
	case err != nil:
		return Grant{}, fmt.Errorf("key login of %s: %w", r.Node, err)
	case unreadable || len(given.Key) == 0:
		return Grant{}, Refused(OutcomeCredentials)
	}
	return Grant{Identity: r.Node.Identity, Role: lime.RoleMember, Credential: credential}, nil
}

// isRefused tells whether err says of credentials that they do not hold.
func isRefused(err error) bool {
	why := lime.AsReason(err)
	return why != nil && why.Code == lime.CodeSessionAuthenticationFailed
}
