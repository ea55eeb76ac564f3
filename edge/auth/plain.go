package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"limegrove/lime"
)

// Verifier checks passwords.
type Verifier interface {
	// Verify borrows password. A *lime.Reason with code 13 means that the
	// account does not exist or that the password is another; which of the two
	// shows neither in the error nor in the time.
	Verify(ctx context.Context, id lime.Identity, password []byte) error
}

// Plain lets the owner of an account in, who knows its password. It expects
// the checks that Schemes makes.
type Plain struct {
	Verifier Verifier
}

// Authenticate reads {"password":"<Base64>"} (L-SES-13). Credentials that
// cannot be read cost as much as a wrong password and get the same answer
// (L-SES-14, L-SES-16).
func (p Plain) Authenticate(ctx context.Context, r Request) (Grant, error) {
	var given struct {
		Password secret `json:"password"`
	}
	defer clear(r.Credentials)
	unreadable := json.Unmarshal(r.Credentials, &given) != nil // its text quotes the input
	defer func() { clear(given.Password) }()

	err := p.Verifier.Verify(ctx, r.Node.Identity, given.Password)
	switch {
	case isRefused(err):
		return Grant{}, Refused(OutcomeCredentials)
	case err != nil:
		return Grant{}, fmt.Errorf("plain login of %s: %w", r.Node, err)
	case unreadable || len(given.Password) == 0:
		return Grant{}, Refused(OutcomeCredentials)
	}
	return Grant{Identity: r.Node.Identity, Role: lime.RoleMember}, nil
}

// secret is a JSON string of Base64, decoded. Nothing but a string will do: a
// plain []byte would also take an array of numbers.
type secret []byte

// UnmarshalText decodes b.
func (s *secret) UnmarshalText(b []byte) (err error) {
	*s, err = base64.StdEncoding.AppendDecode(make([]byte, 0, base64.StdEncoding.DecodedLen(len(b))), b)
	return err
}
