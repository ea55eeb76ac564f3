package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"limegrove/lime"
)

// The errors of certificates that are not believed. In TLS they end the handshake.
var (
	ErrNotTrusted = errors.New("certs: the certificate is of nobody who is believed here")
	errRevoked    = errors.New("certs: the certificate was revoked")
)

// Bearer is who has shown a certificate.
type Bearer struct {
	Identity lime.Identity // zero for a default certificate, and for one of an authority outside
	Default  bool          // a default certificate: good for asking for one's own, and nothing else
	Serial   Serial
	Expires  time.Time
}

// Revoked tells whether one of some certificates was revoked; Revocations do. It does not block.
type Revoked interface {
	Any(chain []*x509.Certificate) bool
}

var _ Revoked = (*Revocations)(nil)

// Trust decides whom an edge believes in TLS. It does not change, and may be used from anywhere: others authorities
// make another one.
type Trust struct {
	folder      *Folder             // nil for none
	own         *x509.CertPool      // of the folder's authorities
	outside     *x509.CertPool      // nil for none
	others      []*x509.Certificate // that are in outside
	revocations Revoked             // nil for none
}

// NewTrust makes a Trust of a folder, authorities outside and what was revoked. Each may be nil.
func NewTrust(f *Folder, outside []*x509.Certificate, r Revoked) *Trust {
	t := &Trust{folder: f, others: outside, revocations: r}
	if f != nil {
		t.own = Pool(f.Authorities...)
	}
	if len(outside) > 0 {
		t.outside = Pool(outside...)
	}
	return t
}

// Any tells whether there is anybody to believe.
func (t *Trust) Any() bool { return t.own != nil || t.outside != nil }

// Server has a server ask its clients for certificates, and end the handshake with those whose certificate does not
// hold or was revoked. A client may have none. It sets ClientAuth, ClientCAs and VerifyPeerCertificate. A connection that was
// resumed is not looked at again: nobody who has shown a certificate may resume (edge/ticket).
func (t *Trust) Server(cfg *tls.Config) {
	cfg.ClientAuth, cfg.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
	if t.folder != nil {
		for _, c := range slices.Concat(t.folder.Authorities, t.folder.Defaults) {
			cfg.ClientCAs.AddCert(c)
		}
	}
	for _, c := range t.others {
		cfg.ClientCAs.AddCert(c)
	}
	cfg.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error { //nolint:gosec // what is resumed: see above
		return t.shown(raw, func(chain []*x509.Certificate) error {
			_, err := t.Identify(chain)
			return err
		})
	}
}

// ServerOfKnown is Server for protocols whose clients sign their certificates themselves: those that the registry knows are believed as
// well. It may ask JetStream during a handshake, for timeout at most. domain is as for Known.
func (t *Trust) ServerOfKnown(cfg *tls.Config, r *Registry, domain string, timeout time.Duration) {
	cfg.ClientAuth, cfg.ClientCAs = tls.RequestClientCert, nil // who has signed a certificate tells nothing
	cfg.SessionTicketsDisabled = true
	cfg.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
		return t.shown(raw, func(chain []*x509.Certificate) error {
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			defer cancel()
			_, err := t.Known(ctx, r, domain, chain)
			return err
		})
	}
}

func (t *Trust) shown(raw [][]byte, check func([]*x509.Certificate) error) error {
	if len(raw) == 0 {
		return nil
	}
	chain, err := parse(raw)
	if err != nil {
		return err
	}
	return check(chain)
}

// maxChain is how many certificates a client may show.
const maxChain = 10

func parse(raw [][]byte) ([]*x509.Certificate, error) {
	if len(raw) > maxChain {
		return nil, ErrNotTrusted
	}
	chain := make([]*x509.Certificate, len(raw))
	for i, der := range raw {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certs: %w", err)
		}
		chain[i] = c
	}
	return chain, nil
}

// Identify tells whose a certificate is, the first of a chain as a client has shown it. It asks nobody. An error
// says why it is not believed; for one that is signed by itself see Known.
func (t *Trust) Identify(chain []*x509.Certificate) (b Bearer, err error) {
	if len(chain) == 0 {
		return b, ErrNotTrusted
	}
	leaf := chain[0]
	b = Bearer{Serial: SerialOf(leaf), Expires: leaf.NotAfter}
	now := time.Now()
	switch {
	case t.revocations != nil && t.revocations.Any(chain):
		return b, errRevoked
	case t.folder != nil && slices.ContainsFunc(t.folder.Defaults, leaf.Equal):
		if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
			return b, x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired}
		}
		b.Default = true
		return b, nil
	case t.own != nil && verify(t.own, chain) == nil:
		if leaf.Subject.CommonName == DefaultName {
			b.Default = true
			return b, nil
		}
		i, ok := identityOf(leaf)
		if !ok {
			return b, ErrNotTrusted
		}
		b.Identity = i
		return b, nil
	case t.outside != nil:
		return b, verify(t.outside, chain)
	}
	return b, ErrNotTrusted
}

func verify(pool *x509.CertPool, chain []*x509.Certificate) error {
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: pool, Intermediates: Pool(chain[1:]...), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// Known is Identify, and knows those certificates too that the registry has of the identity that their common name
// says, whoever has signed them: by their fingerprint. It may ask JetStream. domain is that of a name that has none.
func (t *Trust) Known(ctx context.Context, r *Registry, domain string, chain []*x509.Certificate) (Bearer, error) {
	b, err := t.Identify(chain)
	if err == nil || errors.Is(err, errRevoked) || len(chain) == 0 {
		return b, err
	}
	leaf := chain[0]
	i, bad := lime.ParseIdentity(leaf.Subject.CommonName)
	if bad != nil {
		return b, err
	}
	if i.Domain == "" {
		i.Domain = domain
	}
	known, missing := r.Find(ctx, i, Fingerprint(leaf))
	switch {
	case missing != nil && lime.AsReason(missing) == nil:
		return b, missing
	case missing != nil:
		return b, err
	}
	b.Identity, b.Expires = known.Identity, known.Expires
	return b, nil
}

// Revoked tells whether any certificate of a connection was revoked.
func (t *Trust) Revoked(chain []*x509.Certificate) bool {
	return t.revocations != nil && t.revocations.Any(chain)
}
