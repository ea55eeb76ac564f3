// Package floorws is the protocol of package floor, which does as little as can be.
package floorws

import (
	"encoding/binary"
	"fmt"

	"limegrove/loadtest/protocol"
)

// Floor is the protocol.
type Floor struct{}

const headLen = 5 // a letter and a number

// Traits is that of protocol.Protocol.
func (Floor) Traits() protocol.Traits { return protocol.Traits{Name: "floor", Path: "/", Binary: true} }

// AppendLogin is that of protocol.Protocol.
func (Floor) AppendLogin(out []byte, i, step int, in []byte) (grown []byte, taken int, done bool, err error) {
	if step == 0 {
		return appendHead(out, 'i', i), 0, false, nil
	}
	if len(in) != headLen || in[0] != 'i' {
		return out, 0, false, fmt.Errorf("the server says %.300q", in)
	}
	return out, len(in), true, nil
}

// AppendMessage is that of protocol.Protocol.
func (Floor) AppendMessage(out []byte, to int, m *protocol.Message) []byte {
	return append(m.Stamp.Append(appendHead(out, 'm', to)), m.Text...)
}

// AppendJoin is that of protocol.Rooms.
func (Floor) AppendJoin(out []byte, _, room int) []byte { return appendHead(out, 'j', room) }

// AppendPublish is that of protocol.Rooms.
func (Floor) AppendPublish(out []byte, room int, m *protocol.Message) []byte {
	return append(m.Stamp.Append(appendHead(out, 'p', room)), m.Text...)
}

func appendHead(out []byte, letter byte, number int) []byte {
	return binary.BigEndian.AppendUint32(append(out, letter), uint32(number))
}

// Read is that of protocol.Protocol.
func (Floor) Read(in []byte) (e protocol.Event, taken int, err error) {
	var ok bool
	switch {
	case len(in) == headLen && in[0] == 'j':
		e.Kind, ok = protocol.Joined, true
	case len(in) > headLen && (in[0] == 'm' || in[0] == 'p'):
		e.Kind = protocol.Delivered
		e.Stamp, ok = protocol.ParseStamp(in[headLen:])
	}
	if !ok {
		return e, 0, fmt.Errorf("no message: %.300q", in)
	}
	return e, len(in), nil
}
