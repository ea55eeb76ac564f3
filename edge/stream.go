package edge

import (
	"errors"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

// stream holds an envelope that is half sent. Clients are meant to send one
// envelope a message, but one of them splits and joins them as its buffers fall
// (L-TRN-04), so that messages and fragments are read as one stream of objects.
type stream struct {
	split lime.Splitter
	held  []byte
}

// stream is what is half sent, or nil.
func (c *conn) stream() *stream {
	if c.passing == nil {
		return nil
	}
	return c.passing.stream
}

// dropStream says that nothing is.
func (c *conn) dropStream() {
	if c.passing != nil {
		c.passing.stream = nil
		c.passes()
	}
}

// payload takes the next part of the client's stream: a whole message mostly, and
// one envelope in it. It returns what is left, the end of b, when the client is to be read no
// further for now.
func (c *conn) payload(s *scratch, b []byte) (left []byte) {
	for len(b) > 0 && c.phase == open && c.securing == asItIs && (s.whole || !c.stops(s)) {
		if c.stream() != nil {
			b = c.resume(s, b)
			continue
		}
		n, err := s.header.Scan(b)
		switch {
		case err == nil && s.header.Size > c.maxEnvelope():
			c.session.malformed(tooLong(c.maxEnvelope()), ws.StatusMessageTooBig)
		case err == nil:
			c.finished() // of the message that it is in
			s.note()
			s.envelopes++
			c.session.envelope(s, b[:n])
			b = b[n:]
		case errors.Is(err, lime.ErrNone): // white space, L-TRN-06, is read as well
			if !c.session.bytes.take(s.now, len(b), c.edge.cfg.Load().ByteRate) {
				c.flooding = true
			}
			return nil
		case errors.Is(err, lime.ErrShort):
			c.begins().stream = new(stream)
		default:
			c.malformed(b, err)
		}
	}
	return b
}

// resume adds to the envelope that is half sent, and takes it when it is whole. It
// returns what is left of b.
func (c *conn) resume(s *scratch, b []byte) []byte {
	t := c.stream()
	n, whole, err := t.split.Next(b)
	if err != nil {
		c.malformed(b, err)
		return nil
	}
	if len(t.held)+n > c.maxEnvelope() {
		c.session.malformed(tooLong(c.maxEnvelope()), ws.StatusMessageTooBig)
		return nil
	}
	t.held = append(t.held, b[:n]...)
	if !whole {
		return nil
	}
	c.dropStream()
	c.finished()
	if _, err := s.header.Scan(t.held); err != nil {
		c.malformed(t.held, err)
		return nil
	}
	s.note()
	s.envelopes++
	c.session.envelope(s, t.held)
	return b[n:]
}

// malformed ends the session because of bytes that are no envelope: L-TRN-13.
func (c *conn) malformed(b []byte, err error) {
	code := ws.StatusNormalClosure
	if !utf8.Valid(b) { // RFC 6455, section 8.1
		code = ws.StatusInvalidFramePayloadData
	}
	c.session.malformed(err.Error(), code)
}
