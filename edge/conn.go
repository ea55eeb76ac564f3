package edge

import (
	"errors"
	"sync/atomic"

	"github.com/gobwas/ws"

	"limegrove/edge/poll"
	"limegrove/lime"
)

// ErrQueueFull is matched by the error of Recipient.Deliver and Probe when the client
// reads too slowly. It is a reason, so that routing, which does not know this package, can
// tell it from others, and the sender be told.
var ErrQueueFull error = &lime.Reason{Code: lime.CodeDispatchError, Description: "The recipient reads too slowly"}

// conn is one client: its socket, what has come of a frame or an envelope, and its
// session. It has no goroutine and, while idle, no buffer and nothing beside it.
type conn struct {
	// Set when it is accepted and not changed.
	edge *Edge

	socket poll.Conn // of the group, which has made it as a part of this

	// Owned by the socket's loop.
	session session
	heard   instant  // when the client was last heard of
	passing *passing // nil while nothing is under way
	special *special // nil for most

	probed atomic.Uint32 // the number of the last probe; for anybody
	proved uint32        // the number of the last probe that was answered
	told   flags         // for anybody

	over     transport // set when it is accepted and not changed
	phase    phase
	pinged   bool      // a ping is under way
	shown    tallied   // as what it is counted
	flooding bool      // it has sent more than its rate allows in this turn
	warned   bool      // it was told so, and goes on
	held     bool      // by routing: nothing is read
	securing securing  // how far TLS is
	leaving  departure // told to go
	frames   ws.State  // of a fragmented message
	deflates deflates  // of the message that comes
	packs    bool      // messages may be compressed; set before the session is attached, so that Deliver may look at it
}

// flags are what others than the loop tell of a connection, or ask.
type flags struct{ bits atomic.Uint32 }

// The flags.
const (
	flagHold      uint32 = 1 << iota // what Hold was told last
	flagSteering                     // the loop has been asked to heed it
	flagDeaf                         // over TCP: it has not answered a ping in time
	flagEnded                        // there is nobody any more to work for
	flagAddressed                    // it counts among those of its address
	flagYields                       // the next slice of what it says is taken in a moment; for the loop
)

func (f *flags) has(flag uint32) bool { return f.bits.Load()&flag != 0 }

// set sets a flag or clears it, and tells whether it was set.
func (f *flags) set(flag uint32, on bool) (was bool) {
	if on {
		return f.bits.Or(flag)&flag != 0
	}
	return f.bits.And(^flag)&flag != 0
}

// securing is how far a connection is that TLS was agreed on for.
type securing uint8

const (
	asItIs  securing = iota // in clear for good, or inside TLS
	leaving                 // nothing is read until what was sent in clear has left
	shaking                 // hands are shaken, and nothing is sent
)

// phase is what a connection's bytes are at the moment.
type phase uint8

const (
	handshaking phase = iota // an HTTP request
	open                     // frames, or envelopes
	closing                  // nothing is read any more
)

// Data takes what has come. poll.Handler.
func (c *conn) Data(t *poll.Turn, b []byte) (n, need int) {
	c.heard = c.edge.instant(t.Now)
	if c.pinged { // the next one is due sooner than the end of a silent client
		c.pinged = false
		c.arm()
	}
	if rules := c.edge.rules.Load(); rules != c.session.rules { // others are in force
		if c.session.rules.envelopeRate != rules.envelopeRate { // which is another question
			c.forgives()
		}
		c.session.rules = rules
		c.session.heed()
	}
	s := c.edge.scratch.Get().(*scratch)
	defer c.letGo(s)
	s.now, s.envelopes, s.header.Kind = c.heard, 0, lime.KindUnknown
	c.floodEnds(s.now)
	for c.phase != closing && c.securing == asItIs && !c.awaits() && !c.stops(s) && n < len(b) {
		var read int
		if read, need = c.read(s, b[n:]); read == 0 {
			break
		}
		n += read
		if c.stream() == nil && !c.frames.Fragmented() {
			c.finished() // what is half sent after it is another one
		}
	}
	c.show()
	switch c.phase {
	case closing:
		return len(b), 0
	case handshaking:
		return n, need
	case open:
	}
	switch {
	case c.flooding:
		c.pause(s)
	case n < len(b) && c.stops(s):
		c.yield()
	}
	c.noteUnfinished(n < len(b) || c.stream() != nil || c.frames.Fragmented())
	c.socket.Hold(c.keeps())
	return n, need
}

// keeps is how many bytes are kept of an envelope, or a message, that is half sent.
func (c *conn) keeps() (n int) {
	if p := c.passing; p != nil {
		if p.stream != nil {
			n += cap(p.stream.held)
		}
		if p.fragments != nil {
			n += cap(p.fragments.b)
		}
	}
	if k := c.speaks(); k != nil {
		n += cap(k.held)
	}
	return n
}

// noteUnfinished starts the time that a half-sent frame or envelope has. A client
// that always sends is hardly ever seen at the end of one; each has its own time.
func (c *conn) noteUnfinished(is bool) {
	switch {
	case !is:
		c.finished()
	case c.now().unfinished == never:
		c.begins().unfinished = c.edge.instant(c.turn().Now)
		c.arm()
	}
}

// Drained is told that all that waited for the client has left. poll.Handler.
func (c *conn) Drained(*poll.Turn) {
	c.flows()
	if c.securing == leaving {
		c.secureNow()
		return
	}
	c.session.drained()
}

// Closed is told that the socket is gone. poll.Handler.
func (c *conn) Closed(_ *poll.Turn, err error) {
	if c.told.has(flagYields) {
		c.lastWords()
	}
	if c.phase == handshaking && inClear(err) != nil {
		c.edge.metrics.rejected(rejectClear)
	}
	c.phase = closing
	c.dropStream()
	c.dropFragments()
	c.forgives() // nobody is counted
	c.told.set(flagEnded, true)
	c.session.lost()
	if c.speaks() != nil {
		c.speaks().closed()
	}
	c.edge.forget(c, err)
}

// turn is the one that is under way. It is for the socket's loop alone.
func (c *conn) turn() *poll.Turn { return c.socket.Turn() }

// send queues an envelope, to be written when the loop's turn ends. outlet.
func (c *conn) send(k lime.Kind, envelope []byte) bool {
	frame := envelope
	if c.speaks() != nil {
		var ok bool
		if frame, ok = c.speaks().translated(envelope); !ok {
			return true
		}
	}
	if !c.sendFrame(frame) {
		return false
	}
	c.edge.traffic.Sent(k, 1, len(envelope))
	c.meterSent(1, len(envelope))
	return true
}

// sendFrame queues a message, from the connection's loop.
func (c *conn) sendFrame(message []byte) bool {
	var array [maxHead]byte
	head, payload, d := c.message(array[:0], message)
	defer c.edge.compression.done(d)
	return c.queue(head, payload) == nil
}

// queue queues a frame, from the connection's loop.
func (c *conn) queue(head, payload []byte) error {
	return c.turn().Batch.Append(&c.socket, head, payload)
}

// end ends the connection politely, after all that was sent: L-FIN-07. A last of
// nil is none. outlet.
func (c *conn) end(last []byte, code ws.StatusCode) {
	if c.phase == closing {
		return
	}
	defer c.show()
	c.edge.metrics.closed(code)
	if c.securing != asItIs { // there is nothing in clear any more, and no TLS yet: L-SES-10
		c.phase = closing
		c.socket.Close(poll.ErrTimeout)
		return
	}
	reason := ""
	if c.speaks() != nil {
		c.speaks().exit()
		last, reason = c.speaks().last(last)
	}
	var b []byte
	if last != nil {
		c.edge.traffic.Sent(lime.KindSession, 1, len(last))
		b = append(c.over.appendHead(b, len(last)), last...)
	}
	c.phase = closing
	c.socket.CloseWith(c.over.appendEnd(b, code, reason), c.edge.cfg.Load().CloseTimeout)
}

// hangUp ends the connection after what was queued.
func (c *conn) hangUp() {
	c.phase = closing
	c.show()
	c.socket.CloseAfterFlush(c.edge.cfg.Load().CloseTimeout)
}

// count counts an envelope that was not passed on. outlet.
func (c *conn) count(why dropReason) {
	if why == dropRate {
		c.flooding, c.warned = true, true
	}
	c.edge.metrics.drop(why)
}

// unestablished counts a session that has ended before it was established, unless its connection was
// never served. outlet.
func (c *conn) unestablished(why lime.Code) {
	if at := c.shown.stage(); at == stageNegotiating || at == stageAuthenticating {
		c.edge.metrics.unestablished(why)
	}
}

// Deliver queues an envelope of somebody else for the client. It may be called from
// anywhere. Recipient.
func (c *conn) Deliver(envelope []byte) error { return c.deliver(nil, envelope) }

// Pass is Deliver of another connection, during a turn of this one's. Recipient.
func (c *conn) Pass(to any, envelope []byte) (here bool, err error) {
	if other, ok := to.(*conn); ok {
		return true, other.deliver(&c.turn().Batch, envelope)
	}
	return false, nil
}

// deliver queues an envelope in a batch, which has it written; with none, somebody else does.
func (c *conn) deliver(in *poll.Batch, envelope []byte) (err error) {
	if c.speaks() != nil {
		frame, ok := c.speaks().translated(envelope)
		if !ok {
			return nil
		}
		envelope = frame
	}
	var array [maxHead]byte
	head, payload, d := c.message(array[:0], envelope)
	defer c.edge.compression.done(d)
	if in == nil {
		err = c.put(head, payload)
	} else {
		err = ofQueue(in.Append(&c.socket, head, payload))
	}
	if err == nil {
		c.meterSent(1, len(envelope))
	}
	return err
}

// put queues a frame, from anywhere.
func (c *conn) put(head, payload []byte) error { return ofQueue(c.socket.Append(head, payload)) }

// ofQueue is an error of the socket's queue as routing knows it.
func ofQueue(err error) error {
	if errors.Is(err, poll.ErrFull) {
		return ErrQueueFull
	}
	return err
}

// Flush writes what was queued. Recipient.
func (c *conn) Flush() { c.socket.Flush() }

// End fails the session. Recipient.
func (c *conn) End(why *lime.Reason) {
	// A connection that has ended needs no other end.
	_ = c.back(func() { c.session.end(why) })
}

var (
	_ poll.Handler = (*conn)(nil)
	_ outlet       = (*conn)(nil)
	_ Recipient    = (*conn)(nil)
)
