package main

import (
	"crypto/x509"
	"sync/atomic"

	"limegrove/certs"
	"limegrove/edge"
	"limegrove/edge/auth"
)

// revoked is what was revoked, which is known later than the doors are open.
type revoked struct {
	wanted bool // else nobody revokes
	known  atomic.Pointer[certs.Revocations]
}

// Any is that of certs.Revoked. As long as nobody knows, all are.
func (r *revoked) Any(chain []*x509.Certificate) bool {
	if !r.wanted {
		return false
	}
	known := r.known.Load()
	return known == nil || known.Any(chain)
}

// bearers tells sessions whose certificates are.
type bearers struct{ *inForce }

var _ edge.Authority = bearers{}

// Bearer is that of edge.Authority.
func (b bearers) Bearer(chain []*x509.Certificate) *auth.Certificate {
	who, err := b.trust.Load().Identify(chain)
	if err != nil {
		return nil
	}
	return &auth.Certificate{Identity: who.Identity, Default: who.Default, Expires: who.Expires}
}

// Revoked is that of edge.Authority.
func (b bearers) Revoked(chain []*x509.Certificate) bool {
	return len(chain) > 0 && b.revoked.Any(chain)
}
