package presence

import (
	"errors"
	"time"

	"limegrove/lime"
)

// The errors that callers branch on. They come wrapped.
var (
	// ErrTaken means that an older session holds the node and keeps it.
	ErrTaken = errors.New("the node is held by an older session")
	// ErrGone means that the session does not hold the node any more.
	ErrGone = errors.New("the session does not hold the node")
	// ErrClosed means that the Store was closed.
	ErrClosed = errors.New("the store is closed")
)

// EdgeID names one incarnation of one edge: a restart is a new one. It is made
// of 1 to 127 characters of [A-Za-z0-9-], so that it can stand in a subject
// and in a key.
type EdgeID string

// Registration says that an edge holds a node, for which session, and what
// the session says of itself.
type Registration struct {
	Node     lime.Node     // complete, in the spelling in which it was announced
	Edge     EdgeID        // whose lease the registration ends with
	Session  string        // 1 to 127 bytes
	Since    uint64        `json:",omitempty"` // from which position on it competes for what is stored; 0: not yet
	Guest    bool          // it has no account: when it has left it is known for Config.GuestGrace
	Takes    *lime.Taken   `json:",omitempty"` // of what others send; nil for all of it
	Presence lime.Presence // without Instances and LastSeen, which are not stored
}

// View is all registrations of one identity.
type View struct {
	// Version rises with every change of the identity's registrations, and is
	// 0 when none is stored. The end of a lease changes the registrations but
	// not the version. See the package comment for how to compare versions.
	Version int64
	// Registrations are sorted by folded instance.
	Registrations []Registration
	// Partial says that registrations are left out, of edges without a lease: those may be cut off
	// from the store alone, and live.
	Partial bool
	// Again says, where it comes from Register, that the session held the node already: it was
	// registered before, perhaps by a try of which no answer came.
	Again bool
}

// Removed is a registration that Sweep has removed.
type Removed struct {
	Registration
	// Version is that of the identity's view after the removal.
	Version int64
}

// Lease is what an edge says of itself while it lives.
type Lease struct {
	Edge    EdgeID    `json:"-"`                // in Redis, the key
	Addr    string    `json:"addr,omitempty"`   // host:port of its admin pages, for people; "" when it has none
	Zone    string    `json:"zone,omitempty"`   // where it runs, as it was told; "" when it was not
	Started time.Time `json:"started,omitzero"` // of this incarnation, by its own clock
}
