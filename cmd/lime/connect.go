package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"limegrove/lime"
	"limegrove/lime/client"
)

// dial logs in as the profile in force says. A session that is lost is the end of it unless keep says otherwise.
func (a *app) dial(ctx context.Context, keep bool, change func(*client.Config)) (*client.Client, error) {
	p, err := a.profile()
	if err != nil {
		return nil, err
	}
	return a.dialAs(ctx, &p, keep, change)
}

// dialAs is dial for a profile.
func (a *app) dialAs(ctx context.Context, p *profile, keep bool, change func(*client.Config)) (*client.Client, error) {
	cfg, err := p.config()
	if err != nil {
		return nil, err
	}
	cfg.ConnectTimeout = a.timeout
	if !keep {
		cfg.Backoff.Tries = -1
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	c, err := client.Dial(ctx, p.Server, cfg)
	if err != nil {
		return nil, a.explain(ctx, p.Server, p.keyOffered(loginError("log in", p.Server, err)))
	}
	a.renew(ctx, p, c)
	return c, nil
}

// config is what a client is made of.
func (p *profile) config() (cfg client.Config, err error) {
	if err := checkURL("--server", p.Server, "ws", "wss", "net.tcp"); err != nil {
		return cfg, err
	}
	if p.Identity != "" {
		if cfg.Node, err = lime.ParseNode(p.Identity); err != nil || cfg.Node.Name == "" {
			return cfg, usage("%q is no identity, which is name@domain", p.Identity)
		}
	}
	switch {
	case p.Key != "" && p.Password != "":
		return cfg, usage("there are a password and a key: give one of them (LIME_PASSWORD, LIME_KEY)")
	case p.Key != "":
		cfg.Scheme = client.Key(client.Fixed(p.Key))
	case p.Password != "":
		cfg.Scheme = client.Plain(client.Fixed(p.Password))
	}
	if cfg.TLS, err = p.tls(); err != nil {
		return cfg, err
	}
	cfg.Proxy = client.ProxyFromEnvironment
	own, err := p.certificate()
	if own != nil {
		own.Use(&cfg)
	}
	return cfg, err
}

// certificate is what somebody logs in by; nil for something else.
func (p *profile) certificate() (own *client.Certificate, err error) {
	if p.own == nil && p.Certificate != "" && p.Password == "" && p.Key == "" {
		if p.own, err = client.OpenCertificate(p.Certificate); err != nil {
			return nil, usage("the profile's certificate: %w", err)
		}
	}
	return p.own, nil
}

// tls is whom to believe; nil for those whom the system believes.
func (p *profile) tls() (*tls.Config, error) {
	if p.CA == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(p.CA)
	if err != nil {
		return nil, usage("--ca: %w", err)
	}
	all, err := x509.SystemCertPool()
	if err != nil {
		all = x509.NewCertPool()
	}
	if !all.AppendCertsFromPEM(pem) {
		return nil, usage("--ca: there is no certificate in %s", p.CA)
	}
	return &tls.Config{RootCAs: all}, nil
}

// http is what asks by HTTP those who are believed.
func (p *profile) http() (*http.Client, error) {
	believed, err := p.tls()
	if err != nil {
		return nil, err
	}
	own, err := p.certificate()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = believed
	if own != nil { // which nobody is shown but edges
		return &http.Client{Transport: own.RoundTripper(transport)}, nil
	}
	return &http.Client{Transport: transport}, nil
}

// with has a session do something, and finishes it.
func (a *app) with(ctx context.Context, do func(context.Context, *client.Client) error) error {
	c, err := a.dial(ctx, false, func(cfg *client.Config) { cfg.SendOnly = true })
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.finish(c, do(limited, c))
}

// finish ends a session, which has done what it was for, or err.
func (a *app) finish(c *client.Client, err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), a.timeout)
	defer cancel()
	if err != nil {
		c.Close()
		return err
	}
	if err := c.Shutdown(ctx); err != nil && !errors.Is(err, client.ErrLost) {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// maxLine is how long a line of the standard input may be.
const maxLine = 512 << 10

// readLine reads one line and no more, so that others may go on behind it.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < maxLine; {
		n, err := in.Read(b)
		if n > 0 && b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[:n]...)
		if errors.Is(err, io.EOF) {
			return string(line), nil
		} else if err != nil {
			return "", err
		}
	}
	return "", errors.New("the line is too long")
}

// input is the standard input for as long as ctx is not done. A read of a terminal or of a pipe cannot be ended: one that nobody waits for any
// more is left behind, and what it brings is lost.
func (a *app) input(ctx context.Context) *input { return &input{ctx: ctx, in: a.in} }

type input struct {
	ctx    context.Context
	in     io.Reader
	failed error // not io.EOF
}

// Read is that of io.Reader.
func (i *input) Read(p []byte) (n int, err error) {
	b, ends := make([]byte, len(p)), make(chan func(), 1)
	if i.ctx.Err() == nil {
		go func() {
			took, failed := i.in.Read(b)
			ends <- func() { n, err = copy(p, b[:took]), failed }
		}()
	}
	select {
	case takes := <-ends:
		takes()
	case <-i.ctx.Done():
	}
	if i.ctx.Err() != nil { // both, perhaps
		n, err = 0, context.Cause(i.ctx)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		i.failed = err
	}
	return n, err
}

// lines hands out the lines of the standard input until one is refused.
func (a *app) lines(ctx context.Context, take func(string) error) error {
	in := a.input(ctx)
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine+len("\r\n"))
	n := 0
	for s.Scan() {
		if in.failed != nil {
			return in.failed // behind half a line
		}
		n++
		line := strings.TrimSuffix(s.Text(), "\r")
		if len(line) > maxLine {
			return tooLongLine(n)
		}
		if err := take(line); err != nil {
			return err
		}
	}
	if errors.Is(s.Err(), bufio.ErrTooLong) {
		return tooLongLine(n + 1)
	}
	return s.Err()
}

func tooLongLine(n int) error { return fmt.Errorf("line %d has more than %d bytes", n, maxLine) }
