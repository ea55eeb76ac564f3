package edge

import (
	"bytes"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// What takes long to inflate is long: a message of the greatest length may be made so that it takes 60 ms, in which a
// loop would have no time for others. Such messages are inflated by workers, and nothing of their clients is taken
// meanwhile.

// longDeflated is how many bytes of a compressed message a loop inflates at most.
const longDeflated = 16 << 10

// maxInflating bounds the long messages of all that wait for a worker, are inflated, or wait to be taken then. What is
// beyond waits with its client.
const maxInflating = 64

// asideInflaters are those of workers, which hold one until the loop has taken its message.
var asideInflaters = sync.Pool{New: func() any { return new(inflater) }}

// mayInflate tells whether a frame may be taken. When that is the last one of a long message, a place is taken for it,
// which inflateAside needs.
func (c *conn) mayInflate(h *ws.Header) bool {
	if !c.deflates.is(packed) || !h.Fin || !h.OpCode.IsData() {
		return true
	}
	n := int(h.Length)
	if f := c.now().fragments; f != nil {
		n += len(f.b)
	}
	if n <= longDeflated || n > c.maxEnvelope() {
		return true
	}
	select {
	case c.edge.compression.aside <- struct{}{}:
		return true
	default:
		return false
	}
}

// inflateAside has a worker inflate a message that has a place. It takes payload if that is the connection's own, and
// borrows it else.
func (c *conn) inflateAside(payload []byte, own bool) {
	limit := c.maxEnvelope()
	if !own {
		payload = bytes.Clone(payload)
	}
	places := c.edge.compression.aside
	c.edge.inflating.do(func(*worker) { // there is room for all who have a place
		if c.told.has(flagEnded) {
			<-places
			return
		}
		i := asideInflaters.Get().(*inflater)
		done := func() {
			asideInflaters.Put(i)
			<-places
		}
		began := time.Now()
		message, err := i.inflate(payload, limit)
		took := time.Since(began)
		if c.back(func() {
			c.inflatedAside(message, len(payload), err, took)
			done()
		}) != nil {
			done()
		}
	})
	c.deflates.set(inWorker, true)
	c.steer()
}

// inflatedAside goes on with a message that a worker has inflated.
func (c *conn) inflatedAside(message []byte, from int, err error, within time.Duration) {
	c.deflates.set(inWorker, false)
	if c.phase != open {
		return
	}
	s := c.edge.scratch.Get().(*scratch)
	defer c.letGo(s)
	s.now, s.envelopes, s.header.Kind = c.edge.instant(c.turn().Now), 0, lime.KindUnknown
	c.inflated(s, message, from, err, within)
	if c.phase == closing {
		return
	}
	if c.flooding {
		c.pause(s)
	}
	c.noteUnfinished(c.stream() != nil)
	c.socket.HoldAside(c.keeps())
	c.heardAgain(s.now)
	c.steer()
	c.arm()
}
