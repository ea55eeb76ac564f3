package edge

import (
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"
)

// deflates is how the message that a client sends is compressed.
type deflates uint8

const (
	packed   deflates = 1 << iota // it is
	inBinary                      // its first frame was a binary one
	inWorker                      // a worker inflates it, and what comes next waits
)

func (d deflates) is(what deflates) bool { return d&what != 0 }

func (d *deflates) set(what deflates, on bool) {
	if *d &^= what; on {
		*d |= what
	}
}

// mark takes the bit of compression out of a frame's head, and notes it. The error says that the frame may not have it.
// RFC 7692, section 6.
func (d *deflates) mark(h *ws.Header) (err error) {
	var m wsflate.MessageState
	m.SetCompressed(d.is(packed))
	*h, err = m.UnsetBits(*h)
	d.set(packed, m.IsCompressed())
	if h.OpCode == ws.OpText || h.OpCode == ws.OpBinary {
		d.set(inBinary, h.OpCode == ws.OpBinary)
	}
	return err
}

// op is that of the message's first frame.
func (d deflates) op() ws.OpCode {
	if d.is(inBinary) {
		return ws.OpBinary
	}
	return ws.OpText
}
