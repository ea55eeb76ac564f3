package edge

import (
	"limegrove/edge/poll"
	"limegrove/prepared"
)

// form is how envelopes leave for a client that speaks LIME. All with the same one get the same bytes.
type form uint8

const (
	inFrames     form = iota // text frames
	packedFrames             // text frames, compressed where that is of use
	inARow                   // objects back to back
)

// form is that of the connection.
func (c *conn) form() form {
	switch {
	case c.over == overTCP:
		return inARow
	case c.packs:
		return packedFrames
	}
	return inFrames
}

// Hear queues envelopes of a run, which others get as well, as if each was given to Deliver. What one connection
// has made of them, the others of its form take: an envelope is framed, and compressed, once. Occupant.
func (c *conn) Hear(r *prepared.Run, from, to int) (n int, err error) {
	if c.speaks() == nil && r.Shared() {
		return c.hearFrames(c.framed(r), from, to)
	}
	for from+n < to && err == nil {
		if err = c.Deliver(r.Envelope(from + n)); err == nil {
			n++
		}
	}
	return n, err
}

func (c *conn) hearFrames(f *poll.Frames, from, to int) (n int, err error) {
	n, err = c.socket.AppendFrames(f, from, to)
	if n > 0 {
		c.meterSent(n, f.Size(from, from+n))
	}
	return n, ofQueue(err)
}

// framed returns the envelopes of a run as they leave for a client like this one.
func (c *conn) framed(r *prepared.Run) *poll.Frames {
	of := c.form()
	if f, ok := r.Form(of).(*poll.Frames); ok {
		return f
	}
	f := poll.NewFrames(r.Bytes()+maxHead*r.Len(), r.Len())
	for i := range r.Len() {
		var array [maxHead]byte
		head, payload, d := c.message(array[:0], r.Envelope(i))
		f.Add(head, payload)
		c.edge.compression.done(d)
	}
	r.Keep(of, f)
	return f
}
