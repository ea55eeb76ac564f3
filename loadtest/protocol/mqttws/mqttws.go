// Package mqttws is MQTT 3.1.1 over a WebSocket, at quality of service 0, as Mosquitto and others
// speak it. Of higher qualities a server tells a sender no more than a number of 16 bits, and a
// stamp does not fit.
package mqttws

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"limegrove/loadtest/protocol"
)

// MQTT is the protocol. Client i is called i and subscribes to the topic c/i, and who enters
// room r to r/r.
type MQTT struct{}

// Traits is that of protocol.Protocol. MQTT 3.1.1, section 6.
func (MQTT) Traits() protocol.Traits {
	return protocol.Traits{Name: "mqtt", Path: "/mqtt", Subprotocol: "mqtt", Binary: true}
}

// The first bytes of packets. Section 2.2.
const (
	connect     = 0x10
	connack     = 0x20
	publish     = 0x30
	subscribe   = 0x82
	suback      = 0x90
	accepted    = 0 // of connack
	refused     = 0x80
	clean       = 0x02
	version     = 4
	publishMask = 0xf0
)

// AppendLogin is that of protocol.Protocol. A client need not wait for the answer to its
// connect: section 3.1.4.
func (MQTT) AppendLogin(out []byte, i, step int, in []byte) (grown []byte, taken int, done bool, err error) {
	if step == 0 {
		var array [20]byte
		id := strconv.AppendInt(array[:0], int64(i), 10)
		out = appendText(append(out, connect, byte(12+len(id))), "MQTT")
		out = append(out, version, clean, 0, 0) // and no keep-alive
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(id))), id...)
		return appendSubscribe(out, 'c', i), 0, false, nil
	}
	p, taken, err := readPacket(in)
	switch {
	case err != nil || taken == 0:
		return out, taken, false, err
	case p.first == connack && len(p.rest) == 2 && p.rest[1] == accepted:
		return out, taken, false, nil
	case p.isSuback():
		return out, taken, true, nil
	}
	return out, taken, false, fmt.Errorf("the server says %.300q", in)
}

// AppendMessage is that of protocol.Protocol.
func (MQTT) AppendMessage(out []byte, to int, m *protocol.Message) []byte {
	return appendPublish(out, 'c', to, m)
}

// AppendJoin is that of protocol.Rooms.
func (MQTT) AppendJoin(out []byte, _, room int) []byte { return appendSubscribe(out, 'r', room) }

// AppendPublish is that of protocol.Rooms.
func (MQTT) AppendPublish(out []byte, room int, m *protocol.Message) []byte {
	return appendPublish(out, 'r', room, m)
}

// appendSubscribe appends a SUBSCRIBE packet. Section 3.8.
func appendSubscribe(out []byte, kind byte, number int) []byte {
	var array [24]byte
	topic := appendTopic(array[:0], kind, number)
	out = append(out, subscribe, byte(5+len(topic)), 0, 1) // the packet's number
	out = append(binary.BigEndian.AppendUint16(out, uint16(len(topic))), topic...)
	return append(out, 0)
}

// appendPublish appends a PUBLISH packet. Section 3.3.
func appendPublish(out []byte, kind byte, number int, m *protocol.Message) []byte {
	var array [24]byte
	topic := appendTopic(array[:0], kind, number)
	out = binary.AppendUvarint(append(out, publish), uint64(2+len(topic)+protocol.StampLen+len(m.Text)))
	out = append(binary.BigEndian.AppendUint16(out, uint16(len(topic))), topic...)
	return append(m.Stamp.Append(out), m.Text...)
}

func appendTopic(out []byte, kind byte, number int) []byte {
	return strconv.AppendInt(append(out, kind, '/'), int64(number), 10)
}

func appendText(out []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint16(out, uint16(len(text))), text...)
}

// Read is that of protocol.Protocol.
func (MQTT) Read(in []byte) (e protocol.Event, taken int, err error) {
	p, taken, err := readPacket(in)
	switch {
	case err != nil || taken == 0:
		return e, taken, err
	case p.isSuback():
		e.Kind = protocol.Joined
		return e, taken, nil
	case p.first&publishMask == publish && len(p.rest) >= 2:
		var ok bool
		if topic := 2 + int(binary.BigEndian.Uint16(p.rest)); topic <= len(p.rest) {
			e.Stamp, ok = protocol.ParseStamp(p.rest[topic:])
		}
		if ok {
			e.Kind = protocol.Delivered
			return e, taken, nil
		}
	}
	return e, 0, fmt.Errorf("an unknown packet: %.300q", in[:taken])
}

// packet is one of MQTT's. Section 2.
type packet struct {
	first byte
	rest  []byte
}

// isSuback tells whether it is a SUBACK that grants the subscription. Section 3.9.
func (p *packet) isSuback() bool {
	return p.first == suback && len(p.rest) == 3 && p.rest[2] < refused
}

// readPacket reads the first packet of in, and says how long it is: 0 when it is not whole.
// A remaining length is written as a varint of 4 bytes at most. Section 2.2.3.
func readPacket(in []byte) (p packet, n int, err error) {
	if len(in) < 2 {
		return p, 0, nil
	}
	length, size := binary.Uvarint(in[1:min(len(in), 5)])
	switch {
	case size == 0 && len(in) >= 5, size < 0:
		return p, 0, fmt.Errorf("no length: %.300q", in)
	case size == 0, uint64(len(in)-1-size) < length:
		return p, 0, nil
	}
	n = 1 + size + int(length)
	return packet{first: in[0], rest: in[1+size : n]}, n, nil
}
