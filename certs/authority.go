package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
)

// For how long certificates are good, unless somebody says otherwise.
const (
	AuthorityLifetime = 10 * 365 * 24 * time.Hour
	ServerLifetime    = 397 * 24 * time.Hour // what clients of servers take at most
	DefaultLifetime   = 10 * 365 * 24 * time.Hour
	ClientLifetime    = 90 * 24 * time.Hour
)

// early is by how much certificates are good before they are made: clocks differ.
const early = 5 * time.Minute

// Authority signs certificates. It does not change, and may be used from anywhere.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// NewAuthority makes an authority with a new key. What signs nothing but certificates of clients and servers has a path of length
// 0.
func NewAuthority(name string, lifetime time.Duration) (*Authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: name, Organization: []string{"Limegrove"}},
		NotBefore: now.Add(-early), NotAfter: now.Add(lifetime),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make an authority: %w", err)
	}
	return &Authority{c, key}, nil
}

// ReadAuthority reads an authority of PEM: the first certificate of one text, and its key.
func ReadAuthority(certificate, key []byte) (*Authority, error) {
	all, err := ParseCertificates(certificate)
	if err != nil {
		return nil, err
	}
	signer, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	c := all[0]
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	switch {
	case !c.IsCA || !c.BasicConstraintsValid:
		return nil, errors.New("the certificate is not that of an authority")
	case !ok || !public.Equal(c.PublicKey):
		return nil, errors.New("the key is not that of the certificate")
	}
	return &Authority{c, signer}, nil
}

// Certificate is the authority's own. Nobody changes it.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// EncodeKey writes the authority's key in PEM.
func (a *Authority) EncodeKey() ([]byte, error) { return EncodeKey(a.key) }

// ID names the authority: the end of its key's hash.
func (a *Authority) ID() string { return authorityID(a.certificate) }

func authorityID(c *x509.Certificate) string {
	id := hex.EncodeToString(c.SubjectKeyId)
	return id[:min(len(id), 16)]
}

// Server signs a server's certificate for DNS names and addresses, at least one.
func (a *Authority) Server(names []string, public crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	t := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			t.IPAddresses = append(t.IPAddresses, net.IP(ip.Unmap().AsSlice()))
			continue
		}
		if !isHost(strings.TrimPrefix(name, "*.")) {
			return nil, fmt.Errorf("%q is neither a DNS name nor an address", name)
		}
		t.DNSNames = append(t.DNSNames, strings.ToLower(name))
	}
	if len(names) == 0 {
		return nil, errors.New("a server's certificate needs a DNS name or an address")
	}
	t.Subject = pkix.Name{CommonName: names[0][:min(len(names[0]), 64)], Organization: []string{"Limegrove"}}
	return a.sign(t, public, lifetime)
}

// isHost tells whether s is a host's name: letters, digits, hyphens, with dots between.
func isHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
		}) {
			return false
		}
	}
	return true
}

// Client signs the certificate of an identity.
func (a *Authority) Client(i lime.Identity, public crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	if err := CheckIdentity(i); err != nil {
		return nil, err
	}
	return a.client(i.String(), public, lifetime)
}

// Default signs a default certificate.
func (a *Authority) Default(public crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	return a.client(DefaultName, public, lifetime)
}

func (a *Authority) client(name string, public crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	return a.sign(clientTemplate(name), public, lifetime)
}

func clientTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Limegrove"}}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// sign makes a certificate, which does not outlive the authority's.
func (a *Authority) sign(t *x509.Certificate, public crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	if err := checkPublic(public); err != nil {
		return nil, err
	}
	now := time.Now()
	t.SerialNumber, t.NotBefore, t.NotAfter = newSerial(), now.Add(-early), now.Add(lifetime)
	t.KeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	if end := a.certificate.NotAfter; t.NotAfter.After(end) {
		t.NotAfter = end
	}
	if !t.NotAfter.After(now) {
		return nil, fmt.Errorf("the authority %s has expired", a.ID())
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.certificate, public, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return x509.ParseCertificate(der)
}

// selfSigned makes a certificate of an identity that nobody but its own key has signed.
func selfSigned(i lime.Identity, key crypto.Signer, lifetime time.Duration) (*x509.Certificate, error) {
	if err := CheckIdentity(i); err != nil {
		return nil, err
	}
	now := time.Now()
	t := clientTemplate(i.String())
	t.SerialNumber, t.NotBefore, t.NotAfter = newSerial(), now.Add(-early), now.Add(lifetime)
	t.KeyUsage, t.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return x509.ParseCertificate(der)
}

// Pool is what verifies by some authorities.
func Pool(authorities ...*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range authorities {
		pool.AddCert(c)
	}
	return pool
}

// newKey makes a key: ECDSA of P-256, which every TLS library takes and which is cheap for both ends.
func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// NewKey makes a client's or server's key.
func NewKey() (crypto.Signer, error) { return newKey() }

// EncodeCertificates writes certificates in PEM, one behind the other.
func EncodeCertificates(all ...*x509.Certificate) []byte {
	var text []byte
	for _, c := range all {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw})...)
	}
	return text
}

// ParseCertificates reads the certificates of a PEM text, at least one. Blocks of other things are passed over.
func ParseCertificates(text []byte) (all []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != pemCertificate {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read a certificate: %w", err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no certificate in PEM")
	}
	return all, nil
}

// EncodeKey writes a private key in PEM, as PKCS #8.
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func parseKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("there is no key in PEM")
	}
	if block.Type == "EC PRIVATE KEY" {
		return x509.ParseECPrivateKey(block.Bytes)
	}
	if block.Type == "RSA PRIVATE KEY" {
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the key cannot be read") // the error of the library may quote it
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	return signer, nil
}

const (
	pemCertificate = "CERTIFICATE"
	pemRequest     = "CERTIFICATE REQUEST"
)

// without returns all without those that are c.
func without(all []*x509.Certificate, c *x509.Certificate) []*x509.Certificate {
	return slices.DeleteFunc(slices.Clone(all), c.Equal)
}
