package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
)

func TestAuthoritiesOfClientsAreReadAtTheStart(t *testing.T) {
	folder := t.TempDir()
	empty, missing := filepath.Join(folder, "empty.pem"), filepath.Join(folder, "missing.pem")
	if err := os.WriteFile(empty, []byte("no certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	certificate, key := newCertificate(t, folder)
	for name, ca := range map[string]string{"one without a certificate": empty, "one that is not there": missing} {
		_, err := process.ReadCredentials(config.Edge{TLSCert: certificate, TLSKey: key, TLSClientCA: ca})
		if err == nil || !strings.HasPrefix(err.Error(), "-tls-client-ca: ") || !strings.Contains(err.Error(), ca) {
			t.Errorf("%s: %v", name, err)
		}
	}
	with, err := process.ReadCredentials(config.Edge{TLSCert: certificate, TLSKey: key, TLSClientCA: certificate})
	if err != nil {
		t.Fatal(err)
	}
	d, err := openDoors(config.Edge{Listen: "127.0.0.1:0"}, with)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if c := d.inForce.tcp.Load(); c.ClientAuth != tls.VerifyClientCertIfGiven || c.ClientCAs == nil {
		t.Errorf("clients are asked by %v", c.ClientAuth)
	}
}

// newCertificate writes a certificate that signs itself, and its key.
func newCertificate(t *testing.T, folder string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(folder, "c.pem"), filepath.Join(folder, "k.pem")
	for file, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: text},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
