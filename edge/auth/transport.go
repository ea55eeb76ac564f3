package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"limegrove/lime"
)

// Certificate is what a client has shown in TLS, and an edge has verified against the
// authorities that the operator has given it.
type Certificate struct {
	// Names are the DNS names of the certificate, or else its subject's common names.
	Names []string `json:"names,omitempty"`

	// Identity is whose it is, of an authority of the cluster's own; zero else.
	Identity lime.Identity `json:"identity,omitzero"`

	// Default says that it is the one that all clients without one of their own share. It proves nothing but that.
	Default bool `json:"default,omitempty"`

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

	// Applicants tells whether those who show a default certificate are let in, to ask for one of their own.
	Applicants bool

	// Until tells until when an identity has a certificate that counts, of the cluster's own authority, where it has renewed the one that it
	// has shown. Default: as long as that one lasts.
	Until func(ctx context.Context, i lime.Identity) (time.Time, error)
}

// applicantTime is for how long somebody may be in session to ask for a certificate.
const applicantTime = time.Minute

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Authenticate does not look at the credentials, which may be absent (L-SES-31). The
// grant ends with the certificate. One of the cluster's own authority is for its identity alone, as a member, and the default one
// for nobody yet.
func (t Transport) Authenticate(ctx context.Context, r Request) (Grant, error) {
	clear(r.Credentials)
	role := lime.Role("")
	switch c := r.Certificate; {
	case c == nil:
	case c.Default && t.Applicants && t.Serves(r.Node.Domain):
		// It is nobody yet, and nobody else: what is for the name that it asks for is not for it.
		nobody := lime.Identity{Name: "applicant-" + strings.ToLower(rand.Text()), Domain: r.Node.Domain}
		return Grant{Identity: nobody, Guest: true, Role: lime.RoleApplicant, Expires: earlier(c.Expires, time.Now().Add(applicantTime))}, nil
	case c.Default:
	case !c.Identity.IsZero():
		if c.Identity.EqualFold(r.Node.Identity) && t.Serves(r.Node.Domain) {
			role = lime.RoleMember
		}
	default:
		role = roleOf(c.Names, r.Node.Domain)
	}
	if role == "" {
		return Grant{}, Refused(OutcomeCertificate)
	}
	if t.Serves(r.Node.Domain) {
		if err := t.Owners.Own(ctx, r.Node, true); err != nil {
			return Grant{}, fmt.Errorf("transport login of %s: %w", r.Node, err)
		}
	}
	return Grant{Identity: r.Node.Identity, Role: role, Expires: t.until(ctx, &r)}, nil
}

// until is when the login ends. Whoever has renewed a certificate stays in session by showing its credentials again, without
// another handshake; whoever else has the old one could have renewed it, too, so that it is worth the same.
func (t Transport) until(ctx context.Context, r *Request) time.Time {
	ends := r.Certificate.Expires
	if t.Until == nil || r.Certificate.Identity.IsZero() {
		return ends
	}
	if last, err := t.Until(ctx, r.Certificate.Identity); err == nil && last.After(ends) {
		return last
	}
	return ends
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
