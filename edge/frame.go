package edge

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

const (
	// maxFrame is what the least of LIME's clients take as one frame: L-TRN-03.
	maxFrame = 1 << 20
	// maxHead is the length of the longest head of a frame that is not masked.
	maxHead = 10
	// maxCloseCode is the last code that there is. RFC 6455, section 7.4.2.
	maxCloseCode = 4999
)

// appendHead appends the head of a final, unmasked frame. RFC 6455, section 5.2.
func appendHead(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case n <= 125:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
}

// parseHead reads the head of a frame. n is its length, 0 while it is not there in
// full. RFC 6455, section 5.2.
func parseHead(b []byte) (h ws.Header, n int) {
	if len(b) < 2 {
		return h, 0
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] >> 4 & 7
	h.OpCode = ws.OpCode(b[0] & 0xf)
	h.Masked = b[1]&0x80 != 0
	h.Length = int64(b[1] & 0x7f)
	n = 2
	switch h.Length {
	case 126:
		if len(b) < n+2 {
			return h, 0
		}
		h.Length = int64(binary.BigEndian.Uint16(b[n:]))
		n += 2
	case 127:
		if len(b) < n+8 {
			return h, 0
		}
		// The top bit must be 0; as a negative length it is refused as such.
		h.Length = int64(binary.BigEndian.Uint64(b[n:]))
		n += 8
	}
	if h.Masked {
		if len(b) < n+len(h.Mask) {
			return h, 0
		}
		n += copy(h.Mask[:], b[n:])
	}
	return h, n
}

// frame takes the first frame in b, which it unmasks in place. It returns how many
// bytes it has read, 0 when the frame is not there in full or has to wait, and then how many that
// takes. What has to wait of a frame that was begun is a frame, too: leave.
func (c *conn) frame(s *scratch, b []byte) (n, need int) {
	h, n := parseHead(b)
	if n == 0 {
		return 0, 0
	}
	if why, code := c.checkHead(&h); why != "" {
		c.session.malformed(why, code)
		return n, 0
	}
	end := n + int(h.Length)
	if len(b) < end {
		return 0, end
	}
	if !c.affords(s, int(h.Length)) {
		return 0, end
	}
	if !c.mayInflate(&h) {
		c.flooding = true
		return 0, end
	}
	payload := b[n:end]
	if h.Mask != [4]byte{} { // as that of what was left has
		ws.Cipher(payload, h.Mask, 0)
	}
	switch h.OpCode {
	case ws.OpPing:
		c.pong(s, payload)
	case ws.OpPong:
		c.ponged(payload)
	case ws.OpClose:
		c.peerCloses(payload)
	default:
		var left []byte
		if c.deflates.is(packed) {
			c.compressed(s, h.Fin, payload)
		} else {
			left = c.take(s, h.OpCode, h.Fin, payload)
		}
		if len(left) > 0 {
			return end - leave(b[:end], h, len(left)), 0
		}
		c.frames = c.frames.Set(ws.StateFragmented)
		if h.Fin {
			c.frames = c.frames.Clear(ws.StateFragmented)
		}
	}
	return end, 0
}

// take takes the payload of a frame with data, or what it was before it was compressed. It returns what is left of it
// for later.
func (c *conn) take(s *scratch, op ws.OpCode, fin bool, payload []byte) (left []byte) {
	if c.speaks() != nil {
		c.dialectMessage(s, op, fin, payload)
		return nil
	}
	return c.payload(s, payload)
}

// leave makes the last n bytes of a frame's payload, which is unmasked, a frame with a head like that frame's, which it
// puts before them: there is room, since the head of the longer frame was there. It returns how long that frame is.
func leave(frame []byte, h ws.Header, n int) (length int) {
	var array [maxHead + len(h.Mask)]byte
	head := appendHead(array[:0], h.OpCode, n)
	if !h.Fin {
		head[0] &^= 0x80
	}
	head[1] |= 0x80
	head = append(head, 0, 0, 0, 0) // a mask that changes nothing
	length = len(head) + n
	copy(frame[len(frame)-length:], head)
	return length
}

// checkHead holds a frame's head against RFC 6455 and our limits; why is empty when
// it may pass.
func (c *conn) checkHead(h *ws.Header) (why string, code ws.StatusCode) {
	if h.Length < 0 {
		return "The frame's length is negative", ws.StatusProtocolError
	}
	if c.packs && c.deflates.mark(h) != nil {
		return "A frame that is not a message's first is marked as compressed", ws.StatusProtocolError
	}
	// Checks reserved bits and codes, control frames, the mask and the order of
	// fragments: sections 5.2, 5.4 and 5.5.
	if err := ws.CheckHeader(*h, c.frames|ws.StateServerSide); err != nil {
		return fmt.Sprintf("The frame breaks the WebSocket protocol: %v", err), ws.StatusProtocolError
	}
	if h.OpCode == ws.OpBinary && c.speaks() == nil { // L-TRN-05
		return "Envelopes are text; a binary frame cannot be taken", ws.StatusUnsupportedData
	}
	if limit := c.maxEnvelope(); h.Length > int64(limit) && h.OpCode.IsData() { // L-TRN-08
		return tooLong(limit), ws.StatusMessageTooBig
	}
	return "", 0
}

// maxStranger is the longest envelope of a client that is not known yet. Credentials
// fit, and strangers cost little memory.
const maxStranger = 16 << 10

// maxEnvelope is the longest envelope that the client may send now.
func (c *conn) maxEnvelope() int {
	most := c.session.rules.maxEnvelope // which stays while what has come is taken
	if c.session.state != lime.StateEstablished {
		return min(maxStranger, most)
	}
	return most
}

func tooLong(limit int) string {
	return fmt.Sprintf("The envelope is longer than %d bytes", limit)
}

// pong answers a ping. A client that pings faster than it may send envelopes gets
// no answer to some: only the last one has to be. RFC 6455, section 5.5.3.
func (c *conn) pong(s *scratch, payload []byte) {
	s.envelopes++ // or as good as one
	if !c.session.envelopes.take(s.now, 1, c.edge.cfg.Load().EnvelopeRate) {
		return
	}
	// When there is no room, the client has more than a pong to read.
	_ = c.queueControl(ws.OpPong, payload)
}

// queueControl queues a control frame, from the connection's loop.
func (c *conn) queueControl(op ws.OpCode, payload []byte) error {
	var array [maxHead]byte
	return c.queue(appendHead(array[:0], op, len(payload)), payload)
}

// peerCloses answers a close frame, which ends the session like a finish that was
// not asked for: L-FIN-04. RFC 6455, section 5.5.1.
func (c *conn) peerCloses(payload []byte) {
	code := ws.StatusNormalClosure
	if len(payload) > 0 {
		given, why := ws.ParseCloseFrameDataUnsafe(payload)
		if len(payload) == 1 || given > maxCloseCode || ws.CheckCloseFrameData(given, why) != nil || !utf8.ValidString(why) {
			code = ws.StatusProtocolError
		} else {
			code = given
		}
	}
	c.session.lost()
	c.end(nil, code)
}
