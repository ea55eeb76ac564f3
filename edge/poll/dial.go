package poll

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"
)

// dialStream is Dial where connections are no bare sockets.
func (g *Group) dialStream(from netip.Addr, to netip.AddrPort, open Opener) error {
	return g.dialing(from, to, nil, open)
}

// DialTLS is Dial with TLS over the connection, by cfg, which is not changed. Such a connection has a goroutine that
// reads. What its handshake fails of is told to Handler.Closed.
func (g *Group) DialTLS(from netip.Addr, to netip.AddrPort, cfg *tls.Config, open Opener) error {
	return g.dialing(from, to, cfg, open)
}

func (g *Group) dialing(from netip.Addr, to netip.AddrPort, cfg *tls.Config, open Opener) error {
	d := &dialing{to: to, tls: cfg, ready: make(chan struct{})}
	if from.IsValid() {
		d.from = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	d.ctx, d.cancel = context.WithCancel(context.Background()) // ended by Close
	return g.Add(d, open)
}

// dialing is a connection that its first Read makes, so that the goroutine which reads is the
// one that waits.
type dialing struct {
	// Set when it is made and not changed.
	from   *net.TCPAddr // nil for the system's choice
	to     netip.AddrPort
	tls    *tls.Config     // nil for none
	ctx    context.Context //nolint:containedctx // it is this connection's life, of which Close is the end
	cancel context.CancelFunc

	// Set before ready is closed, by whoever reads first.
	once  sync.Once
	ready chan struct{}
	conn  net.Conn
	err   error
}

func (d *dialing) dial() {
	defer close(d.ready)
	dialer := net.Dialer{}
	if d.from != nil {
		dialer.LocalAddr = d.from
	}
	if d.conn, d.err = dialer.DialContext(d.ctx, "tcp", d.to.String()); d.err != nil {
		return
	}
	limitUnsentBelow(d.conn)
	if d.tls == nil {
		return
	}
	conn := tls.Client(d.conn, d.tls)
	if d.err = conn.HandshakeContext(d.ctx); d.err != nil {
		_ = d.conn.Close() // the handshake has failed
		return
	}
	d.conn = conn
}

// made waits for the connection, or for why there is none.
func (d *dialing) made() (net.Conn, error) {
	<-d.ready
	return d.conn, d.err
}

// Read is that of net.Conn.
func (d *dialing) Read(b []byte) (int, error) {
	d.once.Do(d.dial)
	conn, err := d.made()
	if err != nil {
		return 0, err
	}
	return conn.Read(b)
}

// Write is that of net.Conn. Nobody has to write before somebody reads, but it waits for that.
func (d *dialing) Write(b []byte) (int, error) {
	conn, err := d.made()
	if err != nil {
		return 0, err
	}
	return conn.Write(b)
}

// Close is that of net.Conn.
func (d *dialing) Close() error {
	d.cancel()
	d.once.Do(func() {
		d.err = net.ErrClosed
		close(d.ready)
	})
	conn, err := d.made()
	if err != nil {
		return nil // there is nothing to close
	}
	return conn.Close()
}

// CloseWrite ends our side.
func (d *dialing) CloseWrite() error {
	conn, err := d.made()
	if err != nil {
		return err
	}
	return conn.(interface{ CloseWrite() error }).CloseWrite()
}

// LocalAddr is that of net.Conn.
func (d *dialing) LocalAddr() net.Addr { return d.from }

// RemoteAddr is that of net.Conn.
func (d *dialing) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(d.to) }

// SetDeadline is that of net.Conn.
func (d *dialing) SetDeadline(t time.Time) error { return d.set(net.Conn.SetDeadline, t) }

// SetReadDeadline is that of net.Conn.
func (d *dialing) SetReadDeadline(t time.Time) error { return d.set(net.Conn.SetReadDeadline, t) }

// SetWriteDeadline is that of net.Conn.
func (d *dialing) SetWriteDeadline(t time.Time) error { return d.set(net.Conn.SetWriteDeadline, t) }

func (d *dialing) set(deadline func(net.Conn, time.Time) error, t time.Time) error {
	conn, err := d.made()
	if err != nil {
		return err
	}
	return deadline(conn, t)
}
