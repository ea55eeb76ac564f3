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
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
	text        []byte              // as it is in the file
	authorities []*x509.Certificate // whose the server's certificate may be; nil for none that are known
}

// maxCertificateFile bounds what is read of one.
const maxCertificateFile = 1 << 20

// OpenCertificate reads a certificate that IssueCertificate has kept: PEM, the certificate first, its key, and the server's authorities. The
// error is fs.ErrNotExist's when there is none. A file that others than its owner may read is refused.
func OpenCertificate(file string) (*Certificate, error) {
	text, err := readOwn(file)
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
	var authorities []*x509.Certificate
	for _, der := range pair.Certificate[1:] {
		one, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		authorities = append(authorities, one)
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
	t := cloneTLS(cfg.TLS)
	t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		pair := c.pair
		return &pair, nil
	}
	cfg.TLS, cfg.Scheme, cfg.own = t, Transport(), c
}

// RoundTripper asks by HTTP, as base does, servers that are believed as by Use, by the authorities that are in force then. It shows them no
// certificate.
func (c *Certificate) RoundTripper(base *http.Transport) http.RoundTripper {
	plain := base.TLSClientConfig == nil && base.DialContext == nil && base.DialTLSContext == nil // before a clone is made
	b := &believer{own: c, base: base.Clone()}
	if plain {
		b.base.ForceAttemptHTTP2 = true // as net/http does for one that nobody has configured
	}
	return b
}

// believer has a transport for as long as the authorities are the same.
type believer struct {
	own  *Certificate
	base *http.Transport // never used itself

	mu      sync.Mutex
	by      []*x509.Certificate // of now
	current *http.Transport
}

// RoundTrip: http.RoundTripper.
func (b *believer) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.transport().RoundTrip(r)
}

func (b *believer) transport() *http.Transport {
	by := b.own.trusted()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current == nil || !slices.Equal(by, b.by) {
		if b.current != nil {
			b.current.CloseIdleConnections()
		}
		b.by, b.current = by, b.base.Clone()
		b.current.TLSClientConfig = believe(b.base.TLSClientConfig, by)
	}
	return b.current
}

// CloseIdleConnections is what http.Client asks for by its own method of this name.
func (b *believer) CloseIdleConnections() { b.transport().CloseIdleConnections() }

// trusted are the authorities of now. They are not changed.
func (c *Certificate) trusted() []*x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.authorities
}

// believe returns a copy of a configuration, which may be nil, that believes some more. Names are checked by crypto/tls, which alone knows
// that of a server that has an IP address for one: a tls.ConnectionState has no name then.
func believe(cfg *tls.Config, more []*x509.Certificate) *tls.Config {
	t := cloneTLS(cfg)
	if len(more) == 0 {
		return t
	}
	var all *x509.CertPool
	if t.RootCAs != nil {
		all = t.RootCAs.Clone()
	} else if system, err := x509.SystemCertPool(); err == nil {
		all = system
	} else {
		all = x509.NewCertPool()
	}
	for _, one := range more {
		all.AddCert(one)
	}
	t.RootCAs = all
	return t
}

// cloneTLS is a copy of a configuration, or the default.
func cloneTLS(cfg *tls.Config) *tls.Config {
	if cfg == nil {
		return &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return cfg.Clone()
}

// mediaCertificate is the media type of a certificate, and of a request for one. It is Limegrove's.
const mediaCertificate = "application/vnd.limegrove.certificate+json"

// certificateKey is a key, as it is kept, of which a certificate is asked for.
type certificateKey struct {
	signer crypto.Signer
	text   []byte // PEM
}

func newCertificateKey() (certificateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificateKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return certificateKey{}, err
	}
	return certificateKey{key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}, nil
}

// keptCertificateKey reads a key, or makes and keeps one where there is none.
func keptCertificateKey(file string) (key certificateKey, err error) {
	text, err := readOwn(file)
	if errors.Is(err, fs.ErrNotExist) {
		if key, err = newCertificateKey(); err != nil {
			return key, err
		}
		return key, writeOwn(file, key.text)
	}
	if err != nil {
		return key, err
	}
	if block, _ := pem.Decode(text); block != nil {
		if of, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if signer, ok := of.(crypto.Signer); ok {
				return certificateKey{signer, text}, nil
			}
		}
	}
	return key, fmt.Errorf("%s is no key: remove it, and another is made", file)
}

// askCertificate asks for a certificate of a key, and returns it as it is kept. identity is "" for the session's own.
func (c *Client) askCertificate(ctx context.Context, identity string, key certificateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: identity}}, key.signer)
	if err != nil {
		return nil, err
	}
	request := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
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
	return slices.Concat([]byte(issued.Certificate), key.text, []byte(issued.Authorities)), nil
}

// IssueCertificate has the server issue a certificate to the identity of cfg.Node, and keeps it in a file, which must not be there. cfg.TLS shows
// the certificate that all clients without one of their own share, or cfg.Scheme proves the identity in another way. It has a session of its
// own for that; with the certificate that it returns others log in (Use). A name that somebody has is refused with a *lime.Reason of
// code 66. The key is in a hidden file beside it, .NAME.asked, until the certificate is kept: who has asked, and whose answer was lost, asks again
// with the same key and is no other.
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
	keyFile := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".asked")
	key, err := keptCertificateKey(keyFile)
	if err != nil {
		return nil, fmt.Errorf("keep the certificate's key: %w", err)
	}
	session, err := Dial(ctx, server, cfg)
	if err != nil {
		return nil, err
	}
	asked := ""
	if shared {
		asked = identity.String()
	}
	text, err := session.askCertificate(ctx, asked, key)
	if err != nil {
		session.Close()
		if why := lime.AsReason(err); why != nil && why.Code == lime.CodeCommandNotAllowed { // it is another's
			_ = os.Remove(keyFile) // which is of no use
		}
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
	_ = os.Remove(keyFile)                                                    // it is in the file
	if err := session.Shutdown(ctx); err != nil && !errors.Is(err, ErrLost) { // it may end by itself
		return c, nil
	}
	return c, nil
}

// Renew has the server issue another certificate to the identity of a session, which was begun with this one, and goes on: it is kept, and connections that
// begin from then on show it.
func (c *Certificate) Renew(ctx context.Context, session *Client) error {
	key, err := newCertificateKey()
	if err != nil {
		return err
	}
	text, err := session.askCertificate(ctx, "", key)
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

// readOwn reads a file that only its owner may read.
func readOwn(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, fmt.Errorf("%s: others may read the key (mode %04o); chmod 600 it", file, info.Mode().Perm())
	case info.Size() > maxCertificateFile:
		return nil, fmt.Errorf("%s has more than %d bytes", file, maxCertificateFile)
	}
	return os.ReadFile(file)
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
