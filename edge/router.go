package edge

import (
	"context"

	"limegrove/lime"
	"limegrove/room"
)

// Router is what an edge needs of routing to begin a session.
type Router interface {
	// Attach finds a session its place in the cluster and registers it. It blocks
	// for a round trip or two. An error matching *lime.Reason is for the client.
	Attach(ctx context.Context, a Arrival, to Recipient) (Member, error)

	// Name packs a node, with a session's id as its tag, and whatever routing wants behind it, into one text, so that it
	// is kept once: a session is known by it from then on, and Attach is given it. It does not block, and is not ok when it is too long.
	Name(n lime.Node, session string) (who lime.Packed, ok bool)
}

// Arrival is a session that asks for its place.
type Arrival struct {
	Text    string    // what Name has made of the node and the session's id, to be kept once
	Node    lime.Node // complete, as it will be announced
	Session string    // the session's id
	Guest   bool      // it has no account: it is reached at its identity before it sets a presence
	Role    lime.Role // what it may route beyond its own node

	// Credential is what it was let in by, where that may be revoked alone; else "".
	Credential string
}

// Recipient is a session as routing sees it: where what is for its client goes.
// Its methods may be called from anywhere and do not block.
type Recipient interface {
	// Deliver queues an envelope, which it borrows, and Flush writes what was queued.
	// An error matches ErrQueueFull when there is no room; Member.Drained is called,
	// once, when the queue is empty again.
	Deliver(envelope []byte) error
	Flush()
	// Pass is Deliver of another recipient that this edge has given to Attach, for what
	// this one's client has sent: it is called during Member.Route alone, and what it queues
	// is written when the turn ends. When it is not here, to is to be given the envelope as any
	// other.
	Pass(to any, envelope []byte) (here bool, err error)
	// Probe queues, behind what was delivered, what the client answers when it has all
	// of it; Member.Proved is called then. The numbers of a session's probes rise from
	// 1 on, and its calls do not overlap. It fails as Deliver does.
	Probe(n uint32) error
	// Hold stops reading from the client, or goes on. What it has sent just before is
	// still taken. A held client is not pinged, so that one that goes away unseen is
	// noticed when it is let go.
	Hold(on bool)
	// End fails the session.
	End(why *lime.Reason)
	// Granted replaces what the session's identity was granted for rooms, unless it has
	// something newer. Nobody changes g.
	Granted(g room.Grants)
}

// Member is a session's place in routing.
type Member interface {
	// Activate lets envelopes through, after the session was announced.
	Activate()
	// Leave gives the place up; it may be called twice.
	Leave()
	// Settle has nothing handed out any more, and done called, once, from anywhere,
	// when all that was handed out is acknowledged: during the call when all is.
	// Everything else goes on. It is called once at most.
	Settle(done func())

	// Proved is told that the client has what was delivered before the probe n, and
	// thereby before earlier ones, too. Not every probe is answered by itself. Drained
	// is told that the queue is empty after it was full, be it for an envelope of the
	// edge. Both are called by the session's loop and do not block.
	Proved(n uint32)
	Drained()

	// Route publishes an envelope for another node or identity, and Command one for
	// the routers of the session's domain. They borrow their arguments and do not
	// block. An error matching *lime.Reason is for the sender; when nobody is
	// reached, the session hears of it by an envelope.
	Route(to lime.NodeView, h *lime.Header, envelope []byte) error
	Command(h *lime.Header, envelope []byte) error

	// MayActFor tells whether owner lets the session send an envelope in its name, with the
	// session's node as pp. It borrows its arguments and does not block.
	MayActFor(owner lime.NodeView, h *lime.Header) bool

	// Receipt takes a client's notification that is addressed to the session itself or
	// to nobody (L-NOT-08, L-NOT-09), and borrows it: it acknowledges, and goes to the
	// sender of the message that is found by its id. It tells whether one was.
	Receipt(h *lime.Header, envelope []byte) bool

	// SetReceipts narrows the events that the session gets of its own messages, and
	// Receipts are they. Until it is called they are the zero Events.
	SetReceipts(lime.Events)
	Receipts() lime.Events

	// SetCapability narrows what the session is given, and keeps c; Capability is what was set
	// last.
	SetCapability(c *lime.Capability)
	Capability() lime.Capability

	// SetPresence keeps p, which nobody changes. Presence is what was set last, and Instances are those
	// of the session's identity that want to be seen, on all edges.
	SetPresence(p *lime.Presence)
	Presence() lime.Presence
	Instances() []string
}
