package client

import (
	"context"

	"limegrove/lime"
)

// Receipts is what a client says of the messages that come to it.
type Receipts int

const (
	// ReceiptsAuto says received when the application takes a message, and consumed, or failed
	// with the reason, when its handler has returned. Iterators say no more than received.
	ReceiptsAuto Receipts = iota

	// ReceiptsWhenHandled says received only when the handler has returned, or the body of the
	// loop has ended: what a crash interrupts comes again.
	ReceiptsWhenHandled

	// ReceiptsOff says nothing: see Client.Receipt. Servers that take pongs for receipts
	// still learn that the application has taken a message.
	ReceiptsOff
)

// Receipt tells a message's sender what became of it: received, consumed or, with a
// reason, failed. It does nothing about a message without an id or a sender.
func (c *Client) Receipt(ctx context.Context, m *lime.Message, event lime.Event, reason *lime.Reason) error {
	if n := makeReceipt(m, event, reason); n != nil {
		return c.Send(ctx, n)
	}
	return nil
}

// receipt makes a notification about a message that has come to a session; nil when there
// is nobody to tell, or nothing to tell since the message is not for it: LIME,
// notifications.
func (s *session) receipt(m *lime.Message, event lime.Event, reason *lime.Reason) *lime.Notification {
	return receiptOf(s.node, m, event, reason)
}

func receiptOf(own lime.Node, m *lime.Message, event lime.Event, reason *lime.Reason) *lime.Notification {
	mine := m.To.IsZero() || m.To.EqualFold(own) || m.To.Instance == "" && m.To.Identity.EqualFold(own.Identity)
	if !mine {
		return nil
	}
	return makeReceipt(m, event, reason)
}

func makeReceipt(m *lime.Message, event lime.Event, reason *lime.Reason) *lime.Notification {
	if m.ID == "" || m.From.IsZero() {
		return nil
	}
	return &lime.Notification{ID: m.ID, To: sender(m.PP, m.From), Event: event, Reason: reason}
}

// acknowledge says that the application has a message.
func (c *Client) acknowledge(ctx context.Context, i item) {
	if i.kept != 0 {
		return // that was said when it was kept
	}
	if c.cfg.Receipts != ReceiptsOff {
		c.tell(ctx, i, lime.EventReceived, nil)
	}
	if i.number == 0 {
		return
	}
	if err := i.session.proofs.taken(i.number); err != nil {
		i.session.end(err, farewellTo(err))
	}
}

// tell sends a receipt if there is a session for it. That in which the message came may
// have ended: then its server sends it again, to the next.
func (c *Client) tell(ctx context.Context, i item, event lime.Event, reason *lime.Reason) {
	s := i.session
	var n *lime.Notification
	if m := i.envelope.(*lime.Message); s != nil {
		n = s.receipt(m, event, reason)
	} else {
		n = receiptOf(c.Node(), m, event, reason)
	}
	if n == nil {
		return
	}
	if s == nil || s.why() != nil {
		s = c.online()
	}
	if s == nil || s.out.put(ctx, n) != nil {
		c.drop(DropReceipt)
	}
}
