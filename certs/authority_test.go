package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

func TestAnAuthorityIsReadAsItWasWritten(t *testing.T) {
	a := newAuthority(t)
	text, err := EncodeKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadAuthority(EncodeCertificates(a.Certificate()), text)
	if err != nil || again.ID() != a.ID() || len(a.ID()) != 16 {
		t.Fatalf("%v, %v", again, err)
	}
	other, err := EncodeKey(key(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAuthority(EncodeCertificates(a.Certificate()), other); err == nil || !strings.Contains(err.Error(), "not that of the certificate") {
		t.Errorf("with another key: %v", err)
	}
	leaf, err := a.Client(ana, key(t).Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAuthority(EncodeCertificates(leaf), text); err == nil {
		t.Error("a client's certificate is taken for an authority")
	}
	if _, err := ReadAuthority([]byte("nothing"), text); err == nil {
		t.Error("nothing is an authority")
	}
}

func TestEachCertificateIsGoodForOneThing(t *testing.T) {
	a := newAuthority(t)
	client, err := a.Client(ana, key(t).Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	server, err := a.Server([]string{"edge.example.org", "*.Example.org", "127.0.0.1", "::1"}, key(t).Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		c    *x509.Certificate
		use  x509.ExtKeyUsage
		good bool
	}{
		{client, x509.ExtKeyUsageClientAuth, true},
		{client, x509.ExtKeyUsageServerAuth, false},
		{server, x509.ExtKeyUsageServerAuth, true},
		{server, x509.ExtKeyUsageClientAuth, false},
	} {
		_, err := tc.c.Verify(x509.VerifyOptions{Roots: Pool(a.Certificate()), KeyUsages: []x509.ExtKeyUsage{tc.use}})
		if (err == nil) != tc.good {
			t.Errorf("%s for %v: %v", tc.c.Subject.CommonName, tc.use, err)
		}
	}
	for _, name := range []string{"edge.example.org", "a.example.org", "127.0.0.1", "::1"} {
		if err := server.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if client.IsCA || server.IsCA {
		t.Error("a leaf may sign others")
	}
	if _, err := a.Server(nil, key(t).Public(), time.Hour); err == nil {
		t.Error("a server without a name")
	}
	for _, bad := range []string{"", "a b", "-a", "a..b", "a/b", "*", strings.Repeat("a", 64), "ü.example"} {
		if _, err := a.Server([]string{bad}, key(t).Public(), time.Hour); err == nil {
			t.Errorf("a server called %q", bad)
		}
	}
}

func TestNothingOutlivesItsAuthority(t *testing.T) {
	a, err := NewAuthority("short", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Client(ana, key(t).Public(), 1000*time.Hour)
	if err != nil || c.NotAfter.After(a.Certificate().NotAfter) {
		t.Errorf("until %v, %v", c.NotAfter, err)
	}
	old, err := NewAuthority("old", -time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Client(ana, key(t).Public(), time.Hour); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("an authority that has expired signs: %v", err)
	}
}

func TestNamesThatNoCertificateTakes(t *testing.T) {
	for _, bad := range []lime.Identity{
		{},
		{Name: "ana"},
		{Domain: "x"},
		{Name: "../ana", Domain: "x"},
		{Name: "a/b", Domain: "x"},
		{Name: `a\b`, Domain: "x"},
		{Name: "ana", Domain: "x/y"},
		{Name: "a b", Domain: "x"},
		{Name: "a\x00", Domain: "x"},
		{Name: "a\nb", Domain: "x"},
		{Name: "a\u202eb", Domain: "x"},
		{Name: "a\u200bb", Domain: "x"},
		{Name: "a\xff", Domain: "x"},
		{Name: strings.Repeat("a", 300), Domain: "x"},
		{Name: "postmaster", Domain: "x"},
		{Name: "POSTMASTER", Domain: "x"},
		{Name: "ana@y", Domain: "x"},
	} {
		if err := CheckIdentity(bad); !errors.Is(err, &lime.Reason{Code: lime.CodeValidationInvalidIdentity}) {
			t.Errorf("%q: %v", bad.String(), err)
		}
	}
	for _, good := range []string{"ana@x", "Ana.B-1_2%20@example.org", "josé@x", "*@x", "default@x"} {
		if err := CheckIdentity(lime.MustParseIdentity(good)); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	good := request(t, "x", key(t))
	if _, err := publicOf([]byte(good)); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(good))
	forged := bytes.Clone(block.Bytes)
	forged[len(forged)-1] ^= 1
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nothing":       "",
		"no PEM":        "hello",
		"a certificate": string(EncodeCertificates(newAuthority(t).Certificate())),
		"two":           good + good,
		"huge":          good + strings.Repeat("\n", MaxRequest),
		"garbage":       string(pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: []byte("garbage")})),
		"forged":        string(pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: forged})),
		"weak RSA":      request(t, "x", weak),
		"small ECDSA":   request(t, "x", small),
	} {
		if _, err := publicOf([]byte(text)); !errors.Is(err, &lime.Reason{Code: lime.CodeCommandInvalidArgument}) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestSerials(t *testing.T) {
	for text, want := range map[string]Serial{"0A": "0a", "a": "0a", "0x0A:bC": "0abc", "00000000000000000000000000000000000000000001": "", "0": "", "xyz": "", "": "", strings.Repeat("f", 41): "", "000a": "0a"} {
		got, err := ParseSerial(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
	c, err := newAuthority(t).Client(ana, key(t).Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseSerial(strings.ToUpper(string(SerialOf(c)))); err != nil || got != SerialOf(c) || len(got) != 32 {
		t.Errorf("%q, %v", got, err)
	}
}

// writeFolder writes an authority as files.
func writeFolder(t testing.TB, dir string, f *Folder, more map[string][]byte) {
	t.Helper()
	k, err := EncodeKey(f.Authority.key)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{FileAuthority: EncodeCertificates(f.Authority.Certificate()), FileKey: k, FileAuthorities: EncodeCertificates(f.Authorities...)}
	for name, text := range more {
		files[name] = text
	}
	if err := Write(dir, false, files); err != nil {
		t.Fatal(err)
	}
}

func TestAFolderIsReadAsItWasWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd [*] name", "certs")
	f, other := folder(t), newAuthority(t)
	f.Authorities = append(f.Authorities, other.Certificate())
	def, err := f.Authority.Default(key(t).Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	writeFolder(t, dir, f, map[string][]byte{FileDefault: EncodeCertificates(def)})
	got, err := ReadFolder(dir)
	if err != nil || got.Authority.ID() != f.Authority.ID() || len(got.Authorities) != 2 || !got.Authorities[1].Equal(other.Certificate()) ||
		len(got.Defaults) != 1 || !got.Defaults[0].Equal(def) {
		t.Fatalf("%+v, %v", got, err)
	}
	info, err := os.Stat(filepath.Join(dir, FileKey))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, FileKey)); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadFolder(dir); err != nil || got.Authority != nil || len(got.Authorities) != 2 {
		t.Errorf("without a key: %+v, %v", got, err)
	}
}

func TestFilesAreNotOverwrittenUnlessToldTo(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, false, map[string][]byte{"b.pem": []byte("1")}); err != nil {
		t.Fatal(err)
	}
	err := Write(dir, false, map[string][]byte{"a.pem": []byte("2"), "b.pem": []byte("2")})
	if !errors.Is(err, ErrExists) || !strings.Contains(err.Error(), "b.pem") {
		t.Errorf("over what is there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.pem")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a part was written: %v", err)
	}
	if err := Write(dir, true, map[string][]byte{"a.pem": []byte("2"), "b.pem": []byte("2")}); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "b.pem")); string(text) != "2" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	for _, bad := range []string{"../x", "a/b", ".x", ""} {
		if err := Write(dir, false, map[string][]byte{bad: nil}); err == nil {
			t.Errorf("%q was written", bad)
		}
	}
}

func TestFoldersThatCannotBeUsed(t *testing.T) {
	for what, spoil := range map[string]func(dir string) error{
		"others may read": func(dir string) error { return os.Chmod(filepath.Join(dir, FileKey), 0o644) },
		"key": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, FileKey), []byte("-----BEGIN X-----\nAA==\n-----END X-----\n"), 0o600)
		},
		"no certificate": func(dir string) error { return os.WriteFile(filepath.Join(dir, FileAuthorities), []byte("x"), 0o600) },
		"no such file":   func(dir string) error { return os.Remove(filepath.Join(dir, FileAuthority)) },
		"more than": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, FileAuthority), make([]byte, maxFile+1), 0o600)
		},
		"no certificate in": func(dir string) error { return os.WriteFile(filepath.Join(dir, "default2.pem"), nil, 0o600) },
	} {
		dir := t.TempDir()
		writeFolder(t, dir, folder(t), nil)
		if err := spoil(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadFolder(dir); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
