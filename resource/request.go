package resource

import (
	"encoding/json"
	"fmt"

	"limegrove/lime"
)

// Request is a command to the server. It formats without its resource, which
// may hold a password.
type Request struct {
	ID string

	// From is whose command it is, and PP the node that sent it when that is
	// another. The edge has checked that the session may use them; one pair it
	// lets through unchecked for the account to decide on: a guest's
	// registration, whose from is the identity that it wants.
	From, To, PP lime.Node

	// Guest tells that the session is a guest's, and Role what authority its identity has.
	Guest bool
	Role  lime.Role

	Method   lime.Method
	URI      lime.URI
	Type     string // the media type of Resource, "" when it was not given
	Resource json.RawMessage

	segments map[string]string // of the path, by their names in the pattern
}

// Segment returns what the segment of that name is in the request's path, in the
// sender's spelling.
func (r Request) Segment(name string) string { return r.segments[name] }

// Response is the answer to a Request. Its envelope also has the request's id
// and method, and never its URI (L-CMD-02).
type Response struct {
	Status   lime.CommandStatus `json:"status"`
	Type     string             `json:"type,omitempty"`
	Resource json.RawMessage    `json:"resource,omitempty"`
	Reason   *lime.Reason       `json:"reason,omitempty"` // not nil with CommandFailure
}

// Format writes the request without its resource, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) {
	// An error of f is that of the writer behind fmt, which reports it itself.
	_, _ = fmt.Fprintf(f, "%s %s of %q", r.Method, r.URI, r.From)
}

// checkOwn refuses a request for what belongs to somebody else, by its URI or
// in somebody else's name (L-CMD-14).
func (r Request) checkOwn() error {
	if !r.URI.Owner.IsZero() && !r.URI.Owner.EqualFold(r.From.Identity) || r.behalf() {
		return notPermitted()
	}
	return nil
}

// behalf tells whether somebody else than from has sent the request.
func (r Request) behalf() bool {
	return !r.PP.IsZero() && !r.PP.Identity.EqualFold(r.From.Identity)
}

func notPermitted() error {
	return lime.NewReason(lime.CodeAuthorizationPermissionRequired, "The owner has not permitted it")
}
