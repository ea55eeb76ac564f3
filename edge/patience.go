package edge

import (
	"context"
	"net"
	"time"

	"limegrove/lime"
)

// A client that is no session yet, and owes the rest of a request or of a frame, costs nothing but its socket as long as
// nobody touches it. One that is cut comes again at once, if it means harm, and is accepted, read, looked at and told
// why: that is what others would wait for. So whoever owes something has twice EstablishTimeout, while there is room. When newcomers
// have more than a part of all places, and where each has a goroutine, they have HandshakeTimeout and UnfinishedTimeout, and
// EstablishTimeout, which is all that those have who owe nothing and say nothing.

const (
	// newcomersPart is which part of MaxSessions connections that are no sessions may have before they are hurried, and
	// mostNewcomers how many they are at most: each has memory for what it is in the middle of, too.
	newcomersPart = 4
	mostNewcomers = 16 << 10

	lingerTimes = 2 // EstablishTimeout
)

// hurries tells whether newcomers are many. Without MaxSessions one is, since nobody knows what room there is.
func (e *Edge) hurries() bool {
	most := min(int64(e.cfg.Load().MaxSessions)/newcomersPart, mostNewcomers)
	return e.admitted.Load()-e.sessions.Load() > most
}

// lingers tells whether a client that owes something beyond its time is let be.
func (c *conn) lingers(now instant) bool {
	began := c.now().began
	return c.session.state != lime.StateEstablished && began != never && now.since(began) < lingerTimes*c.edge.cfg.Load().EstablishTimeout &&
		!isTLS(c.socket.NetConn()) && !c.edge.hurries()
}

// nextLook is when one is looked at next that is let be though its time was over at a moment.
func (c *conn) nextLook(over, now instant) instant {
	cfg := c.edge.cfg.Load()
	next := c.now().began + instant(lingerTimes*cfg.EstablishTimeout)
	if step := instant(cfg.HandshakeTimeout); step > 0 {
		next = min(next, over+(max(now-over, 0)/step+1)*step)
	}
	return next
}

// isTLS tells whether hands are, or were, shaken for a connection, which has a goroutine for that.
func isTLS(nc net.Conn) bool {
	_, ok := nc.(interface{ HandshakeContext(context.Context) error })
	return ok
}

// owes tells whether a client has sent a part of something.
func (c *conn) owes() bool { return c.phase == handshaking || c.now().unfinished != never }

// isOver tells whether a time that a newcomer has had since a moment is over, and it is not let be.
func (c *conn) isOver(from instant, limit time.Duration, now instant) bool {
	return limit > 0 && from != never && now.since(from) >= limit && !(c.owes() && c.lingers(now))
}
