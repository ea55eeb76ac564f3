package routing

import (
	"sync/atomic"
	"time"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/delivery"
)

// Recipient is what a hub needs of a local session. None of its methods blocks.
type Recipient interface {
	// Deliver queues an envelope, which it borrows. The error matches ErrQueueFull
	// when the session reads too slowly.
	Deliver(envelope []byte) error
	// Flush writes what was queued. A hub calls it once for all that one turn had
	// for the session.
	Flush()
	// End fails the session.
	End(*lime.Reason)
	// Probe queues, behind what was delivered, what the client answers when it has all
	// of it; Member.Proved is called with n then. The error matches ErrQueueFull when
	// there is no room, and Member.Drained is called when there is, as after Deliver.
	Probe(n uint32) error
	// Hold stops reading from the client, or goes on.
	Hold(on bool)
}

// Arrival is a session that asks for its place.
type Arrival struct {
	Address string    // the node as text, to be kept once; made of Node when it is empty
	Node    lime.Node // complete, as it will be announced
	Session string    // the session's id
	Guest   bool      // without a presence, a guest is reached at its identity, too
	Role    lime.Role // what it may route beyond its own node

	// Credential is what it was let in by, where that may be revoked alone; else "".
	Credential string
}

// Member is a session's place in its hub, from Attach to Leave.
type Member struct {
	hubs *Hubs
	hub  *hub

	// Set by Attach and not changed.
	partition int // of the identity

	node    lime.Node
	address string // node as text
	token   string // the last token of the node's subject
	session string
	to      Recipient
	guest   bool
	role    lime.Role
	letInBy string // a credential that may be revoked alone; "" for none

	// Guarded by the shard of hub.
	state      memberState
	registered int64            // the view's version when Redis took it; 0 when it has not
	entering   bool             // Attach is registering it, so that the registrar must not
	recheck    bool             // to be looked at by the registrar after that
	capability *lime.Capability // nil until it is set; never changed, but replaced
	taken      *lime.Taken      // capability, as others know it
	touched    bool             // given something this turn, and on the shard's list
	presence   *lime.Presence   // nil until it is set; never changed, but replaced
	since      uint64           // from which position on it competes for stored messages; 0: not yet

	progressed  time.Time // when it has acknowledged a message that it shares last
	toldWorking time.Time // when others were told what it has

	// Guarded by the shard of hub, and about stored messages: those for the session …
	follows       [2]delivery.Follow
	window        delivery.Window
	starting      [2]bool                // a follow that the reader has yet to start
	startQueued   bool                   // the reader has it on its list
	readQueued    bool                   // likewise, to be read for
	readAgain     bool                   // once more after that
	floorHeld     bool                   // the floor of its identity waits for another session's
	reviewed      time.Time              // when what it has passed was looked through last
	reviewEnded   time.Time              // when that was done last, for whatever reason
	reviewAgain   bool                   // once more after that, and after a pause
	probing       bool                   // the client was asked for a proof
	sendsReceipts bool                   // the client was seen to
	settled       func()                 // to be called when nothing is unacknowledged; nothing is handed out any more
	settledOnce   bool                   // it was called
	takesOver     *presence.Registration // the session of another edge that it has replaced
	// … and those by it.
	announced    face        // what routers were told of it
	receipts     lime.Events // which events it wants to hear of
	storing      []*outgoing
	storingBytes int
	held         bool       // the client is not read from
	owed         [][]byte   // what it is to be told, and had no room for
	failed       []failedID // what it was told has failed, though that may yet be stored

	tried atomic.Bool // Redis was asked to take it, and may have

	// Owned by the registrar.
	doubtful bool // an error may hide that it was unregistered
}

type memberState uint8

const (
	joining memberState = iota // attached; nothing is delivered yet
	active
	left
)

// Node returns the node as it was announced.
func (m *Member) Node() lime.Node { return m.node }

// Activate lets envelopes through. The session has announced itself to its client
// before, so that nothing overtakes that. Of it and a session that holds the same
// node on this edge the older one ends here, and not earlier.
func (m *Member) Activate() {
	s := m.hub.shard
	s.mu.Lock()
	var older *Member
	var event PresenceEvent // of older
	ordered, tell := false, false
	if m.state == joining {
		older = m.hub.find(m.token)
		if older != nil && older.registered > m.registered && m.registered > 0 {
			older = m // they have overtaken each other
		}
		m.hub.remove(m)
		m.state = active
		if older != m {
			m.hub.disarrange()
			m.hub.members = append(m.hub.members, m)
		}
		if older != nil && older != m {
			event, tell = older.unnoticedLocked()
		}
		if older != nil {
			ordered = m.registered > 0 && older.registered > 0
			m.hub.remove(older)
			older.leaveLocked()
		}
	}
	m.followLocked()
	s.mu.Unlock()
	if older == nil {
		return
	}
	if !ordered { // Redis was away, and may hold either
		m.hubs.registrar.gone(older)
	}
	if tell {
		m.hubs.announcer.note(m.hub.key, event)
	}
	m.hubs.release(older.hub)
	older.to.End(replacedReason())
}

// retire takes m out of its hub. It tells whether that was still to be done; then
// the place in the hub is to be released.
func (m *Member) retire() bool {
	s := m.hub.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.state == left {
		return false
	}
	m.hub.remove(m)
	m.leaveLocked()
	return true
}

// leaveLocked ends m's part in its hub. What it has not acknowledged waits for the
// next session.
func (m *Member) leaveLocked() {
	m.state = left
	m.window = delivery.Window{}
	delete(m.hub.shard.overdue, m)
	m.hubs.authorities.changed(m)
}

// Leave gives the place up; it may be called twice. The registration is removed
// from Redis soon after. When it was never activated, a session of the same node on
// this edge goes on, and is registered again.
func (m *Member) Leave() {
	if !m.retire() {
		return
	}
	m.hubs.registrar.gone(m)
	m.hubs.release(m.hub)
}

// hasLeft tells whether the session has ended.
func (m *Member) hasLeft() bool {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return m.state == left
}

// replacedReason is what the older session of a node is told.
func replacedReason() *lime.Reason {
	return &lime.Reason{
		Code:        lime.CodeSessionRegistrationError,
		Description: "A newer session of this node has taken its place",
	}
}

// Route publishes an envelope for the address to, which has a name and a domain.
// The envelope's from is right already; h is its header, with the id to answer to.
// It borrows all of them and does not block. A *lime.Reason is for the sender.
//
// A message with an id is stored, and the sender's session is delivered an accepted
// notification when it is, or a failed one. For anything else, when it turns out
// later that nobody was reached, it is delivered a failed notification or a failure
// response; a notification that reaches nobody is stored. A receipt acknowledges the
// message that it is for, and goes to who has sent that, in whosever name: some clients
// answer to from and know nothing of pp.
func (m *Member) Route(to lime.NodeView, h *lime.Header, envelope []byte) error {
	if of, ok := lime.OfGroups(to.Domain); ok && m.hubs.serves(of) {
		return m.routeToGroup(to, h, envelope)
	}
	if m.hubs.cfg.Streams != nil && h.Kind == lime.KindNotification {
		if sender, ok := m.receipt(h, sentBy(to)); ok && !isOf(sender, to) {
			return m.redirect(sender, envelope)
		}
	}
	if !m.hubs.serves(to.Domain) {
		return m.hubs.passForeign(m, to, h, envelope)
	}
	if m.hubs.cfg.Streams != nil && h.Kind == lime.KindMessage && h.ID != nil {
		return m.hubs.store(m, to, h, envelope)
	}
	return m.hubs.route(m, to, h, envelope)
}

// SetReceipts narrows the events that the session gets as a sender.
func (m *Member) SetReceipts(events lime.Events) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	m.receipts = events
}

// Receipts are the events that the session gets as a sender.
func (m *Member) Receipts() lime.Events {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return m.receipts
}

// Command publishes a command for the server of the session's domain, that is for
// any router. It borrows its arguments and does not block.
func (m *Member) Command(h *lime.Header, envelope []byte) error {
	return m.hubs.command(m, h, envelope)
}
