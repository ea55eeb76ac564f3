package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"limegrove/account"
	"limegrove/certs"
	"limegrove/edge/auth"
	"limegrove/lime"
	"limegrove/resource"
)

// certificates is the authority as the resource wants to see it.
type certificates struct {
	*certs.Service
	owners auth.Owners
	serves func(domain string) bool
}

func certificateOf(c *certs.Certificate) resource.Certificate {
	return resource.Certificate{Identity: c.Identity, Serial: string(c.Serial), Issued: c.Issued, Expires: c.Expires, Revoked: c.Revoked}
}

func certificatesOf(all []certs.Certificate) []resource.Certificate {
	some := make([]resource.Certificate, len(all))
	for i := range all {
		some[i] = certificateOf(&all[i])
	}
	return some
}

// Issue is that of resource.Certificates. The name is an account's from then on, so that no guest has it.
func (c certificates) Issue(ctx context.Context, o resource.CertificateOrder) (resource.Certificate, error) {
	if !c.serves(o.Identity.Domain) {
		return resource.Certificate{}, lime.NewReason(lime.CodeValidationInvalidIdentity, "The domain is not served here")
	}
	issued, err := c.Service.Issue(ctx, certs.Request{
		Identity: o.Identity, CSR: o.Request, First: o.First, Operator: o.Operator, Lifetime: o.Lifetime,
	})
	if err != nil {
		return resource.Certificate{}, err
	}
	if err := c.owners.Own(ctx, lime.Node{Identity: o.Identity}, !o.First); err != nil {
		return resource.Certificate{}, fmt.Errorf("issue a certificate to %s: %w", o.Identity, err)
	}
	made := certificateOf(&issued.Certificate)
	made.PEM, made.Authorities = issued.PEM, issued.Authorities
	return made, nil
}

// Of is that of resource.Certificates.
func (c certificates) Of(ctx context.Context, i lime.Identity) ([]resource.Certificate, error) {
	all, err := c.Registry().Of(ctx, i)
	return certificatesOf(all), err
}

// All is that of resource.Certificates.
func (c certificates) All(ctx context.Context, domain string, most int) ([]resource.Certificate, error) {
	all, err := c.Registry().List(ctx, domain, most)
	return certificatesOf(all), err
}

// Revoke is that of resource.Certificates.
func (c certificates) Revoke(ctx context.Context, i lime.Identity, free bool, why string) ([]resource.Certificate, error) {
	gone, err := c.Service.Revoke(ctx, i, free, why)
	return certificatesOf(gone), err
}

// longest is for how long a revocation is kept of which nobody knows when the certificate expires.
const longest = 10 * 366 * 24 * time.Hour

// RevokeOne is that of resource.Certificates.
func (c certificates) RevokeOne(ctx context.Context, i lime.Identity, serial, why string) (resource.Certificate, error) {
	s, err := certs.ParseSerial(serial)
	if err != nil {
		return resource.Certificate{}, err
	}
	gone, err := c.Registry().RevokeSerial(ctx, i, s, time.Now().Add(longest), why)
	return certificateOf(&gone), err
}

// forgetCertificates revokes those of an account that is being deleted, and gives the name free: they are not its next owner's. When an
// account is made there may be some, which are what it is made for.
func forgetCertificates(ctx context.Context, s *certs.Service, i lime.Identity) error {
	if s == nil {
		return nil
	}
	_, err := s.Revoke(ctx, i, true, "the account was deleted")
	if lime.AsReason(err) != nil { // there were none, or can be none
		return nil
	}
	return err
}

// taken tells whether a name is an account's. One that was given free may have the account without a password that was made when
// the certificate was issued.
func taken(accounts *account.Store) func(context.Context, lime.Identity, bool) (bool, error) {
	return func(ctx context.Context, i lime.Identity, free bool) (bool, error) {
		if !free {
			return hasAccount(accounts)(ctx, i)
		}
		_, err := accounts.Own(ctx, i, false)
		if errors.Is(err, account.ErrCredentials) { // it has a password
			return true, nil
		}
		return false, err
	}
}

// isServed tells whether a domain is one of some.
func isServed(domains []string) func(string) bool {
	return func(domain string) bool {
		for _, d := range domains {
			if strings.EqualFold(d, domain) {
				return true
			}
		}
		return false
	}
}

// transport is the scheme of that name.
func transport(cfg Config, owners auth.Owners, serves func(string) bool) auth.Transport {
	t := auth.Transport{Owners: owners, Serves: serves}
	if cfg.Certificates != nil {
		t.Applicants = true
		t.Until = func(ctx context.Context, i lime.Identity) (last time.Time, err error) {
			all, err := cfg.Certificates.Registry().Of(ctx, i)
			for _, c := range all {
				if c.Good(time.Now()) && c.Expires.After(last) {
					last = c.Expires
				}
			}
			return last, err
		}
	}
	return t
}
