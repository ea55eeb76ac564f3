package interest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/internal/nowait"
)

// Option has a connection share subscriptions. It goes behind an option with a dialer, which it
// then uses, and is for nats.Connect, whose URLs it needs.
func Option() nats.Option {
	return func(o *nats.Options) error {
		d := &dialer{opts: o, next: o.CustomDialer}
		for _, s := range o.Servers {
			u, err := parse(s)
			if err != nil {
				return err
			}
			switch u.Scheme {
			case "ws", "wss":
				return fmt.Errorf("%s: %w", u.Scheme, ErrConnection)
			case "tls":
				d.tls = true
			}
			d.hosts = append(d.hosts, u.Hostname())
		}
		o.CustomDialer = d
		o.SkipHostLookup = true // TLS needs the name; see addresses
		return nil
	}
}

// dialer makes one connection at a time, and knows what all channels of it listen to.
type dialer struct {
	opts  *nats.Options // as they are when all options have been taken
	next  nats.CustomDialer
	tls   bool     // a URL asks for it
	hosts []string // of the URLs

	// Owned by the library's only goroutine that connects.
	name string // of the host that was dialed last by a name

	mu       sync.Mutex
	current  *conn // nil while there is none
	channels []*Channel
}

// Dial implements [nats.CustomDialer].
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	raw, err := d.dial(network, host, port)
	if err != nil {
		return nil, err
	}
	begun, secure, err := d.begin(nowait.Conn(raw), host)
	if err != nil {
		_ = raw.Close() // the cause is err
		return nil, err
	}
	c := &conn{Conn: begun, dialer: d, secure: secure}
	d.mu.Lock()
	d.current = c
	d.mu.Unlock()
	return c, nil
}

// dial connects to one of a host's addresses, in an order that differs between processes.
func (d *dialer) dial(network, host, port string) (net.Conn, error) {
	if d.next != nil {
		return d.next.Dial(network, net.JoinHostPort(host, port))
	}
	all := []string{host}
	if net.ParseIP(host) == nil {
		if found, err := net.LookupHost(host); err == nil && len(found) > 0 { //nolint:noctx // as the library does
			all = found
			rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		}
	}
	dialer := net.Dialer{Timeout: d.timeout() / time.Duration(len(all))}
	var errs []error
	for _, a := range all {
		c, err := dialer.Dial(network, net.JoinHostPort(a, port))
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (d *dialer) timeout() time.Duration {
	if d.opts.Timeout > 0 {
		return d.opts.Timeout
	}
	return nats.DefaultTimeout
}

// SkipTLSHandshake tells the library that TLS is there already, below.
func (d *dialer) SkipTLSHandshake() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current != nil && d.current.secure
}

func (d *dialer) forget(c *Channel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.channels, c); i >= 0 {
		d.channels = slices.Delete(d.channels, i, i+1)
	}
}
