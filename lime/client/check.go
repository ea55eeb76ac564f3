package client

import (
	"encoding/json"
	"errors"
	"fmt"

	"limegrove/lime"
)

// errKind is the refusal of what is no message, notification or command.
var errKind = errors.New("not a message, a notification or a command")

// check makes sure that an envelope does not cost the session.
func check(h *lime.Header, text []byte, longest int) error {
	if len(text) > longest {
		return fmt.Errorf("%w: %d bytes, and at most %d are sent", ErrTooLong, len(text), longest)
	}
	n, err := h.Scan(text)
	switch {
	case err != nil:
		return err
	case n != len(text):
		return fmt.Errorf("%w: more than one object", lime.ErrMalformed)
	case h.Kind == lime.KindSession || h.Kind == lime.KindUnknown:
		return errKind
	}
	return nil
}

// checkDocument makes sure that a content or a resource is one JSON value, which could
// otherwise end its member and begin others.
func checkDocument(e Envelope) error {
	var document json.RawMessage
	switch e := e.(type) {
	case *lime.Message:
		document = e.Content
	case *lime.Command:
		document = e.Resource
	case *lime.Notification:
	default:
		return errKind
	}
	if document != nil && !json.Valid(document) {
		return fmt.Errorf("%w: the document is not one JSON value", lime.ErrMalformed)
	}
	return nil
}
