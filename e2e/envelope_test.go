package e2e

import (
	"encoding/json"
	"fmt"

	"limegrove/lime"
)

// Envelope is any envelope, with its members as they stand on the wire: what the
// system writes is not read by the system's own code.
type Envelope struct {
	ID   string `json:"id,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	PP   string `json:"pp,omitempty"`

	Type    string `json:"type,omitempty"`
	Content any    `json:"content,omitempty"` // of a message

	Event string `json:"event,omitempty"` // of a notification

	Method   string `json:"method,omitempty"` // of a command
	URI      string `json:"uri,omitempty"`
	Status   string `json:"status,omitempty"` // of a response
	Resource any    `json:"resource,omitempty"`

	State          string   `json:"state,omitempty"` // of a session
	Encryption     string   `json:"encryption,omitempty"`
	Compression    string   `json:"compression,omitempty"`
	Scheme         string   `json:"scheme,omitempty"`
	SchemeOptions  []string `json:"schemeOptions,omitempty"`
	Authentication any      `json:"authentication,omitempty"`

	Reason   *Reason        `json:"reason,omitempty"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// methodGet is LIME's, in lower case, and not HTTP's.
const methodGet = "get"

// Reason is why something failed.
type Reason struct {
	Code        lime.Code `json:"code"`
	Description string    `json:"description,omitempty"`
}

// failedFor tells whether the envelope says that something failed, and for which
// reason.
func (e Envelope) failedFor(code lime.Code) bool {
	failed := e.Event == "failed" || e.Status == "failure" || e.State == "failed"
	return failed && e.Reason != nil && e.Reason.Code == code
}

// String is the envelope for a test's log.
func (e Envelope) String() string {
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Sprintf("%+v", struct{ ID, From, To string }{e.ID, e.From, e.To})
	}
	return string(b)
}

// text is a message with a text.
func text(id, to, content string) Envelope {
	return Envelope{ID: id, To: to, Type: "text/plain", Content: content}
}
