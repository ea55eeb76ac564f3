package client

import (
	"context"
	"crypto"
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
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"limegrove/lime"
)

// Certificate is a client's own certificate, which the server's authority has issued to it, with its key, which never leaves the client. It
// may be used by many goroutines at once.
type Certificate struct {
	file string

	mu          sync.Mutex
	pair        tls.Certificate
	text        []byte         // as it is in the file
	authorities *x509.CertPool // whom the server's certificate may be of; nil for none that are known
}

// maxCertificateFile bounds what is read of one.
const maxCertificateFile = 1 << 20

// OpenCertificate reads a certificate that IssueCertificate has kept: PEM, the certificate first, its key, and the server's authorities. The
// error is fs.ErrNotExist's when there is none. A file that others than its owner may read is refused.
func OpenCertificate(file string) (*Certificate, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("%s: others may read the key (mode %04o); chmod 600 it", file, info.Mode().Perm())
	case info.Size() > maxCertificateFile:
		return nil, fmt.Errorf("%s has more than %d bytes", file, maxCertificateFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &Certificate{file: file}
	if err := c.take(text); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

// take makes what a file has the certificate.
func (c *Certificate) take(text []byte) error {
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return err
	}
	authorities := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		authorities.AddCert(one)
	}
	if len(pair.Certificate) == 1 {
		authorities = nil
	}
	pair.Certificate = pair.Certificate[:1]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pair, c.text, c.authorities = pair, text, authorities
	return nil
}

// Leaf is the certificate that is in force.
func (c *Certificate) Leaf() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair.Leaf
}

// Use has a client log in by the certificate: each connection shows the one that is in force then. Where authorities came with it, the server's
// certificate has to be of one of them, or of one that cfg.TLS believes.
func (c *Certificate) Use(cfg *Config) {
	t := c.Believe(cfg.TLS)
	t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		pair := c.pair
		return &pair, nil
	}
	cfg.TLS, cfg.Scheme = t, Transport()
}

// Believe returns a copy of a configuration, which may be nil, by which servers are believed as by Use. It shows them nothing.
func (c *Certificate) Believe(cfg *tls.Config) *tls.Config {
	t := cfg.Clone()
	if t == nil {
		t = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.mu.Lock()
	known := c.authorities != nil
	c.mu.Unlock()
	if known && !t.InsecureSkipVerify {
		believed := t.RootCAs
		t.InsecureSkipVerify = true // by what is in force when hands are shaken, instead
		t.VerifyConnection = func(s tls.ConnectionState) error { return c.verify(s, believed) }
	}
	return t
}

// verify does what crypto/tls does, by the authorities of now, and then by those that are believed anyway.
func (c *Certificate) verify(s tls.ConnectionState, believed *x509.CertPool) error {
	if len(s.PeerCertificates) == 0 {
		return errors.New("the server has shown no certificate")
	}
	c.mu.Lock()
	own := c.authorities
	c.mu.Unlock()
	o := x509.VerifyOptions{Roots: own, DNSName: s.ServerName, Intermediates: x509.NewCertPool()}
	for _, one := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(one)
	}
	_, err := s.PeerCertificates[0].Verify(o)
	if err != nil {
		o.Roots = believed
		if _, other := s.PeerCertificates[0].Verify(o); other == nil {
			return nil
		}
		return &tls.CertificateVerificationError{UnverifiedCertificates: s.PeerCertificates, Err: err}
	}
	return nil
}

// mediaCertificate is the media type of a certificate, and of a request for one. It is Limegrove's.
const mediaCertificate = "application/vnd.limegrove.certificate+json"

// newCertificateKey makes a key, and a request for a certificate of it.
func newCertificateKey(name string) (key crypto.Signer, request []byte, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		return nil, nil, err
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// askCertificate asks for a certificate of a new key, and returns it as it is kept. identity is "" for the session's own.
func (c *Client) askCertificate(ctx context.Context, identity string) ([]byte, error) {
	key, request, err := newCertificateKey(identity)
	if err != nil {
		return nil, err
	}
	resource, err := json.Marshal(struct {
		Identity string `json:"identity,omitempty"`
		Request  string `json:"request"`
	}{identity, string(request)})
	if err != nil {
		return nil, err
	}
	answer, err := c.Command(ctx, &lime.Command{Method: lime.MethodSet, URI: "/certificates", Type: mediaCertificate, Resource: resource})
	if err != nil {
		return nil, fmt.Errorf("ask for a certificate: %w", err)
	}
	var issued struct{ Certificate, Authorities string }
	if err := json.Unmarshal(answer.Resource, &issued); err != nil || issued.Certificate == "" {
		return nil, fmt.Errorf("ask for a certificate: %w: the answer has none", ErrProtocol)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := append([]byte(issued.Certificate), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...)
	return append(text, issued.Authorities...), nil
}

// IssueCertificate has the server issue a certificate to the identity of cfg.Node, and keeps it in a file, which must not be there. cfg.TLS shows
// the certificate that all clients without one of their own share, or cfg.Scheme proves the identity in another way. It has a session of its
// own for that; with the certificate that it returns others log in (Use). A name that somebody has is refused with a *lime.Reason of
// code 66.
func IssueCertificate(ctx context.Context, server string, cfg Config, file string) (*Certificate, error) {
	if _, err := os.Lstat(file); err == nil {
		return nil, fmt.Errorf("%s is there already", file)
	}
	identity := cfg.Node.Identity
	shared := cfg.Scheme.Name == "" || cfg.Scheme.Name == Transport().Name
	if shared {
		cfg.Scheme = Transport()
	}
	cfg.SendOnly, cfg.Handler, cfg.Store, cfg.Backoff.Tries = true, nil, nil, -1
	session, err := Dial(ctx, server, cfg)
	if err != nil {
		return nil, err
	}
	asked := ""
	if shared {
		asked = identity.String()
	}
	text, err := session.askCertificate(ctx, asked)
	if err != nil {
		session.Close()
		return nil, err
	}
	c := &Certificate{file: file}
	if err = c.take(text); err == nil {
		err = writeOwn(file, text)
	}
	if err != nil {
		session.Close()
		return nil, fmt.Errorf("keep the certificate: %w", err)
	}
	if err := session.Shutdown(ctx); err != nil && !errors.Is(err, ErrLost) { // it may end by itself
		return c, nil
	}
	return c, nil
}

// Renew has the server issue another certificate to the identity of a session, which was begun with this one, and goes on: it is kept, and connections that
// begin from then on show it.
func (c *Certificate) Renew(ctx context.Context, session *Client) error {
	text, err := session.askCertificate(ctx, "")
	if err != nil {
		return err
	}
	if err := writeOwn(c.file, text); err != nil { // before anything relies on it
		return fmt.Errorf("keep the certificate: %w", err)
	}
	if err := c.take(text); err != nil {
		return fmt.Errorf("take the certificate: %w", err)
	}
	_, err = session.Command(ctx, &lime.Command{
		Method: lime.MethodSet, URI: "/authentication", Type: lime.MediaJSON, Resource: []byte(`{"scheme":"transport","authentication":{}}`),
	})
	if err != nil {
		return fmt.Errorf("go on with the new certificate: %w", err)
	}
	return nil
}

// Due is when the certificate is to be renewed: after two thirds of its time.
func (c *Certificate) Due() time.Time {
	leaf := c.Leaf()
	return leaf.NotAfter.Add(-leaf.NotAfter.Sub(leaf.NotBefore) / 3)
}

// Keep renews the certificate whenever that is due, over a session that comes back, until ctx is done or the session is over for good. It
// tries again after an error, a minute later or more, which it tells, unless tell is nil.
func (c *Certificate) Keep(ctx context.Context, session *Client, tell func(error)) {
	for {
		wait := time.Until(c.Due())
		if wait <= 0 {
			limited, cancel := context.WithTimeout(ctx, time.Minute)
			err := c.Renew(limited, session)
			cancel()
			left := time.Until(c.Leaf().NotAfter)
			if err == nil { // what was dated back is due sooner than it should be
				wait = max(time.Second, time.Until(c.Due()), left/3)
			} else {
				wait = max(time.Minute, min(left/20, time.Hour))
			}
			if err != nil && ctx.Err() == nil && session.Err() == nil && tell != nil {
				tell(err)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			continue
		case <-ctx.Done():
		case <-session.Done():
		}
		timer.Stop()
		return
	}
}

// writeOwn writes a file for its owner alone, in one step.
func writeOwn(file string, text []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // it is there no more when all went well
	_, err = temporary.Write(text)
	if err == nil {
		err = temporary.Sync()
	}
	if err := errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), file)
}
