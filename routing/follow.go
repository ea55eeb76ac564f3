package routing

import (
	"strings"

	"limegrove/lime"
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
	return m.token
}

// followLocked has m follow the addresses that its presence lets it be reached at.
// One that is not available yet follows none, and gets what waits when it is.
func (m *Member) followLocked() {
	if m.hubs.cfg.Streams == nil || m.state != active {
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
			m.starting[which] = false
		case !f.On() && !m.starting[which]:
			m.starting[which] = true
			m.hubs.reader.start(m)
		}
	}
}

// handOut gives a stored message to a member, with the shard locked. It tells whether
// the member has it, or needs it no more.
func (t *turn) handOut(m *Member, which int, msg delivery.Message) bool {
	f := &m.follows[which]
	if m.settled != nil || m.window.Len() >= maxWindow {
		return false
	}
	if _, err := t.header.Scan(msg.Data); err != nil { // it was one when it was stored
		t.hubs.metrics.drop(dropMalformed)
		f.Hand(msg)
		return true
	}
	sender := sessionOf(&t.header)
	e := delivery.Entry{Identity: which == byIdentity, Position: msg.Position, Inbox: msg.Inbox}
	switch {
	case which == byIdentity && string(sender) == m.address && !echoes(m.presence):
		f.Skip(msg)
		return true
	case t.header.Kind == lime.KindMessage:
		t.address = append(append(t.address[:0], t.header.ID...), sender...)
		both := string(t.address) // one allocation
		e.ID, e.Sender = both[:len(t.header.ID)], both[len(t.header.ID):]
	case len(m.owed) > 0 || m.isStoring(t.header.ID):
		return false // accepted comes first; then it is read
	case !m.receipts.Has(t.header.Event) || m.toldFailed(t.header.ID):
		f.Hand(msg)
		if m.window.Len() > 0 { // acknowledged now, it would speak for what is before it
			m.window.Push(e)
			t.touch(m)
		} else {
			m.hubs.acknowledged(m, e)
		}
		return true
	}
	if t.give(m, m.tokenOf(which), msg.Data) != nil {
		return false
	}
	f.Hand(msg)
	m.window.Push(e)
	return true
}

// storedCopy takes the copy that a stream has sent of a message, with the shard locked.
func (t *turn) storedCopy(b *hub, token string, c storedCopy, data []byte) {
	for _, m := range b.members {
		which := byIdentity
		if token != subject.Identity {
			if which = byNode; m.token != token {
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
			if !t.handOut(m, which, msg) {
				f.Lag(msg)
			}
		case delivery.FallBehind:
			t.hubs.metrics.gaps.Inc()
			t.hubs.reader.read(m)
		case delivery.Remove, delivery.RemoveOld:
			msg.Old = verdict == delivery.RemoveOld
			t.had(m, which, msg)
		}
	}
}

// had removes a message from the inbox that m has had and acknowledged, or that was
// acknowledged before it came there.
func (t *turn) had(m *Member, which int, msg delivery.Message) {
	if m.window.Waits(which == byIdentity, msg.Position, msg.Inbox) || !msg.Old && which == byIdentity && t.skipped(m, msg) {
		return
	}
	t.hubs.removals.add(m.partition, msg.Inbox)
}

// skipped tells whether a message to the identity may have been skipped by the session
// that has sent it, this one or one before it, and not be acknowledged: floors go past
// such a message once it is in the inbox.
func (t *turn) skipped(m *Member, msg delivery.Message) bool {
	if _, err := t.header.Scan(msg.Data); err != nil {
		return false
	}
	sender := sessionOf(&t.header)
	if string(sender) == m.address {
		return true
	}
	node, err := lime.ParseNodeView(sender)
	own := err == nil && strings.EqualFold(string(node.Name), m.node.Name) && strings.EqualFold(string(node.Domain), m.node.Domain)
	return own && !m.follows[byIdentity].Handed(msg.Position)
}

// sessionOf returns the address of the session that has sent an envelope: who acts on
// behalf of another says so by pp.
func sessionOf(h *lime.Header) []byte {
	if h.PP != nil {
		return h.PP
	}
	return h.From
}
