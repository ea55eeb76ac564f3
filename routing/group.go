package routing

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/stream"
)

// Groups tells who may send to a group. It is asked when a message with an id is for one
// by somebody of whom this edge has not asked in the last seconds.
type Groups interface {
	// MaySend returns nil, or why not.
	MaySend(ctx context.Context, sender, group lime.Identity) (*lime.Reason, error)
}

const (
	// writerKept is how long it holds that somebody may send to a group, at most: so long
	// may one still do so who may no more.
	writerKept = 5 * time.Second
	refuseKept = time.Second
)

var (
	reasonNoGroups     = &lime.Reason{Code: lime.CodeRoutingDestinationNotFound, Description: "There are no groups here"}
	reasonGroupCommand = &lime.Reason{
		Code: lime.CodeCommandResourceNotSupported, Description: "A group takes messages; ask the server for what it is",
	}
)

// routeToGroup publishes an envelope for a group, or for one of its members by the node
// that messages of the group come from. Receipts end here: they acknowledge what they are
// for, and nobody wants to hear from each of five thousand.
func (m *Member) routeToGroup(to lime.NodeView, h *lime.Header, envelope []byte) error {
	switch {
	case h.Kind == lime.KindNotification:
		if m.hubs().cfg.Streams != nil {
			m.receipt(h, sentBy(to))
		}
		m.hubs().metrics.drop(dropGroupReceipt)
		return nil
	case len(to.Instance) > 0:
		return m.routeToSender(to, h, envelope)
	case h.Kind == lime.KindMessage:
		return m.hubs().toGroup(m, to, h, envelope)
	case wantsAnswer(h):
		return reasonGroupCommand
	}
	m.hubs().metrics.drop(dropGroup)
	return nil
}

// routeToSender routes an answer to what somebody has sent to a group: it is for that one
// alone.
func (m *Member) routeToSender(to lime.NodeView, h *lime.Header, envelope []byte) error {
	sender, err := lime.ParseGroupSender(string(to.Instance))
	if err != nil || !m.hubs().serves([]byte(sender.Domain)) {
		return reasonNotHere
	}
	text := lime.AppendIdentity(nil, sender)
	var again lime.Header
	if _, err := again.Scan(envelope); err != nil {
		return reasonNotHere
	}
	envelope = again.AppendRewritten(nil, envelope, lime.Rewrite{To: text})
	if _, err := again.Scan(envelope); err != nil {
		return reasonNotHere
	}
	again.Traced = h.Traced
	direct, err := lime.ParseNodeView(text)
	if err != nil {
		return reasonNotHere
	}
	return m.Route(direct, &again, envelope)
}

// toGroup has a message stored for a group, or gives it to the router that has the
// group's partition. Of what is not stored the sender hears nothing.
func (h *Hubs) toGroup(m *Member, to lime.NodeView, header *lime.Header, envelope []byte) error {
	if h.cfg.Groups == nil || h.cfg.Streams == nil {
		return reasonNoGroups
	}
	sender := m.senderOf(header)
	o, err := h.outgoing(sender, to, header.ID, envelope, 0)
	if err != nil {
		return err
	}
	presence := m.Presence()
	o.group, o.echo = true, echoes(&presence)
	if header.Traced {
		o.span = h.cfg.Tracer.Next(stepTo(header.ID), o.data)
	}
	if header.ID != nil {
		o.ask = o.address + "\n" + sender.Fold().String()
		return h.storing(m, sender, to, o)
	}
	msg := &nats.Msg{Subject: o.key.Fan(o.partition), Data: o.data}
	if o.echo {
		msg.Header = nats.Header{stream.EchoHeader: echoWanted}
	}
	if err := h.cfg.NATS.PublishMsg(msg); err != nil {
		h.metrics.drop(dropBroker)
		h.broken(o.span)
		return brokerReason()
	}
	h.ended(o, nil)
	h.metrics.published.Inc()
	return nil
}

// mayWrite finds out whether somebody may send to a group. When nobody can tell it is
// refused: whoever only listens is not let in by a broker that is away, which could not
// store it either.
//
// The server of the group's domain may: nobody else can send as it.
func (r *recipients) mayWrite(ctx context.Context, q *question) known {
	if of, ok := lime.OfGroups(q.identity.Domain); ok && lime.IsPostmaster(q.sender.Name) && strings.EqualFold(q.sender.Domain, of) {
		return knownFor(writerKept)
	}
	why, err := r.hubs.cfg.Groups.MaySend(ctx, q.sender, q.identity)
	switch {
	case err != nil:
		r.hubs.complaints.Warn("who may send to groups cannot be looked up; messages are refused", err)
		return known{refuse: brokerReason()}
	case why != nil:
		return refusedFor(refuseKept, why)
	}
	return knownFor(writerKept)
}
