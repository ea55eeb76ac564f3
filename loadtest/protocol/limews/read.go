package limews

import (
	"bytes"
	"fmt"

	"limegrove/loadtest/protocol"
)

// Read is that of protocol.Protocol: one WebSocket message is one envelope. It looks for what
// it needs and decodes nothing, as nothing that these clients are sent has a quote or such a
// key in its content.
func (l *LIME) Read(in []byte) (e protocol.Event, taken int, err error) {
	if content := after(in, `"content":"`); content != nil {
		return l.readMessage(in, content)
	}
	switch event := after(in, `"event":"`); string(event) {
	case "":
		return l.readOther(in)
	case "accepted":
		e.Kind = protocol.Accepted
	case "dispatched":
		e.Kind = protocol.Dispatched
	case "received":
		e.Kind = protocol.Received
	case "failed":
		e.Kind, e.Reason = protocol.Failed, in
	default:
		return e, len(in), nil
	}
	s, ok := protocol.ParseStamp(after(in, `"id":"`))
	if !ok {
		return e, 0, fmt.Errorf("a notification of nothing that was sent: %.300s", in)
	}
	e.Stamp = s
	return e, len(in), nil
}

// readMessage reads a message whose stamp is its id, or the beginning of its content.
func (l *LIME) readMessage(in, content []byte) (e protocol.Event, taken int, err error) {
	e.Kind = protocol.Delivered
	s, ok := protocol.ParseStamp(after(in, `"id":"`))
	if !ok {
		if s, ok = protocol.ParseStamp(content); !ok {
			return e, 0, fmt.Errorf("a message that nobody has sent: %.300s", in)
		}
	}
	e.Stamp = s
	return e, len(in), nil
}

// readOther reads what is no message and no notification.
func (l *LIME) readOther(in []byte) (e protocol.Event, taken int, err error) {
	switch {
	case bytes.Contains(in, []byte(`"state":`)):
		e.Kind, e.Reason = protocol.Ended, in
	case string(after(in, `"id":"`)) == "ask":
		e.Kind = protocol.Answered
		if !bytes.Contains(in, []byte(`"status":"success"`)) {
			e.Kind, e.Reason = protocol.Failed, in
		}
	case string(after(in, `"id":"`)) == "join":
		if !bytes.Contains(in, []byte(`"status":"success"`)) {
			return e, 0, fmt.Errorf("no way into a room: %.300s", in)
		}
		e.Kind = protocol.Joined
	case bytes.Contains(in, []byte(`"uri":"/ping"`)):
		e.Answer = fmt.Appendf(nil, `{"id":"%s","method":"get","status":"success","type":"application/vnd.lime.ping+json","resource":{}}`, after(in, `"id":"`))
	}
	return e, len(in), nil
}

// after returns what stands between key and the next quote, or all of the rest when there is
// none; nil when key is not there.
func after(envelope []byte, key string) []byte {
	i := bytes.Index(envelope, []byte(key))
	if i < 0 {
		return nil
	}
	rest := envelope[i+len(key):]
	if end := bytes.IndexByte(rest, '"'); end >= 0 {
		return rest[:end]
	}
	return rest
}

// digits returns the digits at the beginning of a text.
func digits(text []byte) []byte {
	text = bytes.TrimLeft(text, " ")
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	return text[:n]
}
