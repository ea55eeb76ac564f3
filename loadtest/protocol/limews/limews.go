// Package limews is LIME over a WebSocket, as guests speak it.
package limews

import (
	"bytes"
	"fmt"
	"strconv"

	"limegrove/loadtest/protocol"
)

// LIME is the protocol. Clients are guests c0, c1, … of one domain, each with the same instance.
type LIME struct {
	// Domain is that of all clients.
	Domain string
	// Silent clients do not set their presence: they are reached at their addresses all the same.
	Silent bool
}

const instance = "swarm"

// The steps of a login: what has come then.
const (
	stepOpen          = iota // nothing
	stepNegotiated           // authenticating
	stepAuthenticated        // established
	stepAvailable            // the answer to the presence
)

// Traits is that of protocol.Protocol.
func (l *LIME) Traits() protocol.Traits {
	return protocol.Traits{Name: "lime", Path: "/", Subprotocol: "lime"}
}

// AppendLogin is that of protocol.Protocol.
func (l *LIME) AppendLogin(out []byte, i, step int, in []byte) (grown []byte, taken int, done bool, err error) {
	switch {
	case step == stepOpen:
		return append(out, `{"state":"new"}`...), 0, false, nil
	case step == stepNegotiated && bytes.Contains(in, []byte(`"state":"authenticating"`)):
		out = append(out, `{"id":"`...)
		out = append(out, after(in, `"id":"`)...)
		out = append(out, `","from":"`...)
		out = append(l.appendIdentity(out, i), `/`+instance+`","state":"authenticating","scheme":"guest","authentication":{}}`...)
		return out, len(in), false, nil
	case step == stepAuthenticated && bytes.Contains(in, []byte(`"state":"established"`)):
		if l.Silent {
			return out, len(in), true, nil
		}
		out = append(out, `{"id":"presence","method":"set","uri":"/presence","type":"application/vnd.lime.presence+json","resource":{"status":"available"}}`...)
		return out, len(in), false, nil
	case step == stepAvailable && bytes.Contains(in, []byte(`"status":"success"`)):
		return out, len(in), true, nil
	case step == stepAvailable && !bytes.Contains(in, []byte(`"status":`)):
		return out, len(in), false, nil // something else has come before the answer
	}
	return out, len(in), false, refusal(in)
}

// busy is LIME's reason for those who may come back.
const busy = 11 // general: the server is busy

// refusal is why a login went no further.
func refusal(in []byte) error {
	err := fmt.Errorf("the server says %.300s", in)
	if code, _ := strconv.Atoi(string(digits(after(in, `"code":`)))); code == busy {
		return fmt.Errorf("%w: %w", protocol.ErrBusy, err)
	}
	return err
}

// AppendMessage is that of protocol.Protocol. It has no id, so that it is transient.
func (l *LIME) AppendMessage(out []byte, to int, m *protocol.Message) []byte {
	out = l.appendIdentity(append(out, `{"to":"`...), to)
	return appendContent(out, m)
}

// AppendKept is that of protocol.Keeper. The stamp is the id, as long as those that clients use.
func (l *LIME) AppendKept(out []byte, to int, m *protocol.Message) []byte {
	out = m.Stamp.Append(append(out, `{"id":"`...))
	out = l.appendIdentity(append(out, `","to":"`...), to)
	return appendText(out, m.Text)
}

// AppendReceipt is that of protocol.Keeper.
func (l *LIME) AppendReceipt(out []byte, to int, s protocol.Stamp) []byte {
	out = s.Append(append(out, `{"id":"`...))
	out = l.appendIdentity(append(out, `","to":"`...), to)
	return append(out, `/`+instance+`","event":"received"}`...)
}

// Rooms are paths below this one, by number.
const Rooms = "/swarm"

// AppendJoin is that of protocol.Rooms.
func (l *LIME) AppendJoin(out []byte, _, room int) []byte {
	out = append(out, `{"id":"join","method":"subscribe","uri":"/rooms`+Rooms+`/`...)
	out = strconv.AppendInt(out, int64(room), 10)
	return append(out, `"}`...)
}

// AppendPublish is that of protocol.Rooms.
func (l *LIME) AppendPublish(out []byte, room int, m *protocol.Message) []byte {
	return appendContent(l.appendRoom(append(out, '{'), room), m)
}

// AppendPublishKept is that of protocol.RoomKeeper.
func (l *LIME) AppendPublishKept(out []byte, room int, m *protocol.Message) []byte {
	out = append(m.Stamp.Append(append(out, `{"id":"`...)), `",`...)
	return appendText(l.appendRoom(out, room), m.Text)
}

// AppendCommand is that of protocol.Commander.
func (l *LIME) AppendCommand(out []byte) []byte {
	return append(out, `{"id":"ask","method":"get","uri":"/presence"}`...)
}

// appendRoom says that a message is to a room, whose name in an address has its slashes escaped.
func (l *LIME) appendRoom(out []byte, room int) []byte {
	out = strconv.AppendInt(append(out, `"to":"%2fswarm%2f`...), int64(room), 10)
	return append(append(out, `@rooms.`...), l.Domain...)
}

func (l *LIME) appendIdentity(out []byte, i int) []byte {
	out = strconv.AppendInt(append(out, 'c'), int64(i), 10)
	return append(append(out, '@'), l.Domain...)
}

// appendContent ends a message whose stamp is in its content.
func appendContent(out []byte, m *protocol.Message) []byte {
	out = append(out, `","type":"text/plain","content":"`...)
	out = m.Stamp.Append(out)
	out = append(out, m.Text...)
	return append(out, `"}`...)
}

// appendText ends a message whose stamp is its id.
func appendText(out []byte, text string) []byte {
	out = append(out, `","type":"text/plain","content":"`...)
	out = append(out, text...)
	return append(out, `"}`...)
}
