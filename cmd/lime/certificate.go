package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
)

// takeCertificate has a profile log in by a certificate: the one in a file, when that is the identity's own, or else one that the
// server issues over a connection that shows the one in the file, which all clients share. That is kept beside the profiles.
func (a *app) takeCertificate(ctx context.Context, name string, p *profile, file, keyFile string) error {
	id, err := lime.ParseNode(p.Identity)
	if err != nil || id.Name == "" || id.Domain == "" {
		return usage("--certificate: %q is no identity, which is name@domain", p.Identity)
	}
	if keyFile == "" {
		keyFile = file
		if text, err := os.ReadFile(file); err == nil && !strings.Contains(string(text), "PRIVATE KEY-----") {
			keyFile = strings.TrimSuffix(file, ".pem") + ".key"
		}
	}
	shared, err := tls.LoadX509KeyPair(file, keyFile)
	if err != nil {
		return usage("--certificate: %w", err)
	}
	if strings.EqualFold(shared.Leaf.Subject.CommonName, id.Identity.String()) && keyFile == file {
		if p.Certificate, err = filepath.Abs(file); err != nil {
			return usage("--certificate: %w", err)
		}
		return nil
	}
	at, err := a.profilesFile()
	if err != nil {
		return err
	}
	p.Certificate = filepath.Join(filepath.Dir(at), "certificates", url.PathEscape(name)+"="+url.PathEscape(id.Identity.String())+".pem")
	switch _, err := client.OpenCertificate(p.Certificate); {
	case err == nil: // it was issued before
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return usage("the certificate that was issued before: %w", err)
	}
	other := *p
	other.Certificate = ""
	cfg, err := other.config()
	if err != nil {
		return err
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg.TLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &shared, nil }
	cfg.ConnectTimeout = a.timeout
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if _, err := client.IssueCertificate(ctx, p.Server, cfg, p.Certificate); err != nil {
		return a.explain(ctx, p.Server, fmt.Errorf("ask %s for a certificate: %w", p.Server, err))
	}
	return nil
}

// renew renews the certificate that a session was begun with when that is due. One that cannot be renewed now is good for a while.
func (a *app) renew(ctx context.Context, p *profile, session *client.Client) {
	if p.own == nil || time.Now().Before(p.own.Due()) {
		return
	}
	if err := p.own.Renew(ctx, session); err != nil {
		a.unrenewed(p, err)
	}
}

func (a *app) unrenewed(p *profile, err error) {
	a.note("warning", "the certificate in %s is to be renewed: %v", p.Certificate, err)
}

// keepCertificate renews it whenever that is due, until the session is over or stop is called.
func (a *app) keepCertificate(p *profile, session *client.Client) (stop func()) {
	if p.own == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var kept sync.WaitGroup
	kept.Go(func() { p.own.Keep(ctx, session, func(err error) { a.unrenewed(p, err) }) })
	return func() {
		cancel()
		kept.Wait()
	}
}
