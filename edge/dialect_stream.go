package edge

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/gobwas/ws"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

// framed is the dialect of frames over TCP of an edge.
type framed struct {
	dialect.Stream
	counts dialectCounters
}

// accept makes a client of a connection.
func (f *framed) accept() *speaks {
	client := f.Accept()
	k := &speaks{Client: client, framed: client, counts: f.counts}
	k.rooms, _ = client.(dialect.Subscriber)
	return k
}

// dialectFrame takes the first frame in b. It returns how many bytes it has read, 0 when the
// frame is not there in full or has to wait, and then how many that takes. What is too long is
// known by its head, before there is room for it.
func (c *conn) dialectFrame(s *scratch, b []byte) (n, need int) {
	k := c.speaks()
	n, err := k.framed.Size(b)
	switch {
	case err != nil:
		c.session.malformed(err.Error(), ws.StatusProtocolError)
		return len(b), 0
	case n > c.maxEnvelope():
		c.session.malformed(tooLong(c.maxEnvelope()), ws.StatusMessageTooBig)
		return len(b), 0
	case n == 0 || len(b) < n:
		return 0, n
	case !k.greeted:
		if k.framed.Greet(b[:n], c.peer()) {
			return n, 0
		}
		k.greeted, k.awaiting = true, true
		c.beginDialect()
		return n, 0
	case !c.maySay(s, n) || !c.affords(s, n):
		c.flooding = true
		return 0, n
	}
	c.dialectSays(s, b[:n], true)
	return n, 0
}

// peer is who is at the other end.
func (c *conn) peer() (p dialect.Peer) {
	p.Address = c.socket.RemoteAddr()
	if secure, ok := c.socket.NetConn().(interface{ ConnectionState() tls.ConnectionState }); ok {
		p.Certificates = secure.ConnectionState().PeerCertificates
	}
	if o, ok := c.socket.NetConn().(*opening); ok {
		p.Known = o.known
	}
	return p
}

// openings is a listener of TLS whose clients need not say anything first.
type openings struct {
	net.Listener
	opener dialect.Opener
}

// Accept is that of net.Listener.
func (o openings) Accept() (net.Conn, error) {
	nc, err := o.Listener.Accept()
	if secure, ok := nc.(*tls.Conn); ok && err == nil {
		return &opening{Conn: secure, opener: o.opener}, nil
	}
	return nc, err
}

// opening is a connection that begins with the frame that stands for its client, if there is one.
type opening struct {
	*tls.Conn
	opener dialect.Opener
	shaken bool   // owned by who reads
	rest   []byte // likewise: of the frame
	known  any    // likewise: set before anything is read
}

// Read is that of net.Conn.
func (o *opening) Read(b []byte) (int, error) {
	if !o.shaken {
		if err := o.HandshakeContext(context.Background()); err != nil { // its time is the connection's
			return 0, err
		}
		o.shaken = true
		o.rest, o.known = o.opener.Opening(o.ConnectionState().PeerCertificates)
	}
	if len(o.rest) > 0 {
		n := copy(b, o.rest)
		o.rest = o.rest[n:]
		return n, nil
	}
	return o.Conn.Read(b)
}

// envelopeSize bounds how long the envelope of a frame of n bytes is, but for what few send.
func envelopeSize(n int) int { return 2*n + 1024 }

// maySay tells whether a frame of n bytes would be taken now, whatever comes of it: the client
// could not be told that it is refused, so that it waits.
func (c *conn) maySay(s *scratch, n int) bool {
	if c.session.state != lime.StateEstablished {
		return true
	}
	cfg := c.edge.cfg.Load()
	return c.session.envelopes.has(s.now, c.session.price(), cfg.EnvelopeRate) && c.session.bytes.has(s.now, frameCost+envelopeSize(n), cfg.ByteRate)
}
