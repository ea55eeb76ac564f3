package event

import (
	"encoding/json"

	"limegrove/lime"
)

// Session is the detail of a session that has begun or ended.
type Session struct {
	ID    string `json:"id"`
	Edge  string `json:"edge,omitempty"`  // the incarnation of the edge that has or had it
	Guest bool   `json:"guest,omitempty"` // it has no account

	// Again says of one that has begun that it has gone on, and others may have been told
	// that it had ended.
	Again bool `json:"again,omitempty"`
	// Lost says of one that has ended that its edge died, a while before.
	Lost bool `json:"lost,omitempty"`
}

// Presence is the detail of a session whose presence was set, to what it is now.
type Presence struct {
	Session  string        `json:"session"`
	Presence lime.Presence `json:"presence"`
}

// MaxEnvelope is how long an envelope may be to be told with an event, in bytes.
const MaxEnvelope = 16 << 10

// maxType is how long a media type may be to be told, in bytes: RFC 6838, section 4.2.
const maxType = 255

// Message is the detail of a message that waits for its recipient, or waits no longer.
// Whom the event is about is the recipient.
type Message struct {
	ID   string    `json:"id"`
	From lime.Node `json:"from,omitzero"`
	To   lime.Node `json:"to"`
	Type string    `json:"type"` // of the content; "" for one that is none for its length

	// Envelope is the whole message, unless it is longer than MaxEnvelope; then it was Cut.
	Envelope json.RawMessage `json:"envelope,omitempty"`
	Cut      bool            `json:"cut,omitempty"`

	Reason *lime.Reason `json:"reason,omitempty"` // why it has failed
}

// MessageOf is the detail of a message. It borrows envelope and the header, and is not ok
// for what is no message with an id.
func MessageOf(h *lime.Header, envelope []byte) (m Message, ok bool) {
	if h.Kind != lime.KindMessage || h.ID == nil {
		return m, false
	}
	m = Message{ID: string(h.ID)}
	if len(h.Type) <= maxType {
		m.Type = string(h.Type)
	}
	var err error
	if m.To, err = lime.ParseNode(string(h.To)); err != nil {
		return m, false
	}
	if h.From != nil {
		if m.From, err = lime.ParseNode(string(h.From)); err != nil {
			return m, false
		}
	}
	if m.Cut = len(envelope) > MaxEnvelope; !m.Cut {
		m.Envelope = append(json.RawMessage(nil), envelope...)
	}
	return m, true
}

// Room is the detail of a session that has entered or left a room.
type Room struct {
	Session string          `json:"session"`
	Room    json.RawMessage `json:"room"` // a path, or an object
	Address lime.Identity   `json:"address"`
}

func (Session) detail()  {}
func (Presence) detail() {}
func (Message) detail()  {}
func (Room) detail()     {}
