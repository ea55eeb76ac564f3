// Package dialect is what an edge and the other protocols that it speaks have to say to each
// other: over WebSocket a Dialect, in frames of its own over TCP a Stream. Each is a package
// below, without any I/O.
//
// A client of a dialect has a session of LIME without knowing it: what it says becomes
// envelopes of that session, and envelopes for it become frames. So limits, addresses,
// delivery and drains are those of LIME.
package dialect

import (
	"net/http"
	"time"

	"limegrove/lime"
	"limegrove/room"
)

// Dialect is one protocol, as it is spoken on one path.
type Dialect interface {
	// Name is its label in metrics.
	Name() string
	// Domain is what its clients are identities of, and no others: nobody logs in there with
	// LIME. "" for none.
	Domain() string
	// Open takes the request of a client for a WebSocket. A refusal is answered instead.
	Open(r *http.Request) (Client, *Refusal)
}

// Refusal is an answer of HTTP.
type Refusal struct {
	Status int
	Text   string // one line
}

// Client is one connection. Its methods do not block; all but ToClient are called by the
// connection's loop alone. It may be an Asker, a Subscriber and a Closer, too.
type Client interface {
	// Login is how the session begins.
	Login() Login
	// FromClient takes a whole message of the client, which it borrows. binary says that
	// it came as such. It is not called before the session is established.
	FromClient(message []byte, binary bool) Said
	// ToClient appends the frame that says what an envelope does, which it borrows. It is
	// not ok when the dialect has none for it. It may be called from anywhere.
	ToClient(dst, envelope []byte) (frame []byte, ok bool)
	// End is what the client is told last: of a session that failed, why; nil otherwise. A
	// frame of nil is none.
	End(why *lime.Reason) (frame []byte, reason string)
}

// Login is how a session begins.
type Login struct {
	// Node is who the client says it is.
	Node lime.Node
	// Token proves it: of the scheme external. Without one the client is believed, and taken
	// for a guest.
	Token string
	// Asked has whoever decides about that scheme asked without a token, too: it may know the
	// client by its request.
	Asked bool
	// Credential is what it is let in by, which may be revoked alone; "" for none. It is no secret.
	Credential string
	// Expires is when that counts no more, and the session ends; zero for never.
	Expires time.Time
	// Refused is why it is not let in; nil when it may be.
	Refused *lime.Reason
	// Presence is what the session sets, nil for nothing, and Receipts are the events that it
	// wants.
	Presence *lime.Presence
	Receipts lime.Events
	// Takes is which messages and commands of others the dialect has words for; nil for all.
	// Who sends another is told that it is not taken.
	Takes *lime.Capability
	// Confirms says that the client confirms what it has got. Of others a pong tells.
	Confirms bool
	// Rooms is the domain whose rooms a Subscriber enters, and Literal says that a wildcard
	// of them stands for nothing but itself.
	Rooms   string
	Literal bool
	// Rights is what the client may do with rooms by its envelopes, beside what everybody may.
	// It needs none to enter one as a Subscriber. Nobody changes them.
	Rights room.Rules
	// Idle is how long the client may say nothing; zero is for ever.
	Idle time.Duration
	// Backlog bounds the bytes that wait for the client; zero is the edge's own bound.
	Backlog int
}

// Said is what becomes of a message of a client. All of it may be zero.
type Said struct {
	Answer   []byte // for the client, before whatever comes of the envelope
	Envelope []byte // for its session
	Drop     string // why there is none, as a label of metrics; "" when nothing was dropped
	Close    bool   // the session is over, in place of all else
	Proved   uint32 // of a Framed alone: the probe that this answers; 0 for none

	// Of a Subscriber alone.
	Leave []Subscription // that are over, before the answer
	Enter []Subscription // one after the other, of each of which Entered is told; nothing is taken of the client before
}
