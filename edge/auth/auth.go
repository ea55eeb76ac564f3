package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// Scheme is one of LIME's ways to authenticate, as schemeOptions lists them.
type Scheme string

// The schemes that there are.
const (
	SchemeGuest Scheme = "guest" // any name that no account has, no credentials
	SchemePlain Scheme = "plain" // the name of an account and its password
	SchemeKey   Scheme = "key"   // the name of an account and one of its API keys

	SchemeTransport Scheme = "transport" // a certificate for the domain
	SchemeExternal  Scheme = "external"  // a token of an issuer
)

// Request is what a client says of itself. It formats without its credentials,
// but marshals with them: never give it to a logger as a field.
type Request struct {
	Scheme Scheme `json:"scheme"`

	// Node is the proposed one, as the client spelled it, but with the domain
	// filled in when it left that out. Its instance has no part in the answer.
	Node lime.Node `json:"node"`

	// Credentials is the authentication object as it was sent; nil when it was
	// absent, as it may be for guests.
	Credentials json.RawMessage `json:"authentication,omitempty"`

	// Certificate is what the client has shown of itself in TLS; nil for nothing.
	Certificate *Certificate `json:"certificate,omitempty"`

	// Upgrade is what of the request for a WebSocket the edge was told to pass on; nil for
	// nothing.
	Upgrade *Upgrade `json:"upgrade,omitempty"`

	// Remote is where the client's socket comes from.
	Remote netip.AddrPort `json:"remote,omitzero"`
}

// Upgrade is parts of a request for a WebSocket. They may be secrets.
type Upgrade struct {
	Headers map[string][]string `json:"headers,omitempty"` // by their canonical names
	Cookies map[string]string   `json:"cookies,omitempty"` // by their names
}

// Grant says who a client is now.
type Grant struct {
	// Identity is in the spelling that the established envelope announces.
	Identity lime.Identity `json:"identity"`

	// Guest tells that nothing but the session itself proves the identity.
	Guest bool `json:"guest,omitempty"`

	Role lime.Role `json:"role"`

	// Expires is when the grant ends; zero for never.
	Expires time.Time `json:"expires,omitzero"`

	// Credential tells which of several it was that the client has shown, where it may
	// be revoked alone; "" elsewhere. It is no secret.
	Credential string `json:"credential,omitempty"`

	// Rooms are what it may do with rooms by this login, and Granted by what its identity was
	// granted. Nobody changes them.
	Rooms   room.Rules  `json:"rooms,omitempty"`
	Granted room.Grants `json:"granted,omitzero"`
}

// Authenticator decides who a client is.
type Authenticator interface {
	// Authenticate takes r.Credentials and wipes them before it returns. An
	// error matching *lime.Reason is for the client, in a failed envelope; any
	// other is ours and says nothing about the credentials.
	Authenticate(ctx context.Context, r Request) (Grant, error)
}

// Format writes the request without its credentials, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) {
	// An error of f is that of the writer behind fmt, which reports it itself.
	_, _ = fmt.Fprintf(f, "%s login of %q from %s", r.Scheme, r.Node, r.Remote)
}
