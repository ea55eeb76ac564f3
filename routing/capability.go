package routing

import (
	"context"

	"limegrove/lime"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
)

// A session says by its capability which types it takes. What it does not take does not reach
// it: the sender is told so by the server, where LIME has a way to. A stored message to an
// identity waits for another of its sessions, if there is one that may take it.

// SetCapability narrows what the session is given: here at once, elsewhere as soon as Redis has
// it. It keeps c.
func (m *Member) SetCapability(c *lime.Capability) {
	taken := c.Taken()
	m.hub.shard.mu.Lock()
	same := m.takenLocked().Equal(taken)
	own := m.particularsLocked()
	own.capability, own.taken = c, taken
	if !same {
		m.hub.disarrange()
	}
	m.hub.shard.mu.Unlock()
	if !same {
		m.hubs().registrar.changed(m)
	}
}

// Capability is what was set last.
func (m *Member) Capability() lime.Capability {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	if m.own == nil || m.own.capability == nil {
		return lime.Capability{}
	}
	return *m.own.capability
}

// takes tells whether the session wants an envelope, with the shard locked.
func (m *Member) takes(h *lime.Header) bool {
	return m.own == nil || m.own.capability == nil || m.own.capability.Takes(h)
}

// leavesTo tells whether a message to m's identity that m does not take is another session's:
// one takes it, or none does and the other is the one to refuse it, so that its sender is told
// once.
func (m *Member) leavesTo(h *lime.Header, sender []byte) bool {
	for o := range m.hub.members.all() {
		switch {
		case o == m || !reachedAtIdentity(o.presence, o.guest, false) || string(sender) == o.who.String() && !echoes(o.presence):
		case o.takes(h), o.token() < m.token():
			return true
		}
	}
	for i := range m.hub.remote() {
		r := &m.hub.remote()[i]
		switch {
		case !reachedAtIdentity(&r.Presence, r.Guest, false) || string(sender) == r.Node.String() && !r.Presence.Echo:
		case r.Takes.Takes(h), subject.Token(r.Node.Instance) < m.token():
			return true
		}
	}
	return false
}

// refusal is a stored message that its recipient does not take.
type refusal struct {
	domain     string // the recipient's
	id, sender string
}

// refusalBacklog bounds how many senders are yet to be told. Beyond that a message waits.
const refusalBacklog = 4096

// refuseType has the sender of a message that m does not take told so, and m done with it,
// with the shard locked. It tells whether there was room to.
func (t *turn) refuseType(m *Member, f *delivery.Follow, msg delivery.Message, e delivery.Entry) bool {
	select {
	case t.hubs.refusals <- refusal{m.who.Domain(), string(t.header.ID), string(sessionOf(&t.header))}:
	default:
		return false
	}
	t.hubs.metrics.drop(dropUnaccepted)
	f.Hand(msg)
	if f.HasPassed(msg.Position) {
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

// tellRefusals tells senders until ctx is done.
func (h *Hubs) tellRefusals(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-h.refusals:
			h.tellRefusal(r)
		}
	}
}

func (h *Hubs) tellRefusal(r refusal) {
	sender, err := lime.ParseNodeView([]byte(r.sender))
	if err != nil {
		return
	}
	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	s.id = append(s.id[:0], r.id...)
	s.from = h.appendServer(s.from[:0], r.domain)
	s.to = append(s.to[:0], r.sender...)
	s.envelope = lime.AppendNotification(s.envelope[:0], s.id, s.from, s.to, lime.EventFailed, reasonType)
	header := lime.Header{Kind: lime.KindNotification, ID: s.id, From: s.from, To: s.to, Event: lime.EventFailed}
	if !h.serves(sender.Domain) {
		_ = h.passForeign(nil, sender, &header, s.envelope) // likewise
		return
	}
	_ = h.publish(nil, sender, &header, s.envelope, s) // it is counted
}

// Why an envelope is not taken. They are not changed.
var (
	reasonType    = &lime.Reason{Code: lime.CodeMessageUnsupportedContentType, Description: "The recipient does not take this type"}
	reasonCommand = &lime.Reason{Code: lime.CodeCommandResourceNotSupported, Description: "The recipient does not take commands of this type"}
)

// reasonOf is why an envelope that a hub had reached nobody, by the code that it has told.
func reasonOf(code lime.Code) *lime.Reason {
	switch code {
	case lime.CodeDispatchError:
		return &lime.Reason{Code: code, Description: "The recipient takes no more now"}
	case lime.CodeRoutingGatewayNotFound:
		return reasonNoGateway
	case lime.CodeAuthorizationPermissionRequired:
		return &lime.Reason{Code: code, Description: "The recipient does not take messages of this sender"}
	case reasonType.Code:
		return reasonType
	case reasonCommand.Code:
		return reasonCommand
	}
	return &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "Nobody is reachable at this address"}
}

// unaccepted is the code for an envelope that nobody takes.
func unaccepted(h *lime.Header) lime.Code {
	if h.Kind == lime.KindCommand {
		return reasonCommand.Code
	}
	return reasonType.Code
}
