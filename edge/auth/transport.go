package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"limegrove/lime"
)

// Certificate is what a client has shown in TLS, and an edge has verified against the
// authorities that the operator has given it.
type Certificate struct {
	// Names are the DNS names of the certificate, or else its subject's common names.
	Names []string `json:"names"`

	// Expires is when the certificate does.
	Expires time.Time `json:"expires"`
}

// Owners makes identities that something else than an account's password speaks for
// owners of accounts, so that no guest takes their names.
type Owners interface {
	// Own makes the account of a login's identity when there is none. A *lime.Reason with
	// code 13 says that there is one already that has a password, unless takeOver allows
	// that.
	Own(ctx context.Context, login lime.Node, takeOver bool) error
}

// Transport lets in who has a certificate for the domain of its identity, with
// authority over that domain: LIME, transport authentication. It expects the checks that
// Schemes makes, but that the domain is served: a certificate by the operator's own
// authority is the permission to speak for another domain, as a gateway does.
type Transport struct {
	Owners Owners

	// Serves tells whether a domain is one that others may log in with, too.
	Serves func(domain string) bool
}

// Authenticate does not look at the credentials, which may be absent (L-SES-31). The
// grant ends with the certificate.
func (t Transport) Authenticate(ctx context.Context, r Request) (Grant, error) {
	clear(r.Credentials)
	role := lime.Role("")
	if r.Certificate != nil {
		role = roleOf(r.Certificate.Names, r.Node.Domain)
	}
	if role == "" {
		return Grant{}, Refused(OutcomeCertificate)
	}
	if t.Serves(r.Node.Domain) {
		if err := t.Owners.Own(ctx, r.Node, true); err != nil {
			return Grant{}, fmt.Errorf("transport login of %s: %w", r.Node, err)
		}
	}
	return Grant{Identity: r.Node.Identity, Role: role, Expires: r.Certificate.Expires}, nil
}

// roleOf is the greatest role that names give over a domain; "" for none. A name that
// covers what is below the domain gives root authority; the domain's own, or one that
// covers it, authority. LIME, transport authentication.
func roleOf(names []string, domain string) (role lime.Role) {
	_, parent, _ := strings.Cut(domain, ".")
	for _, name := range names {
		name = strings.TrimSuffix(name, ".")
		switch below, wildcard := strings.CutPrefix(name, "*."); {
		case wildcard && strings.EqualFold(below, domain):
			return lime.RoleRootAuthority
		case strings.EqualFold(name, domain), wildcard && parent != "" && strings.EqualFold(below, parent):
			role = lime.RoleAuthority
		}
	}
	return role
}
