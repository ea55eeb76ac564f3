package edge

// Four things may speak against reading from a client, each by itself: a pause because
// it floods (limit.go), a hold by routing, the beginning of TLS (tcp.go), and a dialect's
// wait for an answer (dialect.go). Reading goes on when there is none.
//
// What a client says while it is held cannot be heard, its pongs included. So a held
// client is never silent: it is not pinged, and its times for silence and for what is
// half sent begin anew when it is let go. That it takes what waits for it is expected
// all the same (deadline.go).

// Hold stops reading from the client, or goes on. Recipient.
func (c *conn) Hold(on bool) {
	c.hold.Store(on)
	if !c.steering.Swap(true) { // one post is enough for all that are told meanwhile
		// A connection that has ended is not read from.
		_ = c.back(c.heed)
	}
}

// heed does what Hold was told last.
func (c *conn) heed() {
	c.steering.Store(false)
	on := c.hold.Load()
	if on == c.held || c.phase == closing {
		return
	}
	c.held = on
	if !on {
		now := c.edge.instant(c.turn.Now)
		c.heard, c.pinged = now, false
		c.patient()
		if c.unfinished != never {
			c.unfinished = now
		}
	}
	c.steer()
	c.arm()
}

// steer reads from the client unless something speaks against it.
func (c *conn) steer() {
	if c.held || c.securing == leaving || c.pausedTill != never || c.awaits() {
		c.socket.PauseRead()
	} else {
		c.socket.ResumeRead()
	}
}
