package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
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

// session is a client's, with no more of WebSocket and LIME than an edge needs to see.
type session struct {
	conn net.Conn
	in   *bufio.Reader
}

// dial connects and upgrades, from one of the loopback's addresses: all ports of one
// would not do for very many sessions.
func dial(edge string, source int, secure bool) (*session, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+source))}
	d := net.Dialer{LocalAddr: from, Timeout: time.Minute, KeepAlive: -1}
	conn, err := d.DialContext(context.Background(), "tcp", edge)
	if err != nil {
		return nil, err
	}
	if secure {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is one of tests
	}
	// It is read until it fails.
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+edge+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: lime\r\n\r\n")
	if err != nil {
		return nil, err
	}
	s := &session{conn, bufio.NewReaderSize(conn, 512)}
	for first := true; ; first = false {
		line, err := s.in.ReadSlice('\n')
		switch {
		case err != nil:
			return nil, fmt.Errorf("upgrade: %w", err)
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 101 ")):
			return nil, fmt.Errorf("upgrade: %q", line)
		case len(line) == len("\r\n"):
			return s, nil
		}
	}
}

// login speaks a guest's login, under a random name, and says that it is available.
func (s *session) login(domain string) error {
	id, err := s.ask(map[string]any{"state": "new"}, "authenticating")
	if err != nil {
		return err
	}
	_, err = s.ask(map[string]any{
		"id": id, "state": "authenticating", "from": guestName() + "@" + domain + "/web",
		"scheme": "guest", "authentication": struct{}{},
	}, "established")
	if err != nil {
		return err
	}
	if err := s.write(opText, []byte(available)); err != nil {
		return err
	}
	if _, payload, err := s.read(); err != nil || !bytes.Contains(payload, []byte(`"success"`)) {
		return fmt.Errorf("its presence is answered by %s, %w", payload, err)
	}
	return s.conn.SetDeadline(time.Time{})
}

const available = `{"id":"p","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"status":"available"}}`

// guestName is a UUID, as by custom.
func guestName() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ask sends a session envelope and wants one of a certain state back.
func (s *session) ask(envelope map[string]any, state string) (id string, err error) {
	text, err := json.Marshal(envelope)
	if err != nil {
		return "", err
	}
	if err := s.write(opText, text); err != nil {
		return "", err
	}
	_, payload, err := s.read()
	if err != nil {
		return "", err
	}
	var answer struct{ ID, State string }
	if err := json.Unmarshal(payload, &answer); err != nil || answer.State != state {
		return "", fmt.Errorf("%s is answered by %s", text, payload)
	}
	return answer.ID, nil
}

// idle answers pings until the connection ends.
func (s *session) idle() {
	defer s.conn.Close()
	for {
		op, payload, err := s.read()
		if err == nil && op == opPing {
			err = s.write(opPong, payload)
		}
		if err != nil || op == opClose {
			return
		}
	}
}

// read reads one frame of the edge's, which are neither masked nor very long here.
func (s *session) read() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(s.in, head[:]); err != nil {
		return 0, nil, err
	}
	length := int(head[1])
	if length == 126 {
		var long [2]byte
		if _, err := io.ReadFull(s.in, long[:]); err != nil {
			return 0, nil, err
		}
		length = int(binary.BigEndian.Uint16(long[:]))
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(s.in, payload)
	return head[0] & 0x0f, payload, err
}

// write writes one frame. Its mask is zero, under which a payload stays as it is.
func (s *session) write(op byte, payload []byte) error {
	const final, masked = 0x80, 0x80
	frame := []byte{final | op}
	if n := len(payload); n < 126 {
		frame = append(frame, masked|byte(n))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, masked|126), uint16(n))
	}
	frame = append(frame, 0, 0, 0, 0)
	_, err := s.conn.Write(append(frame, payload...))
	return err
}
