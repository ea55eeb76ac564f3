package client

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/gobwas/ws"
)

// frames reads WebSocket frames. What it returns is the payload of the data frames alone,
// as if it were one stream; control frames go to control in their place.
type frames struct {
	in *bufio.Reader

	// control takes a ping, a pong or a close, and borrows its payload. It is called by who
	// reads, after everything that came before the frame was returned.
	control func(op ws.OpCode, payload []byte) error

	state ws.State
	rest  int64 // of the data frame that is being read
	buf   [ws.MaxControlFramePayloadSize]byte
}

func newFrames(in *bufio.Reader) *frames {
	return &frames{in: in, state: ws.StateClientSide}
}

// Read: io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	for f.rest == 0 {
		h, err := ws.ReadHeaderBuffer(f.in, f.buf[:])
		if err == nil {
			err = checkHead(h, f.state)
		}
		if err != nil {
			return 0, err
		}
		if h.OpCode.IsControl() {
			payload := f.buf[:h.Length]
			if _, err := io.ReadFull(f.in, payload); err != nil {
				return 0, err
			}
			if err := f.control(h.OpCode, payload); err != nil {
				return 0, err
			}
			continue
		}
		f.rest = h.Length
		if h.Fin {
			f.state = f.state.Clear(ws.StateFragmented)
		} else {
			f.state = f.state.Set(ws.StateFragmented)
		}
	}
	n, err := f.in.Read(p[:min(int64(len(p)), f.rest)])
	f.rest -= int64(n)
	return n, err
}

func checkHead(h ws.Header, state ws.State) error {
	err := ws.CheckHeader(h, state)
	if err == nil && h.Length < 0 {
		err = ws.ErrHeaderLengthMSB
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return nil
}

// appendFrame appends a final frame with a mask of its own. It borrows payload.
func appendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	const final, masked = 0x80, 0x80 // RFC 6455, section 5.2
	dst = append(dst, final|byte(op))
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, masked|127), uint64(n))
	}
	// Nobody foresees it: RFC 6455, section 5.3. These numbers come from ChaCha8.
	var mask [4]byte
	binary.LittleEndian.PutUint32(mask[:], rand.Uint32())
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	ws.Cipher(dst[start:], mask, 0)
	return dst
}
