package edge

import (
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// recordHandshake is what a record of TLS begins with that has a handshake. RFC 8446, section 5.1.
const recordHandshake = 0x16

// beginsTLS tells whether a connection begins with a ClientHello: its type, and the first byte of its version.
func beginsTLS(b []byte) bool { return len(b) >= 2 && b[0] == recordHandshake && b[1] == 3 }

// ListenTLS is tls.NewListener, but that who speaks HTTP in clear to it is told so in clear, and not left with a connection
// that has ended. Sessions inside are for Serve.
func ListenTLS(ln net.Listener, cfg *tls.Config) net.Listener {
	return &tlsListener{ln, cfg}
}

type tlsListener struct {
	net.Listener
	cfg *tls.Config
}

// Accept is that of net.Listener.
func (l *tlsListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tlsConn{Conn: tls.Server(nc, l.cfg)}, nil
}

// tlsConn is TLS whose handshake is made by whoever reads first.
type tlsConn struct {
	*tls.Conn
	begun bool // owned by who reads
}

// Read is that of net.Conn.
func (t *tlsConn) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if !t.begun {
		t.begun = true
		if in := inClear(err); in != nil && beginsHTTP(in.RecordHeader) {
			_ = in.Conn.SetWriteDeadline(time.Now().Add(clearTime))
			_, _ = in.Conn.Write(rejectClear.response()) // whoever has gone need not know
		}
	}
	return n, err
}

// clearTime is how long one may take who is told that the port speaks TLS.
const clearTime = time.Second

// inClear is the error of a handshake with a client that speaks no TLS; nil for any other.
func inClear(err error) *tls.RecordHeaderError {
	var in tls.RecordHeaderError
	if errors.As(err, &in) && in.Conn != nil {
		return &in
	}
	return nil
}

// beginsHTTP tells whether what is no record of TLS begins as a request does: with a method, or a good part of one.
func beginsHTTP(header [5]byte) bool {
	for i, c := range header {
		if c == ' ' && i > 2 {
			return true
		}
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}
