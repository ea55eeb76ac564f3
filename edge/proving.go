package edge

import (
	"bytes"
	"strconv"
	"time"

	"limegrove/lime"
)

// Over TCP there is no ping but LIME's, a command. Clients need not answer it, and many
// libraries leave that to the application. So what a client has is proved by
//
//   - its answer to a ping behind the messages. A client that has answered one is taken at
//     its word from then on: until it answers, it has not read what came before;
//   - the word of the system, for a client that has answered none in time: its system has
//     acknowledged every byte of the messages. What a client has in its system's buffer
//     and never reads is then taken for delivered.
//
// The first ping is the first that a session hears, before there is anything to lose. A
// client that sends receipts is asked no more.
const (
	pingPatience = 5 * time.Second        // for the first answer, by default
	firstLook    = 100 * time.Millisecond // at what the system says
	lastLook     = time.Second
)

// pingPrefix and a probe's number, 0 for none, are the id of a ping.
const pingPrefix = "ping-"

// proving is what is known of a client's acknowledgements over TCP. It is owned by the
// connection's loop.
type proving struct {
	answers bool    // the client has answered a ping
	asked   instant // since when it is expected to, for the first time

	number uint32        // of the last probe; 0 for none
	mark   uint32        // the socket's position behind what that one is to prove
	target uint64        // what the system must have acknowledged; 0 while it has not taken all
	look   instant       // when to do something about it; never when there is nothing
	pause  time.Duration // until the system is asked again
}

// askTCP is Probe.
func (c *conn) askTCP(n uint32) error {
	c.probed.Store(n)
	asked := !c.told.has(flagDeaf)
	if asked {
		ping := c.session.ping(n)
		if err := c.put(nil, ping); err != nil {
			return err
		}
		c.edge.traffic.Sent(lime.KindCommand, 1, len(ping))
	}
	mark, _ := c.socket.Position()
	return c.back(func() { c.expect(n, mark, asked) })
}

// expect waits for the proof of a probe, for which the client was asked or was not.
func (c *conn) expect(n, mark uint32, asked bool) {
	p := c.proving()
	p.number, p.mark, p.target, p.pause = n, mark, 0, firstLook
	now := c.edge.instant(c.turn().Now)
	switch {
	case c.open() == 0: // it was answered already
		return
	case p.answers && asked:
		p.look = now + instant(c.edge.cfg.Load().pingPatience)
	case p.answers || c.told.has(flagDeaf):
		p.look = now
	default:
		p.look = max(now, p.asked+instant(c.edge.cfg.Load().pingPatience))
	}
	c.lookAgain()
}

// open is the number of the probe that is to be proved; 0 when there is none.
func (c *conn) open() uint32 {
	if p := c.proving(); p != nil && int32(p.number-c.proved) > 0 {
		return p.number
	}
	return 0
}

// patient begins the client's time to answer for the first time anew: nothing was read from
// it.
func (c *conn) patient() {
	if c.proving() != nil {
		c.proving().asked = c.edge.instant(c.turn().Now)
	}
}

// answered takes the id of a client's response, and tells whether it is to a ping.
func (c *conn) answered(id []byte) bool {
	digits, ours := bytes.CutPrefix(id, []byte(pingPrefix))
	if c.over != overTCP || !ours {
		return false
	}
	n, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return false
	}
	if n > 0 {
		c.has(uint32(n))
	}
	if p := c.proving(); !p.answers {
		p.answers, p.look = true, c.edge.instant(c.turn().Now)
		if !c.told.set(flagDeaf, false) { // it was asked for the open probe, too
			p.look += instant(c.edge.cfg.Load().pingPatience)
		}
		c.lookAgain()
	}
	return true
}

// lookAgain does what is due for the probe that is open: it asks the client again when an
// answer or the question was lost, as to the limit of its rate; or it asks the system, now
// and then, whether the client's has everything.
func (c *conn) lookAgain() {
	p := c.proving()
	now := c.edge.instant(c.turn().Now)
	patience := instant(c.edge.cfg.Load().pingPatience)
	switch {
	case c.open() == 0:
		p.look = never
		return
	case p.look > now:
	case p.answers:
		// Without room for it, it is asked the next time.
		c.send(lime.KindCommand, c.session.ping(p.number))
		p.look = now + patience
	case !c.told.has(flagDeaf) && (c.held || now < p.asked+patience):
		p.look = max(now, p.asked) + patience
	default:
		c.askSystem(now)
	}
	c.arm()
}

// askSystem takes the word of the system for a client that does not answer.
func (c *conn) askSystem(now instant) {
	p := c.proving()
	done, ok := c.isAcknowledged()
	switch {
	case !ok:
		p.look = never // here only an answer tells
	case done:
		p.look = never
		c.told.set(flagDeaf, true)
		c.has(p.number)
	default:
		p.look = now + instant(p.pause)
		p.pause = min(2*p.pause, lastLook)
	}
}

// isAcknowledged tells whether the client's system has what is to be proved; ok is false
// when ours does not know.
func (c *conn) isAcknowledged() (done, ok bool) {
	p := c.proving()
	_, taken := c.socket.Position()
	acknowledged, outstanding, ok := c.socket.Acknowledged()
	switch {
	case !ok:
		return false, false
	case int32(taken-p.mark) < 0: // the system has not taken all yet
		return false, true
	case outstanding == 0:
		return true, true
	case p.target == 0:
		p.target = acknowledged + outstanding
	}
	return acknowledged >= p.target, true
}
