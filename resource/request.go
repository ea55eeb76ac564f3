package resource

import (
	"context"
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

	// Backend tells that a platform's own backend asks, which speaks for the owner that from is: it
	// changes secrets without the old ones. No envelope is such a request.
	Backend bool

	Method   lime.Method
	URI      lime.URI
	Type     string // the media type of Resource, "" when it was not given
	Resource json.RawMessage

	segments map[string]string // of the path, by their names in the pattern
	permits  Permits           // nil when nobody permits anything
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

// Permits tells whether owner lets a session's node send the command of a header.
type Permits func(ctx context.Context, owner lime.Identity, by lime.Node, h *lime.Header) (bool, error)

// owner is whose the resource is.
func (r Request) owner() lime.Identity {
	if !r.URI.Owner.IsZero() {
		return r.URI.Owner
	}
	return r.From.Identity
}

// sender is the node that has sent the request.
func (r Request) sender() lime.Node {
	if !r.PP.IsZero() {
		return r.PP
	}
	return r.From
}

// asOwner returns the request as the owner of the resource would have sent it, when the sender
// is that or may; see checkPermitted.
func (r Request) asOwner(ctx context.Context) (Request, error) {
	if err := r.checkPermitted(ctx); err != nil {
		return r, err
	}
	r.From, r.PP, r.URI.Owner = lime.Node{Identity: r.owner()}, lime.Node{}, lime.Identity{}
	return r, nil
}

// checkPermitted refuses a request for what belongs to somebody else, unless its owner has
// delegated it to the sender, or the sender has authority over the owner's domain (L-CMD-14).
// Who acts in somebody's name has what that one owns, and not what that one was given.
func (r Request) checkPermitted(ctx context.Context) error {
	owner, by := r.owner(), r.sender()
	switch {
	case owner.EqualFold(by.Identity) && !r.behalf():
		return nil
	case r.Guest, r.behalf() && !owner.EqualFold(r.From.Identity):
		return notPermitted()
	case r.Role.Over(by.Domain, owner.Domain):
		return nil
	case r.permits == nil:
		return notPermitted()
	}
	ok, err := r.permits(ctx, owner, by, &lime.Header{
		Kind: lime.KindCommand, ID: []byte(r.ID), Method: r.Method, URI: []byte(r.URI.String()), HasResource: !r.empty(),
	})
	if err == nil && !ok {
		err = notPermitted()
	}
	return err
}

// checkOwn refuses a request for what belongs to somebody else, by its URI or in somebody
// else's name: what nobody can delegate (L-CMD-14).
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
