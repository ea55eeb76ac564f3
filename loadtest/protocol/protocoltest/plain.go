// Package protocoltest is a protocol as simple as can be, and a server of it that lies when it is
// told to: what counts messages is held against it.
package protocoltest

import (
	"bytes"
	"fmt"
	"strconv"

	"limegrove/loadtest/protocol"
)

// Plain is the protocol: words with spaces between them. A client says "hello NUMBER" and is told
// "welcome"; then it says "to NUMBER STAMP" for a message, and the other one is told "got STAMP".
// "keep NUMBER STAMP" is answered by "kept STAMP" besides. "join ROOM" is answered by "joined", and
// what is said "all ROOM STAMP" is got by those who have. "ask" is
// answered by "answer".
type Plain struct{}

// Traits is that of protocol.Protocol.
func (Plain) Traits() protocol.Traits {
	return protocol.Traits{Name: "plain", Path: "/plain", Subprotocol: "plain"}
}

// AppendLogin is that of protocol.Protocol.
func (Plain) AppendLogin(out []byte, i, step int, in []byte) (grown []byte, taken int, done bool, err error) {
	switch {
	case step == 0:
		return fmt.Appendf(out, "hello %d", i), 0, false, nil
	case string(in) == "welcome":
		return out, len(in), true, nil
	case string(in) == "busy":
		return out, len(in), false, protocol.ErrBusy
	}
	return out, 0, false, fmt.Errorf("no welcome but %q", in)
}

// AppendMessage is that of protocol.Protocol.
func (Plain) AppendMessage(out []byte, to int, m *protocol.Message) []byte {
	return say(out, "to ", to, m)
}

// AppendKept is that of protocol.Keeper.
func (Plain) AppendKept(out []byte, to int, m *protocol.Message) []byte {
	return say(out, "keep ", to, m)
}

// AppendReceipt is that of protocol.Keeper.
func (Plain) AppendReceipt(out []byte, to int, s protocol.Stamp) []byte {
	return s.Append(append(strconv.AppendInt(append(out, "read "...), int64(to), 10), ' '))
}

// AppendCommand is that of protocol.Commander.
func (Plain) AppendCommand(out []byte) []byte { return append(out, "ask"...) }

// AppendJoin is that of protocol.Rooms.
func (Plain) AppendJoin(out []byte, _, room int) []byte { return fmt.Appendf(out, "join %d", room) }

// AppendPublish is that of protocol.Rooms.
func (Plain) AppendPublish(out []byte, room int, m *protocol.Message) []byte {
	return say(out, "all ", room, m)
}

func say(out []byte, word string, to int, m *protocol.Message) []byte {
	out = strconv.AppendInt(append(out, word...), int64(to), 10)
	return append(m.Stamp.Append(append(out, ' ')), m.Text...)
}

// Read is that of protocol.Protocol.
func (Plain) Read(in []byte) (e protocol.Event, taken int, err error) {
	word, text, _ := bytes.Cut(in, []byte{' '})
	switch string(word) {
	case "got":
		e.Kind = protocol.Delivered
	case "kept":
		e.Kind = protocol.Accepted
	case "read":
		e.Kind = protocol.Received
	case "answer":
		e.Kind = protocol.Answered
		return e, len(in), nil
	case "joined":
		e.Kind = protocol.Joined
		return e, len(in), nil
	case "bye":
		e.Kind = protocol.Ended
		return e, len(in), nil
	default:
		return e, 0, fmt.Errorf("an unknown word: %q", in)
	}
	var ok bool
	if e.Stamp, ok = protocol.ParseStamp(text); !ok {
		return e, 0, fmt.Errorf("no stamp: %q", in)
	}
	return e, len(in), nil
}
