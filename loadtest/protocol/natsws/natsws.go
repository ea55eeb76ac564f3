// Package natsws is the protocol of NATS over a WebSocket, as a nats-server with a websocket
// listener speaks it: what an application gets that has its clients talk to the broker itself.
package natsws

import (
	"bytes"
	"fmt"
	"strconv"

	"limegrove/loadtest/protocol"
)

// NATS is the protocol. Client i subscribes to the subject c.i, and who enters room r to r.r.
type NATS struct{}

// Traits is that of protocol.Protocol.
func (NATS) Traits() protocol.Traits { return protocol.Traits{Name: "nats", Path: "/", Binary: true} }

// connect asks for nothing but messages: no +OK for each, and no word when nobody hears one.
const connect = `CONNECT {"verbose":false,"pedantic":false,"lang":"swarm","version":"1","protocol":1}` + "\r\n"

// AppendLogin is that of protocol.Protocol. The server answers the PING when it has done what was
// said before it.
func (NATS) AppendLogin(out []byte, i, step int, in []byte) (grown []byte, taken int, done bool, err error) {
	if step == 0 {
		out = appendSubject(append(out, connect+"SUB "...), 'c', i)
		return append(out, " 1\r\nPING\r\n"...), 0, false, nil
	}
	line, taken := firstLine(in)
	switch {
	case taken == 0, bytes.HasPrefix(line, []byte("INFO ")):
		return out, taken, false, nil
	case string(line) == "PONG":
		return out, taken, true, nil
	}
	return out, taken, false, fmt.Errorf("the server says %.300q", line)
}

// AppendMessage is that of protocol.Protocol.
func (NATS) AppendMessage(out []byte, to int, m *protocol.Message) []byte {
	return appendPub(out, 'c', to, m)
}

// AppendJoin is that of protocol.Rooms. A PONG tells that the client is in the room.
func (NATS) AppendJoin(out []byte, _, room int) []byte {
	out = appendSubject(append(out, "SUB "...), 'r', room)
	return append(out, " 2\r\nPING\r\n"...)
}

// AppendPublish is that of protocol.Rooms.
func (NATS) AppendPublish(out []byte, room int, m *protocol.Message) []byte {
	return appendPub(out, 'r', room, m)
}

func appendPub(out []byte, kind byte, number int, m *protocol.Message) []byte {
	out = appendSubject(append(out, "PUB "...), kind, number)
	out = strconv.AppendInt(append(out, ' '), int64(protocol.StampLen+len(m.Text)), 10)
	out = m.Stamp.Append(append(out, "\r\n"...))
	out = append(out, m.Text...)
	return append(out, "\r\n"...)
}

func appendSubject(out []byte, kind byte, number int) []byte {
	return strconv.AppendInt(append(out, kind, '.'), int64(number), 10)
}

var pong = []byte("PONG\r\n")

// Read is that of protocol.Protocol.
func (NATS) Read(in []byte) (e protocol.Event, taken int, err error) {
	line, taken := firstLine(in)
	if taken == 0 {
		return e, 0, nil
	}
	switch word, rest, _ := bytes.Cut(line, []byte{' '}); string(word) {
	case "MSG":
		return readMessage(in, line, taken)
	case "PING":
		e.Answer = pong
	case "PONG":
		e.Kind = protocol.Joined // only who enters a room asks for one
	case "INFO", "+OK":
	case "-ERR":
		e.Kind, e.Reason = protocol.Ended, rest
	default:
		return e, 0, fmt.Errorf("an unknown word: %.300q", line)
	}
	return e, taken, nil
}

// readMessage reads what the line of a MSG announces, which ends at payload.
func readMessage(in, line []byte, payload int) (e protocol.Event, taken int, err error) {
	size, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
	if err != nil || size < 0 {
		return e, 0, fmt.Errorf("no size: %.300q", line)
	}
	if taken = payload + size + len("\r\n"); len(in) < taken {
		return e, 0, nil
	}
	var ok bool
	if e.Stamp, ok = protocol.ParseStamp(in[payload : payload+size]); !ok {
		return e, 0, fmt.Errorf("no stamp: %.300q", in[:taken])
	}
	e.Kind = protocol.Delivered
	return e, taken, nil
}

// firstLine is the first line of in, without its end, and how long it is with it: 0 when it is
// not whole.
func firstLine(in []byte) (line []byte, n int) {
	end := bytes.Index(in, []byte("\r\n"))
	if end < 0 {
		return nil, 0
	}
	return in[:end], end + 2
}
