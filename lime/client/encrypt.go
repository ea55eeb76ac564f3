package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// Encryption is what a client wants of a connection over net.tcp, where server and client
// negotiate it, in clear: whoever is on the way can take TLS out of the offer. With RequireTLS
// it also refuses ws://, whose connection cannot be encrypted any more.
type Encryption int

// What may be wanted.
const (
	// SecretsInTLS is RequireTLS over net.tcp for a scheme that has a secret to show, which is any
	// but guest and transport, unless the server's host is this one, localhost or a loopback
	// address. Otherwise it is PreferTLS.
	SecretsInTLS Encryption = iota
	PreferTLS               // TLS when it is offered
	RequireTLS              // TLS, or no session
	NoTLS                   // not, even if it is offered
)

// encryption is what is wanted of a server.
func (c *Config) encryption(a address) Encryption {
	switch {
	case c.Encryption != SecretsInTLS:
		return c.Encryption
	case !a.overTCP(), a.isHere(), c.Scheme.Name == "guest", c.Scheme.Name == "transport":
		return PreferTLS
	}
	return RequireTLS
}

// encrypt puts TLS over a connection over TCP whose server has confirmed it. What was
// read behind the confirmation is the first that TLS reads, so that nothing that was
// slipped in there in clear counts as said inside.
func (w *wire) encrypt(ctx context.Context, cfg *tls.Config) error {
	over := tls.Client(&overlap{Conn: w.conn, early: w.in.rest(), before: true}, cfg)
	if err := over.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS handshake: %w", err)
	}
	w.conn, w.secure = over, true
	w.in = newStream(over, w.in.max)
	return nil
}

// overlap gives what was read before it is read again, and leaves out the white space
// that may follow an envelope.
type overlap struct {
	net.Conn
	early  []byte
	before bool // the first record of TLS
}

// Read: net.Conn.
func (o *overlap) Read(b []byte) (int, error) {
	for {
		var n int
		var err error
		if len(o.early) > 0 {
			n = copy(b, o.early)
			o.early = o.early[n:]
		} else {
			n, err = o.Conn.Read(b)
		}
		if !o.before || n == 0 {
			return n, err
		}
		space := 0
		for space < n && isSpace(b[space]) {
			space++
		}
		if n = copy(b, b[space:n]); n > 0 || err != nil {
			o.before = n == 0
			return n, err
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// tlsConfig is cfg for a host, by whose name the server is known where cfg has none.
func tlsConfig(cfg *tls.Config, host string) *tls.Config {
	cfg = cloneTLS(cfg)
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	return cfg
}

// tls is what a connection to a host begins with. What is in force may be something else each time.
func (c *Config) tls(host string) *tls.Config {
	cfg := c.TLS
	if c.own != nil {
		cfg = believe(cfg, c.own.trusted())
	}
	return tlsConfig(cfg, host)
}
