package edge

import (
	"bytes"
	"crypto/tls"
	"net"
	"strconv"
	"time"
)

// objects takes envelopes, and parts of them, from a stream. It returns how many bytes it
// has read: all, unless what follows is to be encrypted.
func (c *conn) objects(s *scratch, b []byte) int {
	// Whoever sends byte by byte costs as much as with frames.
	if !c.session.bytes.take(s.now, frameCost, c.edge.cfg.ByteRate) {
		c.flooding = true
	}
	n := len(b) - len(c.payload(s, b))
	c.edge.metrics.bytesIn.Add(float64(n))
	return n
}

// secure has the connection encrypted behind what was sent: nothing is read until then, so
// that whatever has come behind the client's choice is its ClientHello. outlet.
func (c *conn) secure() {
	c.securing = true
	c.steer()
	c.socket.WantDrained()
}

// secureNow goes on when all that was to be sent in clear has left.
func (c *conn) secureNow() {
	err := c.socket.Cover(func(below net.Conn) net.Conn { return tls.Server(&trimmed{Conn: below}, c.edge.cfg.TLS) })
	if err != nil {
		c.phase = closing
		c.socket.Close(err)
		return
	}
	c.securing = false
	c.steer()
	c.session.secured()
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
	asked   instant // the first time

	number uint32        // of the probe that is under way; 0 for none
	mark   uint32        // conn.given behind what is to be proved
	target uint64        // what the system must have acknowledged; 0 while it has not taken all
	look   instant       // when to ask the system next; never when an answer is waited for
	pause  time.Duration // until then
}

// askTCP is Probe. The loop is told after the ping is queued, and before it is answered: the
// answer comes to the loop.
func (c *conn) askTCP(n uint32) error {
	c.probed.Store(n)
	if !c.deaf.Load() {
		if err := c.put(nil, c.session.ping(n)); err != nil {
			return err
		}
	}
	mark := c.given.Load()
	return c.back(func() { c.expect(n, mark) })
}

// expect waits for the proof of a probe.
func (c *conn) expect(n, mark uint32) {
	p := c.proving
	now := c.edge.instant(c.turn.Now)
	if c.proved == n {
		return // it was answered already
	}
	p.number, p.mark, p.target, p.pause = n, mark, 0, firstLook
	p.look = never
	switch {
	case c.deaf.Load():
		c.lookAgain()
	case !p.answers:
		p.look = max(now, p.asked+instant(c.edge.cfg.pingPatience))
		c.arm()
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
	c.proving.answers, c.proving.look = true, never
	c.deaf.Store(false)
	if n > 0 {
		c.has(uint32(n))
	}
	return true
}

// lookAgain asks the system, now and then again, whether the client's has everything.
func (c *conn) lookAgain() {
	p := c.proving
	now := c.edge.instant(c.turn.Now)
	if p.number == 0 || p.number == c.proved {
		p.look = never
		return
	}
	done, ok := c.isAcknowledged()
	switch {
	case !ok:
		p.look = never // here only an answer tells
	case done:
		p.look = never
		c.deaf.Store(true)
		c.has(p.number)
	default:
		p.look = now + instant(p.pause)
		p.pause = min(2*p.pause, lastLook)
		c.arm()
	}
}

// isAcknowledged tells whether the client's system has what is to be proved; ok is false
// when ours does not know.
func (c *conn) isAcknowledged() (done, ok bool) {
	p := c.proving
	taken := c.given.Load() - uint32(c.socket.Queued())
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
