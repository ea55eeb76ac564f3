package floor

import (
	"encoding/binary"
	"errors"

	"github.com/gobwas/ws"
)

const (
	opBinary = ws.OpBinary
	maxHead  = 10
	maxFrame = 1 << 19 // below poll.Config.MaxUnread
)

var errFrame = errors.New("a frame that no client may send, or that is too long")

// frame is one that a client has sent. RFC 6455, section 5.2.
type frame struct {
	op      ws.OpCode
	payload []byte // unmasked, in place
}

// readFrame reads the frame at the beginning of b, and says how long it is; need is how much
// must be there when it is not whole. Messages in several frames are refused.
func readFrame(b []byte) (f frame, n, need int, err error) {
	const maskLen = 4
	if len(b) < 2 {
		return f, 0, 2, nil
	}
	head, length := 2, uint64(b[1]&0x7f)
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
	head += maskLen
	if len(b) < head {
		return f, 0, head, nil
	}
	final, reserved, masked := b[0]&0x80 != 0, b[0]&0x70 != 0, b[1]&0x80 != 0
	if !final || reserved || !masked || length > maxFrame {
		return f, 0, 0, errFrame
	}
	n = head + int(length)
	if len(b) < n {
		return f, 0, n, nil
	}
	f = frame{op: ws.OpCode(b[0] & 0x0f), payload: b[head:n]}
	ws.Cipher(f.payload, [maskLen]byte(b[head-maskLen:head]), 0)
	return f, n, 0, nil
}

// appendHead appends the head of a final, unmasked frame.
func appendHead(dst []byte, op ws.OpCode, n int) []byte {
	dst = append(dst, 0x80|byte(op))
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
}
