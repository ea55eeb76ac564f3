package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"limegrove/lime"
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

// serves is a server's that shows it.
func (s *signer) serves() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{s.certificate.Raw}, PrivateKey: s.key}}}
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
		listener, err := tls.Listen("tcp", "127.0.0.1:0", newSigner(t, by, "server", from, to).serves())
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			if there, err := listener.Accept(); err == nil {
				_ = there.(*tls.Conn).Handshake() // the client tells
				there.Close()
			}
		}()
		here, err := tls.Dial("tcp", listener.Addr().String(), cfg.tls(name))
		if err != nil {
			return err
		}
		return here.Close()
	}
	for by, good := range map[*signer]bool{first: true, configured: true, second: false, foreign: false} {
		if err := shake(by, "localhost"); (err == nil) != good {
			t.Errorf("a server of %s: %v", by.certificate.Subject.CommonName, err)
		}
	}
	for _, name := range []string{"elsewhere", "127.0.0.1", "::1"} {
		for _, by := range []*signer{first, configured} {
			if err := shake(by, name); !errors.As(err, new(x509.HostnameError)) {
				t.Errorf("a server of another name, where %s is wanted: %v", name, err)
			}
		}
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

// What asks by HTTP believes the same servers, by their names too, and those of an authority that comes while it asks.
func TestWhichServersAreBelievedByHTTP(t *testing.T) {
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	first, second := newSigner(t, nil, "1", from, to), newSigner(t, nil, "2", from, to)
	c := new(Certificate)
	if err := c.take(newSigner(t, first, "ana@localhost", from, to).kept(t, first)); err != nil {
		t.Fatal(err)
	}
	asks := &http.Client{Transport: c.RoundTripper(&http.Transport{})}
	defer asks.CloseIdleConnections()
	get := func(by *signer, host string) error {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.TLS, server.EnableHTTP2 = newSigner(t, by, "server", from, to).serves(), true
		server.StartTLS()
		defer server.Close()
		_, port, err := net.SplitHostPort(server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := asks.Get("https://" + net.JoinHostPort(host, port))
		if err == nil {
			answer.Body.Close()
			if answer.ProtoMajor != 2 {
				t.Errorf("it is asked by %s", answer.Proto)
			}
		}
		return err
	}
	if err := get(first, "localhost"); err != nil {
		t.Error(err)
	}
	if err := get(first, "127.0.0.1"); !errors.As(err, new(x509.HostnameError)) {
		t.Errorf("a server without that name: %v", err)
	}
	if err := get(second, "localhost"); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("a server of nobody: %v", err)
	}
	if err := c.take(newSigner(t, second, "ana@localhost", from, to).kept(t, second)); err != nil {
		t.Fatal(err)
	}
	if err := get(second, "localhost"); err != nil {
		t.Errorf("behind a renewal: %v", err)
	}
}

// issues plays a server that issues certificates that are good for lifetime, and dated back, after some refusals. It tells when it was asked.
func (f *far) issues(ca *signer, lifetime time.Duration, refusals int) (asked <-chan time.Time) {
	all := make(chan time.Time, 100)
	go func() {
		for text := range f.in {
			var c struct {
				ID, Method, URI string
				Resource        struct{ Request string }
			}
			if json.Unmarshal([]byte(text), &c) != nil || c.Method == "" {
				continue
			}
			answer := fmt.Sprintf(`{"id":%q,"from":"%s","method":%q,"status":"success"`, c.ID, server, c.Method)
			switch {
			case c.URI != "/certificates":
			case refusals > 0:
				refusals--
				all <- time.Now()
				answer = fmt.Sprintf(`{"id":%q,"from":"%s","method":%q,"status":"failure","reason":{"code":34}`, c.ID, server, c.Method)
			default:
				all <- time.Now()
				b, err := json.Marshal(map[string]string{"certificate": ca.issues(f.t, c.Resource.Request, time.Now().Add(-3*time.Minute), time.Now().Add(lifetime))})
				if err != nil {
					f.t.Error(err)
				}
				answer += `,"type":"application/json","resource":` + string(b)
			}
			f.says(answer + "}")
		}
	}()
	return all
}

// issues signs a request for a certificate.
func (s *signer) issues(t testing.TB, request string, from, to time.Time) string {
	block, _ := pem.Decode([]byte(request))
	asked, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Error(err)
		return ""
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, c, s.certificate, asked.PublicKey, s.key)
	if err != nil {
		t.Error(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// A certificate is kept by asking for another when two thirds of its time are over, and again after each refusal, but never in a hurry.
func TestACertificateIsKept(t *testing.T) {
	const day = 24 * time.Hour
	for name, of := range map[string]struct {
		lifetime time.Duration // of those that are issued
		refusals int
		asked    []time.Duration // from the beginning on
	}{
		"for months":          {90 * day, 0, []time.Duration{60 * day, 120*day - time.Minute, 180*day - 2*time.Minute}},
		"after refusals":      {90 * day, 2, []time.Duration{60 * day, 60*day + time.Hour, 60*day + 2*time.Hour, 120*day + 2*time.Hour - time.Minute}},
		"for hardly any time": {90 * time.Second, 0, []time.Duration{60 * day, 60*day + 30*time.Second, 60*day + time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *place) {
				began := time.Now()
				ca := newSigner(t, nil, "ca", began, began.Add(1000*day))
				file := filepath.Join(t.TempDir(), "own.pem")
				if err := writeOwn(file, newSigner(t, ca, "ana@example.org", began, began.Add(90*day)).kept(t)); err != nil {
					t.Fatal(err)
				}
				own, err := OpenCertificate(file)
				if err != nil {
					t.Fatal(err)
				}
				c, f := p.session(Config{Node: lime.MustParseNode(ana), IdleTimeout: -1, PingInterval: -1})
				asked := f.issues(ca, of.lifetime, of.refusals)
				ctx, stop := context.WithCancel(t.Context())
				told := 0
				ended := later(func() bool {
					own.Keep(ctx, c, func(error) { told++ })
					return true
				})
				for _, want := range of.asked {
					if at := (<-asked).Sub(began).Round(time.Second); at != want {
						t.Errorf("asked after %v, not %v", at, want)
					}
				}
				synctest.Wait()
				again, err := OpenCertificate(file)
				if err != nil || !again.Leaf().Equal(own.Leaf()) || again.Leaf().NotAfter.Before(began.Add(60*day)) {
					t.Errorf("kept: %v", err)
				}
				stop()
				<-ended
				if told != of.refusals {
					t.Errorf("told of %d refusals", told)
				}
			})
		})
	}
}

// asked is where the key is meanwhile.
func asked(file string) string {
	return filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".asked")
}

// Who has asked and got no answer asks again with the same key, and is no other. A key that is refused is of no use.
func TestACertificateWhoseAnswerIsLostIsAskedForAgain(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		ca := newSigner(t, nil, "ca", time.Now(), time.Now().Add(time.Hour))
		file := filepath.Join(t.TempDir(), "a", "own.pem")
		cfg := Config{Node: lime.MustParseNode("ana@example.org"), NetDial: p.dial, IdleTimeout: -1, PingInterval: -1}
		// asks has a client ask, and returns its request and the server's end.
		asks := func() (ended <-chan error, f *far, id, request string) {
			ended = later(func() error {
				_, err := IssueCertificate(within(t), "ws://server/", cfg, file)
				return err
			})
			f = p.accept()
			f.begins(ana)
			for text := range f.in {
				var c struct {
					ID, URI  string
					Resource struct{ Request string }
				}
				if json.Unmarshal([]byte(text), &c) == nil && c.URI == "/certificates" {
					return ended, f, c.ID, c.Resource.Request
				}
			}
			t.Fatal("the end came")
			return
		}
		key := func(request string) any {
			block, _ := pem.Decode([]byte(request))
			asked, err := x509.ParseCertificateRequest(block.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			return asked.PublicKey
		}
		ended, f, _, first := asks()
		f.conn.Close()
		if err := <-ended; err == nil {
			t.Fatal("there is no error")
		}
		if info, err := os.Stat(asked(file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the key is not kept: %v, %v", info, err)
		}
		ended, f, id, second := asks()
		if !key(first).(*ecdsa.PublicKey).Equal(key(second)) {
			t.Error("it is another key")
		}
		issued, err := json.Marshal(map[string]string{"certificate": ca.issues(t, second, time.Now(), time.Now().Add(time.Hour))})
		if err != nil {
			t.Fatal(err)
		}
		f.says(fmt.Sprintf(`{"id":%q,"from":"%s","method":"set","status":"success","type":"application/json","resource":%s}`, id, server, issued))
		go f.ends()
		f.conn.Close()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCertificate(file); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(asked(file)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the key is kept apart: %v", err)
		}

		file += "2"
		ended, f, id, third := asks()
		if key(third).(*ecdsa.PublicKey).Equal(key(second)) {
			t.Error("it is the same key")
		}
		f.says(fmt.Sprintf(`{"id":%q,"from":"%s","method":"set","status":"failure","reason":{"code":66}}`, id, server))
		if err := <-ended; lime.AsReason(err) == nil {
			t.Error(err)
		}
		if _, err := os.Stat(asked(file)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a key that is refused is kept: %v", err)
		}
	})
}
