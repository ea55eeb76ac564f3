package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"limegrove/lime"
)

// Event is what has happened to an identity.
type Event struct {
	ID     string        // the same each time that it is told; 1 to 512 bytes
	Type   Type          // says what Data is
	Time   time.Time     // when it happened, by the clock of who tells it
	Whom   lime.Identity // whom it is about
	Node   lime.Node     // the session that it is about, as it was announced; zero where it is about none
	Detail Detail
}

// Detail is what else there is to say: a Session, a Presence, a Message or a Room.
type Detail interface{ detail() }

// wire is an event as JSON.
type wire struct {
	ID       string          `json:"id"`
	Type     Type            `json:"type"`
	Time     string          `json:"time"` // see lime.FormatTime
	Domain   string          `json:"domain"`
	Identity lime.Identity   `json:"identity"`
	Node     lime.Node       `json:"node,omitzero"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// MarshalJSON writes the identity and its domain folded, so that texts can be compared, and
// the node as it was announced. An error says that an envelope is no JSON.
func (e Event) MarshalJSON() ([]byte, error) {
	data, err := plain(e.Detail)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	folded := e.Whom.Fold()
	return plain(wire{
		ID: e.ID, Type: e.Type, Time: lime.FormatTime(e.Time), Domain: folded.Domain, Identity: folded, Node: e.Node, Data: data,
	})
}

// plain is json.Marshal that leaves <, > and & as they are.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	to := json.NewEncoder(&b)
	to.SetEscapeHTML(false)
	if err := to.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads what MarshalJSON writes. Properties that it does not know are left
// alone, and of a type that it does not know there is no detail.
func (e *Event) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	at, err := time.Parse(time.RFC3339, w.Time)
	if err != nil {
		return fmt.Errorf("event %s: %w", w.ID, err)
	}
	*e = Event{ID: w.ID, Type: w.Type, Time: at, Whom: w.Identity, Node: w.Node}
	switch w.Type {
	case SessionStarted, SessionEnded:
		e.Detail, err = read[Session](w.Data)
	case PresenceChanged:
		e.Detail, err = read[Presence](w.Data)
	case MessageAbsent, MessageFailed:
		e.Detail, err = read[Message](w.Data)
	case RoomJoined, RoomLeft:
		e.Detail, err = read[Room](w.Data)
	}
	if err != nil {
		return fmt.Errorf("event %s: %w", w.ID, err)
	}
	return nil
}

func read[D Detail](data json.RawMessage) (d D, err error) {
	err = json.Unmarshal(data, &d)
	return d, err
}
