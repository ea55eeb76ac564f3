package lime

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Message makes a message of b, which was scanned into h, and copies what it keeps. It
// is DecodeMessage without reading b once more.
func (h *Header) Message(b []byte) (*Message, error) {
	m := &Message{ID: string(h.ID), Type: mediaTypeOf(h.Type), Content: h.document(b, fieldContent)}
	return m, h.common(b, "message", &m.From, &m.To, &m.PP, &m.Metadata, nil)
}

// Notification makes a notification of b, as Message does.
func (h *Header) Notification(b []byte) (*Notification, error) {
	n := &Notification{ID: string(h.ID), Event: h.Event}
	return n, h.common(b, "notification", &n.From, &n.To, &n.PP, &n.Metadata, &n.Reason)
}

// Command makes a command of b, as Message does.
func (h *Header) Command(b []byte) (*Command, error) {
	c := &Command{
		ID: string(h.ID), Method: h.Method, URI: string(h.URI), Type: mediaTypeOf(h.Type), Status: h.Status,
		Resource: h.document(b, fieldResource),
	}
	return c, h.common(b, "command", &c.From, &c.To, &c.PP, &c.Metadata, &c.Reason)
}

// Resource is the resource of b, which was scanned into h, and aliases b; nil when that is absent.
func (h *Header) Resource(b []byte) json.RawMessage {
	s := h.spans[fieldResource]
	if s.to == 0 {
		return nil
	}
	return b[s.from:s.to:s.to]
}

// mediaTypeOf does not allocate for the most frequent of them.
func mediaTypeOf(t []byte) string {
	switch string(t) {
	case MediaText:
		return MediaText
	case MediaJSON:
		return MediaJSON
	}
	return string(t)
}

// document copies the value of a member; nil when that is absent.
func (h *Header) document(b []byte, f field) json.RawMessage {
	s := h.spans[f]
	if s.to == 0 {
		return nil
	}
	return bytes.Clone(b[s.from:s.to])
}

// common sets what envelopes have in common. reason is nil for those that have none.
func (h *Header) common(b []byte, what string, from, to, pp *Node, metadata *Metadata, reason **Reason) error {
	for _, one := range []struct {
		node *Node
		text []byte
	}{{from, h.From}, {to, h.To}, {pp, h.PP}} {
		if len(one.text) == 0 {
			continue
		}
		var err error
		if *one.node, err = ParseNode(string(one.text)); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
		}
	}
	if s := h.spans[fieldMetadata]; s.to != 0 {
		if err := metadata.UnmarshalJSON(b[s.from:s.to]); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
		}
	}
	if s := h.spans[fieldReason]; reason != nil && h.HasReason {
		if err := json.Unmarshal(b[s.from:s.to], reason); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrMalformed, what, err)
		}
	}
	return nil
}

// Content returns a message's content as it stands in b, which was scanned into h; nil when
// there is none. It aliases b.
func (h *Header) Content(b []byte) []byte {
	s := h.spans[fieldContent]
	if s.to == 0 {
		return nil
	}
	return b[s.from:s.to]
}

// Metadata is the metadata of b, which was scanned into h, as they stand there, and aliases b;
// nil when there are none.
func (h *Header) Metadata(b []byte) json.RawMessage {
	s := h.spans[fieldMetadata]
	if s.to == 0 || b[s.from] != '{' {
		return nil
	}
	return b[s.from:s.to:s.to]
}
