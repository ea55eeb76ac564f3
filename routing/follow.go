package routing

import (
	"slices"
	"strings"

	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
)

// The two addresses that a member follows for stored messages.
const (
	byNode = iota
	byIdentity
)

// maxWindow is how many stored messages a session may have unacknowledged.
const maxWindow = 256

// tokenOf is the address of one of a member's follows.
func (m *Member) tokenOf(which int) string {
	if which == byIdentity {
		return subject.Identity
	}
	return m.token()
}

// followLocked has m follow the addresses that its presence lets it be reached at.
// One that is not available yet follows none, and gets what waits when it is.
func (m *Member) followLocked() {
	if m.hubs().cfg.Streams == nil || m.state != active || m.unlisted {
		return
	}
	for which, wanted := range [...]bool{
		byNode:     reachedAtNode(m.presence, false),
		byIdentity: reachedAtIdentity(m.presence, m.guest, false),
	} {
		f := &m.follows[which]
		switch {
		case !wanted:
			f.Stop()
			m.starting.set(which, false)
			if which == byIdentity {
				if m.shared().since != 0 {
					m.own.sharing.since = 0 // others have it from here on
				}
			}
		case which == byIdentity && f.On() && !m.starting.has(which) && m.shared().since == 0 && competes(m.presence):
			m.sharingLocked().since = f.End() + 1
			m.hub.disarrange()
		case !f.On() && !m.starting.has(which):
			m.starting.set(which, true)
			m.hubs().reader.start(m)
		}
	}
}

// handOut gives a stored message to a member, or passes it, with the shard locked. It
// tells whether the member has it, or needs it no more.
func (t *turn) handOut(m *Member, which int, msg delivery.Message) bool {
	f := &m.follows[which]
	if m.settles() || m.window.Len() >= maxWindow {
		return false
	}
	if _, err := t.header.Scan(msg.Data); err != nil { // it was one when it was stored
		t.hubs.metrics.drop(dropMalformed)
		f.Hand(msg)
		return true
	}
	sender := sessionOf(&t.header)
	e := delivery.Entry{Identity: which == byIdentity, Position: msg.Position, Inbox: msg.Inbox}
	over := f.HasPassed(msg.Position)
	switch {
	case which == byIdentity && string(sender) == m.who.String() && !echoes(m.presence):
		f.Skip(msg)
		return true
	case t.header.Kind == lime.KindMessage && !m.takes(&t.header) && (which == byNode || !m.leavesTo(&t.header, sender)):
		if !t.refuseType(m, f, msg, e) {
			return false
		}
		if over {
			f.Take(msg)
		}
		return true
	case which == byIdentity && (t.header.Kind == lime.KindMessage && !m.takes(&t.header) || !t.isFor(m, &msg, sender)):
		if !over && f.Passed() < delivery.MaxPassed {
			f.Pass(msg)
			m.holdFloorLocked()
			over = true
		}
		return over
	case t.header.Kind == lime.KindMessage && string(sender) == m.who.String() && m.isStoring(t.header.ID):
		return false // its own: accepted comes first; then it is read
	case t.header.Kind == lime.KindMessage:
		t.address = append(append(t.address[:0], t.header.ID...), sender...)
		id, through := len(t.header.ID), len(t.address)
		if t.header.PP != nil {
			t.address = append(t.address, t.header.From...)
		}
		all := string(t.address) // one allocation
		e.ID, e.Sender, e.For = all[:id], all[id:through], all[through:]
	case m.owes() || m.isStoring(t.header.ID):
		return false // accepted comes first; then it is read
	case !m.receiptsLocked().Has(t.header.Event) || m.toldFailed(t.header.ID):
		f.Hand(msg)
		if over {
			f.Take(msg)
		}
		if m.window.Len() > 0 { // acknowledged now, it would speak for what is before it
			m.pushLocked(e)
			t.touch(m)
		} else {
			m.hubs().acknowledged(m, e)
		}
		return true
	}
	t.stored = true
	err := t.give(m, m.tokenOf(which), msg.Data)
	t.stored = false
	if err != nil {
		return false
	}
	f.Hand(msg)
	if over {
		f.Take(msg)
	}
	if timed(msg.Position) {
		e.Handed = uint32(t.hubs.tick())
	}
	m.pushLocked(e)
	return true
}

// storedCopy takes the copy that a stream has sent of a message, with the shard locked.
func (t *turn) storedCopy(b *hub, token string, c storedCopy, data []byte) {
	for m := range b.members.all() {
		which := byIdentity
		if token != subject.Identity {
			if which = byNode; m.token() != token {
				continue
			}
		}
		f := &m.follows[which]
		var verdict delivery.Verdict
		if c.Inbox == 0 {
			verdict = f.Copy(c.Position, c.Previous)
		} else {
			verdict = f.InboxCopy(c.Position, c.Inbox)
		}
		if c.Inbox != 0 || c.Previous == 0 {
			m.raiseLocked(which) // what was skipped may be safe now
		}
		msg := c.Message
		msg.Data = data
		switch verdict {
		case delivery.HandOut:
			last := m.window.Last()
			if !t.handOut(m, which, msg) {
				f.Lag(msg)
			} else if timed(c.Position) && m.window.Last() != last {
				t.delivered(c.stored)
			}
		case delivery.FallBehind:
			t.hubs.metrics.gaps.Inc()
			t.hubs.reader.read(m)
		case delivery.Remove, delivery.RemoveOld:
			msg.Old = verdict == delivery.RemoveOld
			t.had(m, which, msg)
		}
	}
	t.copyForOthers(b, token, c, data)
}

// copyForOthers gives a message to a node, when it is stored, to the other sessions of its
// identity that want such: at most once, and it is not theirs to acknowledge.
func (t *turn) copyForOthers(b *hub, token string, c storedCopy, data []byte) {
	routes := b.routes()
	if token == subject.Identity || c.Inbox != 0 || routes == nil {
		return
	}
	if _, err := t.header.Scan(data); err != nil || t.header.Kind != lime.KindMessage {
		return
	}
	p := t.parcelOf(token, &c.Message, sessionOf(&t.header))
	t.chosen = choose(t.chosen[:0], routes, &p, t.hubs.distance)
	for _, r := range t.chosen {
		if r.member == nil || r.token == token {
			continue
		}
		if err := t.give(r.member, token, data); err != nil {
			t.hubs.metrics.drop(dropFor(err))
		}
	}
}

// parcelOf is a stored message as the rules see it. The header is scanned.
func (t *turn) parcelOf(token string, msg *delivery.Message, session []byte) parcel {
	sender, err := lime.ParseNodeView(t.header.From)
	return parcel{
		header: &t.header, token: token, server: err == nil && lime.IsPostmaster(sender.Name), sender: session,
		origin: presence.EdgeID(msg.Origin), turn: msg.Position, position: msg.Position,
	}
}

// had removes a message from the inbox that m has had and acknowledged, or that was
// acknowledged before it came there.
func (t *turn) had(m *Member, which int, msg delivery.Message) {
	if m.window.Waits(which == byIdentity, msg.Position, msg.Inbox) || !msg.Old && which == byIdentity && t.skipped(m, msg) {
		return
	}
	t.hubs.removals.add(m.partition(), msg.Inbox)
}

// skipped tells whether a message to the identity may have been skipped by the session
// that has sent it, this one or one before it, and not be acknowledged: floors go past
// such a message once it is in the inbox.
func (t *turn) skipped(m *Member, msg delivery.Message) bool {
	if _, err := t.header.Scan(msg.Data); err != nil {
		return false
	}
	sender := sessionOf(&t.header)
	return string(sender) == m.who.String() || m.isOwn(sender) && !m.follows[byIdentity].Handed(msg.Position)
}

// isOwn tells whether the address of a session is of m's own identity.
func (m *Member) isOwn(session []byte) bool {
	node, err := lime.ParseNodeView(session)
	return err == nil && strings.EqualFold(string(node.Name), m.who.Name()) && strings.EqualFold(string(node.Domain), m.who.Domain())
}

// isFor tells whether a stored message to the identity is for m, by the rules and by what
// this edge knows of the other sessions. The header is scanned.
func (t *turn) isFor(m *Member, msg *delivery.Message, session []byte) bool {
	routes := m.hub.routes()
	if routes == nil {
		return true
	}
	p := t.parcelOf(subject.Identity, msg, session)
	// Who has had a message for long, and acknowledges nothing, has had its time.
	for n := m.follows[byIdentity].Age(msg.Position) / reviewPatience; ; n-- {
		t.chosen = choose(t.chosen[:0], routes, &p, t.hubs.distance)
		mine := slices.ContainsFunc(t.chosen, func(r *route) bool { return r.member == m })
		if mine || n <= 0 || len(t.chosen) == 0 || m.hub.keeping(t.chosen, msg.Position) {
			return mine
		}
		had := slices.Clone(t.chosen)
		routes = slices.DeleteFunc(slices.Clone(routes), func(r route) bool {
			return slices.ContainsFunc(had, func(c *route) bool { return c.token == r.token })
		})
	}
}

// sessionOf returns the address of the session that has sent an envelope: who acts on
// behalf of another says so by pp.
func sessionOf(h *lime.Header) []byte {
	if h.PP != nil {
		return h.PP
	}
	return h.From
}
