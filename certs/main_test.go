package certs

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"io"
	"testing"

	"github.com/sirupsen/logrus"
	"go.uber.org/goleak"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ana, rui = lime.MustParseIdentity("Ana@example.org"), lime.MustParseIdentity("rui@example.org")

func silent() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

func newAuthority(t testing.TB) *Authority {
	t.Helper()
	a, err := NewAuthority("Limegrove test", AuthorityLifetime)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func key(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func request(t testing.TB, name string, k crypto.Signer) string {
	t.Helper()
	text, err := NewRequest(name, k)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func open(t testing.TB, cfg Config) *Registry {
	t.Helper()
	if cfg.JetStream == nil {
		cfg.JetStream = natstest.JetStream(t)
	}
	r, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func folder(t testing.TB) *Folder {
	t.Helper()
	a := newAuthority(t)
	return &Folder{Authority: a, Authorities: []*x509.Certificate{a.Certificate()}}
}

func service(t testing.TB, r *Registry, change func(*ServiceConfig)) *Service {
	t.Helper()
	cfg := ServiceConfig{Registry: r, Logger: silent()}
	if change != nil {
		change(&cfg)
	}
	return NewService(cfg, folder(t))
}

func issue(t testing.TB, s Issuer, r Request) *Issued {
	t.Helper()
	i, err := s.Issue(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func certificate(t testing.TB, text string) *x509.Certificate {
	t.Helper()
	all, err := ParseCertificates([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func mustParse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func certificates(all ...*Authority) (some []*x509.Certificate) {
	for _, a := range all {
		some = append(some, a.Certificate())
	}
	return some
}

func certificatesOf(t testing.TB, pair tls.Certificate) (chain []*x509.Certificate) {
	t.Helper()
	for _, der := range pair.Certificate {
		chain = append(chain, mustParse(t, der))
	}
	return chain
}
