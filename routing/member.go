package routing

import (
	"strings"

	"limegrove/lime"
	"limegrove/room"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
)

// Recipient is what a hub needs of a local session. None of its methods blocks.
type Recipient interface {
	// Deliver queues an envelope, which it borrows. The error matches ErrQueueFull
	// when the session reads too slowly.
	Deliver(envelope []byte) error
	// Flush writes what was queued. A hub calls it once for all that one turn had
	// for the session.
	Flush()
	// Pass is Deliver of another recipient, for what this one's client has sent, and has it written
	// soon, together with what else the clients' envelopes bring. It is called during Member.Route
	// alone. When it is not here, to is to be given the envelope as any other.
	Pass(to any, envelope []byte) (here bool, err error)
	// End fails the session.
	End(*lime.Reason)
	// Probe queues, behind what was delivered, what the client answers when it has all
	// of it; Member.Proved is called with n then. The error matches ErrQueueFull when
	// there is no room, and Member.Drained is called when there is, as after Deliver.
	Probe(n uint32) error
	// Hold stops reading from the client, or goes on.
	Hold(on bool)
	// Granted replaces what the session's identity was granted for rooms, unless it has
	// something newer. Nobody changes g.
	Granted(g room.Grants)
}

// Arrival is a session that asks for its place.
type Arrival struct {
	Text    string    // what Name has made of node and session, to be kept once; made of them when it is something else
	Node    lime.Node // complete, as it will be announced
	Session string    // the session's id
	Guest   bool      // without a presence, a guest is reached at its identity, too
	Role    lime.Role // what it may route beyond its own node

	// Credential is what it was let in by, where that may be revoked alone; else "".
	Credential string
}

// Member is a session's place in its hub, from Attach to Leave. While nothing happens it is
// one object: what is needed for what does is behind pointers, and dropped again.
type Member struct {
	// Set by Attach and not changed.
	hub *hub
	to  Recipient
	who lime.Packed // the node, as it was announced; the session's id; more: see Name

	// Guarded by the shard of hub.
	next       *Member        // in its roll
	presence   *lime.Presence // nil until it is set; never changed, but replaced
	registered int64          // the view's version when Redis took it; 0 when it has not
	own        *particulars   // what few sessions have; nil for none

	// Guarded by the shard of hub, and about stored messages for the session.
	follows [2]delivery.Follow
	window  delivery.Window

	// Set by Attach and not changed.
	rank     lime.Rank
	guest    bool
	unlisted bool // nobody's session; see AttachUnlisted

	// Guarded by the shard of hub.
	state   memberState
	entry   entry
	tried   bool // Redis was asked to take it, and may have
	touched bool // given something this turn, and on the shard's list
	shown   bool // routers were told of presence

	starting      starting // which follows the reader has yet to start
	startQueued   bool     // the reader has it on its list
	readQueued    bool     // likewise, to be read for
	readAgain     bool     // once more after that
	floorHeld     bool     // the floor of its identity waits for another session's
	probing       bool     // the client was asked for a proof
	sendsReceipts bool     // the client was seen to
}

// entry is what Attach is about with a member that it has not returned yet; 0 when it has.
type entry uint8

const (
	entering        entry = 1 << iota // it registers it, so that the registrar must not
	enteringChanged                   // and the registrar is to look at it after that
	listening                         // it sees to it that its hub hears, so that nobody else ends it for being deaf
)

// starting is a set of follows.
type starting uint8

func (s *starting) has(which int) bool { return *s&(1<<which) != 0 }

func (s *starting) set(which int, is bool) {
	*s &^= 1 << which
	if is {
		*s |= 1 << which
	}
}

type memberState uint8

const (
	joining memberState = iota // attached; nothing is delivered yet
	active
	left
)

// Node returns the node as it was announced.
func (m *Member) Node() lime.Node { return m.who.Node() }

// hubs are those of the edge.
func (m *Member) hubs() *Hubs { return m.hub.shard.edge }

// partition is that of the identity; 0 where nothing is stored.
func (m *Member) partition() int { return int(m.hub.partition) }

// token is the last one of the node's subject.
func (m *Member) token() string {
	if token, _, _ := strings.Cut(m.who.Behind(), beforeKey); token != "" {
		return token
	}
	return m.who.Instance()
}

// beforeKey is in no token.
const beforeKey = " "

// Name is what a session is to be known by, as one text, to be given to Attach: its node, its id, and behind these, for routing,
// the last token of the node's subject, unless that is the instance, and the identity's key. It is not
// ok when it is too long.
func (h *Hubs) Name(n lime.Node, session string) (who lime.Packed, ok bool) {
	who, _, ok = h.named(n, session, "")
	return who, ok
}

// named is Name, but keeps text when that is it already, and tells the key, which is a part of it.
func (h *Hubs) named(n lime.Node, session, text string) (who lime.Packed, key subject.Key, ok bool) {
	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	b := append(append(append(append(append(s.name[:0], n.Name...), '@'), n.Domain...), '/'), n.Instance...)
	b = append(b, session...)
	behind := len(b)
	b = subject.AppendToken(b, n.Instance, &s.fold)
	token := len(b) - behind
	if string(b[behind:]) == n.Instance {
		b = b[:behind]
	}
	b = append(b, beforeKey...)
	begin := len(b)
	b = subject.AppendKey(b, n.Identity, &s.fold)
	s.name = b
	if string(b) != text {
		text = string(b)
	}
	key = subject.Key(text[begin:])
	if subject.LenNode(key, token) > subject.Max {
		return lime.Packed{}, "", false
	}
	who, ok = lime.Pack(text, n, session, text[behind:])
	return who, key, ok
}

// role is what the session may route beyond its own node.
func (m *Member) role() lime.Role { return m.rank.Role() }

// Activate lets envelopes through. The session has announced itself to its client
// before, so that nothing overtakes that. Of it and a session that holds the same
// node on this edge the older one ends here, and not earlier.
func (m *Member) Activate() {
	s := m.hub.shard
	s.mu.Lock()
	var older *Member
	var event PresenceEvent // of older
	var untold [][]byte     // likewise
	ordered, tell := false, false
	if m.state == joining {
		older = m.hub.find(m.token())
		if older != nil && older.registered > m.registered && m.registered > 0 {
			older = m // they have overtaken each other
		}
		m.hub.remove(m)
		m.state = active
		if older != m {
			m.hub.disarrange()
			m.hub.members.add(m)
		}
		if older != nil && older != m {
			event, tell = older.unnoticedLocked()
		}
		if older != nil {
			ordered = m.registered > 0 && older.registered > 0
			m.hub.remove(older)
			untold = older.leaveLocked()
		}
		if m.state == active {
			m.begunLocked()
		}
	}
	m.followLocked()
	s.mu.Unlock()
	if older == nil {
		return
	}
	older.keepUntold(untold)
	if !ordered { // Redis was away, and may hold either
		m.hubs().registrar.gone(older)
	}
	if tell {
		m.hubs().announcer.note(m.hub.key, event)
	}
	m.hubs().release(older.hub)
	older.to.End(replacedReason())
}

// retire takes m out of its hub. It tells whether that was still to be done; then
// the place in the hub is to be released. What m was not told is for keepUntold.
func (m *Member) retire() (untold [][]byte, done bool) {
	s := m.hub.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.state == left {
		return nil, false
	}
	m.hub.remove(m)
	return m.leaveLocked(), true
}

// leaveLocked ends m's part in its hub. What it has not acknowledged waits for the
// next session, and so does what it was not told, when that is given to keepUntold.
func (m *Member) leaveLocked() (untold [][]byte) {
	m.endedLocked()
	m.state = left
	m.hub.shard.unacknowledged.Add(-int64(m.window.Len()))
	m.window.Clear()
	delete(m.hub.shard.overdue, m)
	m.hubs().authorities.changed(m)
	return m.untoldLocked()
}

// Leave gives the place up; it may be called twice. The registration is removed
// from Redis soon after. When it was never activated, a session of the same node on
// this edge goes on, and is registered again.
func (m *Member) Leave() {
	untold, done := m.retire()
	if !done {
		return
	}
	m.keepUntold(untold)
	m.hubs().registrar.gone(m)
	m.hubs().release(m.hub)
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
	if of, ok := lime.OfGroups(to.Domain); ok && m.hubs().serves(of) {
		return m.routeToGroup(to, h, envelope)
	}
	if m.hubs().cfg.Streams != nil && h.Kind == lime.KindNotification {
		if sender, ok := m.receipt(h, sentBy(to)); ok && !isOf(sender, to) {
			return m.redirect(sender, h, envelope)
		}
	}
	if !m.hubs().serves(to.Domain) {
		return m.hubs().passForeign(m, to, h, envelope)
	}
	if m.hubs().cfg.Streams != nil && h.Kind == lime.KindMessage && h.ID != nil {
		return m.hubs().store(m, to, h, envelope)
	}
	return m.hubs().route(m, to, h, envelope)
}

// SetReceipts narrows the events that the session gets as a sender.
func (m *Member) SetReceipts(events lime.Events) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	if events == 0 && m.own == nil {
		return
	}
	m.particularsLocked().receipts = events
	m.tidyLocked()
}

// Receipts are the events that the session gets as a sender.
func (m *Member) Receipts() lime.Events {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	return m.receiptsLocked()
}

// Command publishes a command for the server of the session's domain, that is for
// any router. It borrows its arguments and does not block.
func (m *Member) Command(h *lime.Header, envelope []byte) error {
	return m.hubs().command(m, h, envelope)
}
