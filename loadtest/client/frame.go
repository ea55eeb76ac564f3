package client

import (
	"encoding/binary"
	"errors"

	"github.com/gobwas/ws"
)

// maxFrame is far beyond what these clients are sent, and below poll.Config.MaxUnread.
const maxFrame = 1 << 19

var errFrame = errors.New("a frame that no server may send, or that is too long")

// frame is one that a server has sent. RFC 6455, section 5.2.
type frame struct {
	op         ws.OpCode
	final      bool
	compressed bool
	payload    []byte
}

// readFrame reads the frame at the beginning of b, and says how long it is; need is how much
// must be there when it is not whole.
func readFrame(b []byte) (f frame, n, need int, err error) {
	if len(b) < 2 {
		return f, 0, 2, nil
	}
	head, length := 2, uint64(b[1])
	switch length {
	case 126:
		if head = 4; len(b) >= head {
			length = uint64(binary.BigEndian.Uint16(b[2:]))
		}
	case 127:
		if head = 10; len(b) >= head {
			length = binary.BigEndian.Uint64(b[2:])
		}
	}
	if len(b) < head {
		return f, 0, head, nil
	}
	// A server masks nothing, and agrees to no extension but compression.
	if b[0]&0x30 != 0 || b[1]&0x80 != 0 || length > maxFrame {
		return f, 0, 0, errFrame
	}
	n = head + int(length)
	if len(b) < n {
		return f, 0, n, nil
	}
	return frame{op: ws.OpCode(b[0] & 0x0f), final: b[0]&0x80 != 0, compressed: b[0]&0x40 != 0, payload: b[head:n]}, n, 0, nil
}

// headroom is the longest head of a client's frame.
const headroom = 14

// mask is the same for all frames: these clients have nothing to hide from a cache.
var mask = [4]byte{0x1e, 0x57, 0x90, 0xc3}

// frameInPlace makes the payload b[headroom:] a client's frame, in place, and returns it.
func frameInPlace(b []byte, op ws.OpCode) []byte {
	const final, masked = 0x80, 0x80
	payload := b[headroom:]
	ws.Cipher(payload, mask, 0)
	copy(b[headroom-len(mask):], mask[:])
	start := headroom - len(mask)
	switch n := len(payload); {
	case n < 126:
		start--
		b[start] = masked | byte(n)
	case n <= 0xffff:
		start -= 3
		b[start] = masked | 126
		binary.BigEndian.PutUint16(b[start+1:], uint16(n))
	default:
		start -= 9
		b[start] = masked | 127
		binary.BigEndian.PutUint64(b[start+1:], uint64(n))
	}
	start--
	b[start] = final | byte(op)
	return b[start:]
}

// Frame is a payload as a client's frame of text.
func Frame(payload []byte) []byte {
	return frameInPlace(append(make([]byte, headroom), payload...), ws.OpText)
}
