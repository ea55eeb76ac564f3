package interest

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// maxInfo bounds the first line of a broker, in bytes: it has the addresses of its neighbours.
const maxInfo = 1 << 20

// begin reads the line with which a broker begins, makes TLS of the connection where the library would, since it
// could only do so above us, and returns a connection that begins with that line.
func (d *dialer) begin(raw net.Conn, host string) (c net.Conn, secure bool, err error) {
	name := d.serverName(host)
	if err := raw.SetDeadline(time.Now().Add(d.timeout())); err != nil {
		return nil, false, err
	}
	read, line, err := readInfo(raw)
	if err != nil {
		return nil, false, err
	}
	var info struct {
		Required  bool `json:"tls_required"`
		Available bool `json:"tls_available"`
	}
	if rest, ok := bytes.CutPrefix(line, []byte("INFO ")); !ok || json.Unmarshal(rest, &info) != nil {
		return &begun{Conn: raw, read: read}, false, raw.SetDeadline(time.Time{}) // the library will say so
	}
	if !info.Required && (!info.Available || !d.tls && !d.opts.Secure) {
		return &begun{Conn: raw, read: read}, false, raw.SetDeadline(time.Time{})
	}
	if len(read) > len(line) {
		return nil, false, fmt.Errorf("%w: the broker speaks before it has heard", nats.ErrTLS)
	}
	cfg, err := d.tlsConfig(name)
	if err != nil {
		return nil, false, err
	}
	over := tls.Client(raw, cfg)
	if err := over.Handshake(); err != nil { //nolint:noctx // the deadline bounds it
		return nil, false, fmt.Errorf("%w: %w", nats.ErrTLS, err)
	}
	return &begun{Conn: over, read: read}, true, raw.SetDeadline(time.Time{})
}

// readInfo reads up to the end of a line, which it returns, or beyond.
func readInfo(c net.Conn) (read, line []byte, err error) {
	buffer := make([]byte, 4096)
	for {
		n, err := c.Read(buffer)
		read = append(read, buffer[:n]...)
		if i := bytes.IndexByte(read, '\n'); i >= 0 {
			return read, read[:i+1], nil
		}
		if err != nil {
			return nil, nil, err
		}
		if len(read) > maxInfo {
			return nil, nil, errors.New("the broker's first line has no end")
		}
	}
}

// tlsConfig is what the library would make of its options.
func (d *dialer) tlsConfig(name string) (*tls.Config, error) {
	if d.opts.TLSHandshakeFirst || d.opts.TLSCertCB != nil || d.opts.RootCAsCB != nil {
		return nil, fmt.Errorf("TLS by other options than a configuration: %w", ErrConnection)
	}
	cfg := &tls.Config{}
	if d.opts.TLSConfig != nil {
		cfg = d.opts.TLSConfig.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = name
	}
	return cfg, nil
}

// serverName is whose certificate a host must have. An address that a broker has told belongs to the name by which we
// have found that one.
func (d *dialer) serverName(host string) string {
	if net.ParseIP(host) == nil {
		d.name = host
		return host
	}
	if slices.Contains(d.hosts, host) || d.name == "" {
		return host
	}
	return d.name
}

// parse reads a URL as the library does, to which a scheme is missing sometimes.
func parse(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "nats://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("a URL that cannot be read") // it may hold a password
	}
	return u, nil
}

// begun is a connection of which the beginning was read.
type begun struct {
	net.Conn
	read []byte // that is left of it; the library alone reads
}

// Read is that of io.Reader: first what was read before the connection was handed over.
func (c *begun) Read(p []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(p, c.read)
		if c.read = c.read[n:]; len(c.read) == 0 {
			c.read = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}
