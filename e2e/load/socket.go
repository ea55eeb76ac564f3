package load

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// socket is a client's WebSocket, with no more of it than an edge needs to see. One
// goroutine reads; any may write, each write being whole frames.
type socket struct {
	conn net.Conn

	// Owned by who reads.
	in   []byte // what was read and not looked at: in[from:to]
	from int
	to   int
}

// sources is how many addresses of the loopback network clients connect from: all ports
// of one would not do for those that come and go.
const sources = 16

// dialPatience bounds a connection's beginning, from the first packet to the upgrade.
const dialPatience = 30 * time.Second

// dial connects the i-th client, and upgrades.
func dial(ctx context.Context, edge string, i int) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+i%sources))}, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", edge)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: make([]byte, 2048)}
	if err := s.upgrade(edge); err != nil {
		conn.Close()
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	return s, nil
}

func (s *socket) upgrade(edge string) error {
	if err := s.conn.SetDeadline(time.Now().Add(dialPatience)); err != nil {
		return err
	}
	_, err := io.WriteString(s.conn, "GET / HTTP/1.1\r\nHost: "+edge+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: lime\r\n\r\n")
	if err != nil {
		return err
	}
	for {
		head := s.in[:s.to]
		if end := bytes.Index(head, []byte("\r\n\r\n")); end >= 0 {
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
				return fmt.Errorf("answered by %.100q", head)
			}
			s.from = end + 4
			return nil
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// maxFrame is far beyond what these clients are sent.
const maxFrame = 1 << 20

// fill reads more, behind what is there.
func (s *socket) fill() error {
	if s.from > 0 {
		s.to = copy(s.in, s.in[s.from:s.to])
		s.from = 0
	}
	if s.to == len(s.in) {
		if len(s.in) >= maxFrame {
			return errors.New("a frame that is too long")
		}
		s.in = append(s.in, make([]byte, len(s.in))...)
	}
	n, err := s.conn.Read(s.in[s.to:])
	s.to += n
	if n > 0 {
		return nil
	}
	return err
}

// next returns the next frame of what was read, without its head. ok is false when it is
// not there yet. The payload is valid until fill.
func (s *socket) next() (op byte, payload []byte, ok bool) {
	b := s.in[s.from:s.to]
	if len(b) < 2 {
		return 0, nil, false
	}
	head, length := 2, int(b[1])
	switch length {
	case 126:
		if len(b) < 4 {
			return 0, nil, false
		}
		head, length = 4, int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if len(b) < 10 {
			return 0, nil, false
		}
		head, length = 10, int(min(binary.BigEndian.Uint64(b[2:]), maxFrame))
	}
	if len(b) < head+length {
		return 0, nil, false
	}
	s.from += head + length
	return b[0] & 0x0f, b[head : head+length], true
}

// read waits for the next text, which is valid until the next call. Pings that come
// before it are answered.
func (s *socket) read() ([]byte, error) {
	for {
		op, payload, ok := s.next()
		switch {
		case !ok:
			if err := s.fill(); err != nil {
				return nil, err
			}
		case op == opText:
			return payload, nil
		case op == opClose:
			return nil, fmt.Errorf("closed: %w", io.EOF)
		case op == opPing:
			if err := s.write(appendFrame(nil, opPong, payload)); err != nil {
				return nil, err
			}
		}
	}
}

func (s *socket) write(frames []byte) error {
	_, err := s.conn.Write(frames)
	return err
}

// mask is the same for all frames: these clients have nothing to hide from a cache.
var mask = [4]byte{0x1e, 0x57, 0x90, 0xc3}

// appendFrame appends a client's frame. It borrows payload.
func appendFrame(to []byte, op byte, payload []byte) []byte {
	const final, masked = 0x80, 0x80
	to = append(to, final|op)
	if n := len(payload); n < 126 {
		to = append(to, masked|byte(n))
	} else {
		to = binary.BigEndian.AppendUint16(append(to, masked|126), uint16(n))
	}
	to = append(to, mask[:]...)
	start := len(to)
	to = append(to, payload...)
	for i := range payload {
		to[start+i] ^= mask[i%4]
	}
	return to
}
