package lime

import (
	"encoding/json"
	"fmt"
)

// DecodeSession decodes a session envelope that was scanned. An error matches
// ErrMalformed, and ErrAddress too when it is from or to that is no address.
func DecodeSession(b []byte) (*Session, error) { return decode[Session](b, "session") }

// DecodeMessage decodes a message that was scanned. An error matches
// ErrMalformed, and ErrAddress too when from, to or pp is no address.
func DecodeMessage(b []byte) (*Message, error) { return decode[Message](b, "message") }

// DecodeNotification decodes a notification that was scanned. An error matches
// ErrMalformed, and ErrAddress too when from, to or pp is no address.
func DecodeNotification(b []byte) (*Notification, error) {
	return decode[Notification](b, "notification")
}

// DecodeCommand decodes a command that was scanned. An error matches
// ErrMalformed, and ErrAddress too when from, to or pp is no address.
func DecodeCommand(b []byte) (*Command, error) { return decode[Command](b, "command") }

func decode[E any](b []byte, what string) (*E, error) {
	e := new(E)
	if err := json.Unmarshal(b, e); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
	}
	return e, nil
}
