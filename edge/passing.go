package edge

import (
	"sync"

	"limegrove/edge/auth"
)

// passing is what a connection has only while something is under way: until its session is established, while
// an envelope is half sent, a client does not read, or is to go. It is owned by the socket's loop.
type passing struct {
	began      instant       // when it was accepted, or upgraded; never once its session is established
	shaken     instant       // since when hands are shaken for TLS; never when they are not
	pausedTill instant       // when a pause for flooding ends; never when there is none
	unfinished instant       // since when a frame or an envelope is half sent; never when none is
	stalled    instant       // since when the client takes nothing of what waits for it
	settleBy   instant       // when a session that is leaving must be gone; never when it is not
	stream     *stream       // an envelope that is half sent; nil when none is
	fragments  *fragments    // of a compressed message that is half sent; nil when none is
	upgraded   *auth.Upgrade // nil when nothing of the request goes to routers
	flood      flood         // none when it is zero
	taken      uint32        // how many bytes the client had taken when it was seen to stall
}

// passings are for those in which something begins. A client that sends much is often seen in the middle of an envelope.
var passings = sync.Pool{New: func() any { return new(passing) }}

// now returns what is under way, to be read.
func (c *conn) now() (p passing) {
	if c.passing != nil {
		p = *c.passing
	}
	return p
}

// begins returns what is under way, to be changed. passes drops it.
func (c *conn) begins() *passing {
	if c.passing == nil {
		c.passing = passings.Get().(*passing)
	}
	return c.passing
}

// passes drops what was under way, when there is nothing any more.
func (c *conn) passes() {
	if p := c.passing; p != nil && *p == (passing{}) {
		c.passing = nil
		passings.Put(p)
	}
}

// finished says that no frame and no envelope is half sent, or that another one is.
func (c *conn) finished() {
	if p := c.passing; p != nil && p.unfinished != never {
		p.unfinished = never
		c.passes()
	}
}

// flows says that the client takes what waits for it.
func (c *conn) flows() {
	if p := c.passing; p != nil && p.stalled != never {
		p.stalled, p.taken = never, 0
		c.passes()
	}
}

// special is what few connections have. It is there before the session is attached or never, and nobody replaces it
// then, so that Deliver may look at it.
type special struct {
	proving  *proving      // nil but over TCP
	lifetime *lifetime     // nil when the authentication does not expire
	speaks   *speaks       // nil for a client of LIME
	upgraded *auth.Upgrade // for one that may show credentials again; nil when nothing of the request goes to routers
	page     int64         // the bytes of the page that it was sent in place of a session
}

// particular returns that, to be changed.
func (c *conn) particular() *special {
	if c.special == nil {
		c.special = new(special)
	}
	return c.special
}

func (c *conn) proving() *proving {
	if c.special == nil {
		return nil
	}
	return c.special.proving
}

func (c *conn) lifetime() *lifetime {
	if c.special == nil {
		return nil
	}
	return c.special.lifetime
}

// speaks is the client of a dialect, or nil for one of LIME.
func (c *conn) speaks() *speaks {
	if c.special == nil {
		return nil
	}
	return c.special.speaks
}

// upgradeRequest is what of the request goes to routers, or nil.
func (c *conn) upgradeRequest() *auth.Upgrade {
	if c.special != nil && c.special.upgraded != nil {
		return c.special.upgraded
	}
	return c.now().upgraded
}

// begun says that the session is established.
func (c *conn) begun() {
	c.socket.Welcome()
	p := c.begins()
	p.began = never
	if p.upgraded != nil && c.lifetime() != nil { // it may show credentials again
		c.special.upgraded = p.upgraded
	}
	p.upgraded = nil
	c.passes()
}
