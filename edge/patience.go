package edge

import (
	"context"
	"net"

	"limegrove/lime"
)

// A client that is no session yet, and owes the rest of a request or of a frame, costs nothing but its socket as long as
// nobody touches it. One that is cut comes again at once, if it means harm, and is accepted, read, looked at and told
// why: that is what others would wait for. So whoever owes something may take as long as the session has to be established
// in, while there is room. When newcomers have more than a part of all places, and where each has a goroutine, they have
// HandshakeTimeout and UnfinishedTimeout.

// newcomersPart is which part of MaxSessions connections that are no sessions may have before they are hurried.
const newcomersPart = 4

// hurries tells whether newcomers are many. Without MaxSessions one is, since nobody knows what room there is.
func (e *Edge) hurries() bool {
	return (e.admitted.Load()-e.sessions.Load())*newcomersPart > int64(e.cfg.Load().MaxSessions)
}

// lingers tells whether a client that owes something beyond its time is let be, until EstablishTimeout at most.
func (c *conn) lingers(now instant) bool {
	within := c.edge.cfg.Load().EstablishTimeout
	return c.session.state != lime.StateEstablished && now.since(c.now().began) < within && !isTLS(c.socket.NetConn()) && !c.edge.hurries()
}

// isTLS tells whether hands are, or were, shaken for a connection, which has a goroutine for that.
func isTLS(nc net.Conn) bool {
	_, ok := nc.(interface{ HandshakeContext(context.Context) error })
	return ok
}
