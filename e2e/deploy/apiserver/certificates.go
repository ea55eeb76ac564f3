package apiserver

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// writeKey makes the key that tokens of accounts are signed with.
func writeKey(file string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600)
}

// frontProxy is how other API servers know that it is the API server that asks them, for somebody.
type frontProxy struct{ authority, certificate, key string }

func newFrontProxy(dir string) frontProxy {
	in := func(name string) string { return filepath.Join(dir, name) }
	return frontProxy{in("front-authority.pem"), in("front.pem"), in("front-key.pem")}
}

const frontName = "front-proxy"

// write makes the certificates.
func (f frontProxy) write() error {
	authorityKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "front-authority"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	client := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: frontName}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return err
	}
	certificate, err := x509.CreateCertificate(rand.Reader, client, authority, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(f.authority, "CERTIFICATE", signed), writePEM(f.certificate, "CERTIFICATE", certificate),
		writePEM(f.key, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
	)
}

// flags are those of the API server.
func (f frontProxy) flags() []string {
	return []string{
		"--requestheader-client-ca-file=" + f.authority, "--requestheader-allowed-names=" + frontName,
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + f.certificate, "--proxy-client-key-file=" + f.key,
	}
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// Kubeconfig is the path of what tells clients where the API server is, and who they are: somebody who may do all.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

func (c *Cluster) writeKubeconfig() error {
	return os.WriteFile(c.Kubeconfig(), fmt.Appendf(nil, `{
		"apiVersion": "v1", "kind": "Config", "current-context": "it",
		"clusters": [{"name": "it", "cluster": {"server": %q, "insecure-skip-tls-verify": true}}],
		"users": [{"name": "operator", "user": {"token": %q}}],
		"contexts": [{"name": "it", "context": {"cluster": "it", "user": "operator"}}]
	}`, c.url, c.token), 0o600)
}
