package lime

import "encoding/json"

// The structs of this file are for where envelopes are made and answered, not
// for their way through the server. They are written by AppendJSON; what
// encoding/json writes is as right, but escapes <, > and & for HTML.

// Message carries content from one node to another.
type Message struct {
	ID       string          `json:"id,omitempty"` // "" wants no notifications
	From     Node            `json:"from,omitzero"`
	To       Node            `json:"to,omitzero"`
	PP       Node            `json:"pp,omitzero"`
	Metadata Metadata        `json:"metadata,omitempty"`
	Type     string          `json:"type,omitempty"`    // media type of Content
	Content  json.RawMessage `json:"content,omitempty"` // nil is written as null
}

// Notification tells a message's sender what became of it.
type Notification struct {
	ID       string   `json:"id,omitempty"` // the message's
	From     Node     `json:"from,omitzero"`
	To       Node     `json:"to,omitzero"`
	PP       Node     `json:"pp,omitzero"`
	Metadata Metadata `json:"metadata,omitempty"`
	Event    Event    `json:"event,omitempty"`
	Reason   *Reason  `json:"reason,omitempty"` // with EventFailed
}

// Command is a request about a resource, or the response to one.
type Command struct {
	ID       string          `json:"id,omitempty"` // the same in both
	From     Node            `json:"from,omitzero"`
	To       Node            `json:"to,omitzero"`
	PP       Node            `json:"pp,omitzero"`
	Metadata Metadata        `json:"metadata,omitempty"`
	Method   Method          `json:"method,omitempty"` // in responses too
	URI      string          `json:"uri,omitempty"`    // in requests only
	Type     string          `json:"type,omitempty"`   // media type of Resource
	Resource json.RawMessage `json:"resource,omitempty"`
	Status   CommandStatus   `json:"status,omitempty"` // in responses only
	Reason   *Reason         `json:"reason,omitempty"` // with CommandFailure
}

// Session establishes, changes or ends a session.
type Session struct {
	ID                 string          `json:"id,omitempty"`
	From               Node            `json:"from,omitzero"`
	To                 Node            `json:"to,omitzero"`
	State              State           `json:"state,omitempty"`
	EncryptionOptions  []string        `json:"encryptionOptions,omitempty"`  // none, tls
	CompressionOptions []string        `json:"compressionOptions,omitempty"` // none, gzip
	Encryption         string          `json:"encryption,omitempty"`
	Compression        string          `json:"compression,omitempty"`
	SchemeOptions      []string        `json:"schemeOptions,omitempty"` // guest, plain, key, transport, external
	Scheme             string          `json:"scheme,omitempty"`
	Authentication     json.RawMessage `json:"authentication,omitempty"` // its shape is the scheme's; a secret
	Reason             *Reason         `json:"reason,omitempty"`         // with StateFailed
}

// AppendJSON appends m to dst. Content is copied as it is: one JSON value.
func (m *Message) AppendJSON(dst []byte) []byte {
	o := openObject(dst).head(m.ID, m.From, m.To, m.PP, m.Metadata).text("type", m.Type)
	if m.Content == nil {
		return o.raw("content", []byte("null")).close()
	}
	return o.raw("content", m.Content).close()
}

// AppendJSON appends n to dst.
func (n *Notification) AppendJSON(dst []byte) []byte {
	return openObject(dst).head(n.ID, n.From, n.To, n.PP, n.Metadata).
		text("event", n.Event.String()).
		reason(n.Reason).close()
}

// AppendJSON appends c to dst. Resource is copied as it is: one JSON value. A
// response is written without its URI: lime-go would read it as a request
// (L-CMD-02).
func (c *Command) AppendJSON(dst []byte) []byte {
	o := openObject(dst).head(c.ID, c.From, c.To, c.PP, c.Metadata).text("method", c.Method.String())
	if c.Status == 0 {
		o = o.text("uri", c.URI)
	}
	return o.text("status", c.Status.String()).
		text("type", c.Type).
		raw("resource", c.Resource).
		reason(c.Reason).close()
}

// AppendJSON appends s to dst. Authentication is copied as it is: one JSON
// value.
func (s *Session) AppendJSON(dst []byte) []byte {
	return openObject(dst).head(s.ID, s.From, s.To, Node{}, nil).
		text("state", s.State.String()).
		list("encryptionOptions", s.EncryptionOptions).
		list("compressionOptions", s.CompressionOptions).
		text("encryption", s.Encryption).
		text("compression", s.Compression).
		list("schemeOptions", s.SchemeOptions).
		text("scheme", s.Scheme).
		raw("authentication", s.Authentication).
		reason(s.Reason).close()
}

// AppendNotification appends a notification to dst. Of the addresses, which
// are plain text, an empty one is left out; so is a nil reason. It does not
// allocate.
func AppendNotification(dst, id, from, to []byte, event Event, reason *Reason) []byte {
	o := appendBytes(openObject(dst), "id", id)
	o = appendBytes(o, "from", from)
	return appendBytes(o, "to", to).text("event", event.String()).reason(reason).close()
}

// AppendCommandResponse appends the response to a command to dst. Of the
// addresses, which are plain text, an empty one is left out; so is a nil
// resource, which is one JSON value otherwise, with its media type; so is a
// nil reason. It does not allocate.
func AppendCommandResponse(dst, id, from, to []byte, method Method, status CommandStatus,
	mediaType string, resource []byte, reason *Reason,
) []byte {
	o := appendBytes(openObject(dst), "id", id)
	o = appendBytes(o, "from", from)
	o = appendBytes(o, "to", to).text("method", method.String()).text("status", status.String())
	if resource != nil {
		o = o.text("type", mediaType).raw("resource", resource)
	}
	return o.reason(reason).close()
}
