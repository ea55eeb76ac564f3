package client

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// signer signs for a name, or itself.
type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newSigner(t testing.TB, by *signer, name string, from, to time.Time) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		IsCA: by == nil, BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	if by == nil {
		by, c.KeyUsage = &signer{c, key}, x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by.certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &signer{c, key}
}

func (s *signer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw}))
}

// kept is what is in the file of a certificate.
func (s *signer) kept(t testing.TB, authorities ...*signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	text := s.pem() + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, a := range authorities {
		text += a.pem()
	}
	return []byte(text)
}

func TestACertificateIsReadAsItWasKept(t *testing.T) {
	from, to := time.Now().Add(-time.Hour).Truncate(time.Second), time.Now().Add(2*time.Hour).Truncate(time.Second)
	ca := newSigner(t, nil, "ca", from, to)
	own := newSigner(t, ca, "ana@localhost", from, to)
	file := filepath.Join(t.TempDir(), "a", "b", "own.pem")
	if _, err := OpenCertificate(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where there is none: %v", err)
	}
	if err := writeOwn(file, own.kept(t, ca)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	c, err := OpenCertificate(file)
	if err != nil || !c.Leaf().Equal(own.certificate) {
		t.Fatalf("%v", err)
	}
	if due := c.Due(); !due.Equal(from.Add(2 * time.Hour)) {
		t.Errorf("of three hours it is due after %v", due.Sub(from))
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenCertificate(file); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("one that others may read: %v", err)
	}
	other := newSigner(t, ca, "rui@localhost", from, to)
	mixed := append([]byte(own.pem()), other.kept(t)[len(other.pem()):]...)
	for what, text := range map[string][]byte{"nothing": nil, "no key": []byte(own.pem()), "the key of another": mixed} {
		if err := new(Certificate).take(text); err == nil {
			t.Errorf("%s is a certificate", what)
		}
	}
}

// What the authority of now has signed is believed, and what cfg.TLS believes, and nothing else, by the server's name.
func TestWhichServersAreBelievedByACertificate(t *testing.T) {
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	first, second, configured, foreign := newSigner(t, nil, "1", from, to), newSigner(t, nil, "2", from, to), newSigner(t, nil, "3", from, to), newSigner(t, nil, "4", from, to)
	c := new(Certificate)
	if err := c.take(newSigner(t, first, "ana@localhost", from, to).kept(t, first)); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(configured.certificate)
	cfg := Config{TLS: &tls.Config{RootCAs: pool}}
	c.Use(&cfg)
	if cfg.Scheme.Name != "transport" {
		t.Errorf("the scheme is %q", cfg.Scheme.Name)
	}
	shake := func(by *signer, name string) error {
		server := newSigner(t, by, "server", from, to)
		return cfg.TLS.VerifyConnection(tls.ConnectionState{ServerName: name, PeerCertificates: []*x509.Certificate{server.certificate}})
	}
	for by, good := range map[*signer]bool{first: true, configured: true, second: false, foreign: false} {
		if err := shake(by, "localhost"); (err == nil) != good {
			t.Errorf("a server of %s: %v", by.certificate.Subject.CommonName, err)
		}
	}
	if err := shake(first, "elsewhere"); err == nil {
		t.Error("a server of another name is believed")
	}
	// Renewed: with two authorities.
	if err := c.take(newSigner(t, second, "ana@localhost", from, to).kept(t, second, first)); err != nil {
		t.Fatal(err)
	}
	for by, good := range map[*signer]bool{first: true, second: true, foreign: false} {
		if err := shake(by, "localhost"); (err == nil) != good {
			t.Errorf("then, a server of %s: %v", by.certificate.Subject.CommonName, err)
		}
	}
}
