package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
)

// objects takes envelopes, and parts of them, from a stream. It returns how many bytes it
// has read: all, unless what follows is to be encrypted.
func (c *conn) objects(s *scratch, b []byte) int {
	// Whoever sends byte by byte costs as much as with frames.
	if !c.affords(s, len(b)) {
		return 0
	}
	return len(b) - len(c.payload(s, b))
}

// secure has the connection encrypted behind what was sent: nothing is read until then, so
// that whatever has come behind the client's choice is its ClientHello. outlet.
func (c *conn) secure() {
	c.securing = leaving
	c.steer()
	c.socket.WantDrained()
}

// secureNow shakes hands when all that was to be sent in clear has left. Until that is done
// nothing is sent, so that half a handshake costs one goroutine, for HandshakeTimeout.
func (c *conn) secureNow() {
	err := c.socket.Cover(func(below net.Conn) net.Conn {
		return &secured{Conn: tls.Server(&trimmed{Conn: below}, c.edge.cfg.Load().TLS), conn: c}
	})
	if err != nil {
		c.edge.insecure(c, err)
		c.phase = closing
		c.socket.Close(err)
		return
	}
	c.securing, c.begins().shaken = shaking, c.edge.instant(c.turn().Now)
	c.steer()
	c.arm()
}

// shook goes on inside TLS.
func (c *conn) shook() {
	if c.phase == closing {
		return
	}
	c.securing, c.begins().shaken = asItIs, never
	c.passes()
	c.session.secured()
	c.arm()
}

// insecure counts a connection that could not be encrypted.
func (e *Edge) insecure(c *conn, err error) {
	e.metrics.handshakes.Inc()
	e.log.WithError(err).WithField("remote", c.socket.RemoteAddr()).Debug("no TLS over TCP")
}

// secured is TLS whose handshake is made by whoever reads first, who tells of its end.
type secured struct {
	*tls.Conn
	conn *conn
	done bool // owned by who reads
}

// Read is that of net.Conn.
func (s *secured) Read(b []byte) (int, error) {
	if !s.done {
		err := s.HandshakeContext(context.Background()) // its time is the connection's
		if err != nil {
			s.conn.edge.insecure(s.conn, err)
			return 0, err
		}
		s.done = true
		// A connection that has ended meanwhile needs no session.
		_ = s.conn.back(s.conn.shook)
	}
	return s.Conn.Read(b)
}

// trimmed is a connection without the white space at its beginning: lime-go writes a line
// feed behind every envelope, also behind its choice (L-TRN-06). No record of TLS begins
// so.
type trimmed struct {
	net.Conn
	begun bool
}

// Read is that of net.Conn.
func (t *trimmed) Read(b []byte) (int, error) {
	for {
		n, err := t.Conn.Read(b)
		if !t.begun {
			text := bytes.TrimLeft(b[:n], " \t\r\n")
			t.begun = len(text) > 0
			if n = copy(b, text); n == 0 && err == nil && len(b) > 0 {
				continue
			}
		}
		return n, err
	}
}

// NetConn is what is below, as that of tls.Conn.
func (t *trimmed) NetConn() net.Conn { return t.Conn }
