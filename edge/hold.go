package edge

// Six things may speak against reading from a client, each by itself: a pause because
// it floods, or a moment because it says much at once (limit.go), a hold by routing, the beginning of TLS (tcp.go), a
// dialect's wait for an answer (dialect.go), and a worker that inflates a message of it (inflate_aside.go).
// Reading goes on when there is none.
//
// What a client says during all but TLS and a moment cannot be heard, its pongs included. So such a client is never silent: it is not pinged, and its times for silence and
// for what is half sent begin anew when it is let go. That it takes what waits for it is
// expected all the same (deadline.go).

// Hold stops reading from the client, or goes on. Recipient.
func (c *conn) Hold(on bool) {
	c.told.set(flagHold, on)
	if !c.told.set(flagSteering, true) { // one post is enough for all that are told meanwhile
		// A connection that has ended is not read from.
		_ = c.back(c.heed)
	}
}

// heed does what Hold was told last.
func (c *conn) heed() {
	c.told.set(flagSteering, false)
	on := c.told.has(flagHold)
	if on == c.held || c.phase == closing {
		return
	}
	c.held = on
	if !on {
		c.heardAgain(c.edge.instant(c.turn().Now))
	}
	c.steer()
	c.arm()
}

// unheard tells whether the client cannot be heard, because it is not read from.
func (c *conn) unheard() bool { return c.held || c.now().pausedTill != never || c.awaits() }

// heardAgain has its times for silence and for what is half sent begin anew.
func (c *conn) heardAgain(now instant) {
	c.heard, c.pinged = now, false
	c.patient()
	if c.speaks() != nil {
		c.speaks().spoke = now
	}
	if p := c.passing; p != nil && p.unfinished != never {
		p.unfinished = now
	}
}

// steer reads from the client unless something speaks against it.
func (c *conn) steer() {
	if c.held || c.told.has(flagYields) || c.securing == leaving || c.now().pausedTill != never || c.awaits() {
		c.socket.PauseRead()
	} else {
		c.socket.ResumeRead()
	}
}
