package edge

import (
	"time"

	"github.com/sirupsen/logrus"

	"limegrove/lime"
)

// Who was told that it sends too much has the rest taken as fast as its rate allows, which is right for one that has
// much to say once. One that goes on has its way with what all others share. After some twenty seconds of it its
// messages and requests count for several envelopes, until it has not had to wait for half a minute. Who keeps to the
// rate is never told, and has all of it for as long as it likes. Receipts and responses have no other price: others
// decide how many are owed to them.
//
// These are the two rates of RFC 2698, but for that the lower one is for those alone who do not keep the higher.
const (
	floodPrice = 5
	floodLong  = 20 * time.Second // of a flood, until the price is asked
	floodSlow  = 30 * time.Second // for how long it is, after the last pause
	floodGap   = time.Second      // a longer time between two pauses is none of a flood
	floodGrows = 2                // times as fast as it shrinks
)

// flood is how long one has gone on.
type flood struct {
	grown  instant // the moment at which it will have shrunk to nothing; or until when it is slowed; never when there is none
	paused instant // when the last pause was over
	why    pause   // the last one
}

// pause is what a client has to wait for.
type pause uint8

const (
	forRest  pause = iota // bytes, or receipts and responses: there is no flood
	forFlood              // a message or a request was the last that was taken
)

// paid tells whether an envelope is one of those that a flood consists of.
func paid(h *lime.Header) bool {
	return h.Kind == lime.KindMessage || h.Kind == lime.KindCommand && h.Status == 0
}

// goesOn has it grow when a pause is over, by the time since the one before, and tells whether that is long.
func (f *flood) goesOn(now instant, slowed bool) (long bool) {
	took := now - f.paused
	if took > instant(floodGap) {
		took = instant(floodPause)
	}
	f.paused = now
	if slowed {
		f.grown = now + instant(floodSlow)
		return false
	}
	f.grown = max(f.grown, now) + (floodGrows+1)*took
	if f.grown-now < instant(floodGrows*floodLong) {
		return false
	}
	f.grown = now + instant(floodSlow)
	return true
}

// price is how many envelopes a message or a request of the session counts for.
func (s *session) price() int {
	if s.floods && s.rules.envelopeRate > 0 {
		return min(floodPrice, s.rules.envelopeRate)
	}
	return 1
}

// priceOfCommand is how many a request counts for that others than the edge have to do something for.
func (s *session) priceOfCommand() int { return min(s.price()*commandPrice, s.rules.envelopeRate) }

// waitsFor notes what a pause is for that begins.
func (c *conn) waitsFor(s *scratch, now instant) {
	f := &c.begins().flood
	switch {
	case !c.warned || c.over == overFrames || !c.session.spent(now): // who cannot be told has not been
		f.why = forRest
	case s.header.Kind == lime.KindUnknown: // nothing was taken since the last one
	case paid(&s.header):
		f.why = forFlood
	default:
		f.why = forRest
	}
}

// waited is told that a pause is over.
func (c *conn) waited(now instant) {
	p := c.passing
	switch {
	case p == nil:
	case p.flood.why != forFlood:
		if p.flood.grown != never {
			p.flood.paused = now
		}
	case p.flood.goesOn(now, c.session.floods):
		c.session.floods = true
		c.edge.metrics.slowed(1)
		c.edge.warn.Tell(logrus.WarnLevel, "a session floods, and is slowed", nil, logrus.Fields{
			"node": c.session.who.String(), "remote": c.socket.RemoteAddr(),
		})
	}
}

// floodEnds forgets a flood whose time is over.
func (c *conn) floodEnds(now instant) {
	if p := c.passing; p != nil && p.flood.grown != never && p.flood.grown <= now && p.pausedTill == never {
		c.forgives()
	}
}

// forgives has the session say again as much as ever.
func (c *conn) forgives() {
	if c.session.floods {
		c.session.floods = false
		c.edge.metrics.slowed(-1)
	}
	if c.passing != nil {
		c.passing.flood = flood{}
		c.passes()
	}
}
