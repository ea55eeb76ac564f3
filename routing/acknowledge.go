package routing

import (
	"context"
	"strings"
	"time"

	"limegrove/lime"
	"limegrove/routing/delivery"
)

// A stored message is acknowledged by the client's receipt for it, or for one that it
// was handed later: a connection keeps order. A client that has not been seen to send
// receipts is asked to prove what it has, by a probe behind each turn's messages, of
// which one is under way at a time. One that sends them is asked only when it has left
// something unacknowledged for receiptPatience.

const (
	receiptPatience = 10 * time.Second
	overdueEvery    = 5 * time.Second
)

// acknowledged notes that m has a message, with the shard locked.
func (h *Hubs) acknowledged(m *Member, e delivery.Entry) {
	which := byNode
	if e.Identity {
		which = byIdentity
	}
	m.follows[which].Acknowledge(e.Position)
	m.raiseLocked(which)
	if e.Identity && m.hub.routes() != nil {
		m.sharingLocked().progressed = time.Now()
		m.tellAcked(e.Position)
	}
	if e.Inbox != 0 {
		h.removals.add(m.partition(), e.Inbox)
	}
	h.metrics.acknowledged.Inc()
}

// raiseLocked notes the floor of one of m's addresses when it has risen. While it is
// held down by what m has sent itself, m hears of the floors of others.
func (m *Member) raiseLocked(which int) {
	f := &m.follows[which]
	if floor, ok := f.Raised(); ok {
		m.hubs().floors.raise(m, which, floor)
	}
	if f.Held() {
		m.holdFloorLocked()
	}
}

// holdFloorLocked has m hear of the floors of others.
func (m *Member) holdFloorLocked() {
	if !m.floorHeld {
		m.floorHeld = true
		m.hubs().floors.hold(m)
	}
}

// popLocked takes what is acknowledged by the entry number out of the window, and
// notes in s those whose senders are to be told.
func (m *Member) popLocked(number uint32, s *scratch) {
	var now tick
	m.window.Pop(number, func(e delivery.Entry) {
		m.hub.shard.unacknowledged.Add(-1)
		if e.Handed != 0 {
			if now == 0 {
				now = m.hubs().tick()
			}
			m.hubs().metrics.took(stageAcknowledge, now.since(tick(e.Handed)))
		}
		m.hubs().acknowledged(m, e)
		if e.ID != "" {
			s.told = append(s.told, e)
		}
	})
	if m.window.Len() == 0 {
		delete(m.hub.shard.overdue, m)
	}
	m.readOnLocked()
	if !m.shared().progressed.IsZero() {
		m.tellWorkingLocked()
	}
}

// pushLocked notes that m was handed a message.
func (m *Member) pushLocked(e delivery.Entry) {
	m.window.Push(e)
	m.hub.shard.unacknowledged.Add(1)
	if m.window.Len() == maxWindow {
		m.hubs().metrics.windowsFull.Inc()
	}
}

// readOnLocked has m read for when it is behind and has room again.
func (m *Member) readOnLocked() {
	if !m.settles() && m.window.Len() <= maxWindow/2 &&
		(m.follows[byNode].Behind() || m.follows[byIdentity].Behind() || m.follows[byIdentity].Reviewing()) {
		m.hubs().reader.read(m)
	}
}

// probeLocked asks the client to prove what it has, unless it was asked already or
// sends receipts. It tells whether there is something to flush.
func (m *Member) probeLocked(overdue bool) bool {
	if m.window.Len() == 0 || m.probing {
		return false
	}
	if m.sendsReceipts && !overdue {
		if _, known := m.hub.shard.overdue[m]; !known {
			m.hub.shard.overdue[m] = time.Now()
		}
		return false
	}
	// Without room it is tried again when there is some.
	m.probing = m.to.Probe(m.window.Last()) == nil
	return m.probing
}

// Proved is told that the client has everything that it was given before the probe n.
func (m *Member) Proved(n uint32) {
	t := m.hubs().scratch.Get().(*scratch)
	defer m.hubs().scratch.Put(t)
	s := m.hub.shard
	s.mu.Lock()
	m.probing = false
	m.popLocked(n, t)
	flush := m.probeLocked(false)
	done := m.settleLocked()
	s.mu.Unlock()
	m.finish(t, flush, done)
}

// Drained is told that the client's queue has room again.
func (m *Member) Drained() {
	s := m.hub.shard
	s.mu.Lock()
	flush := m.state == active && m.payLocked()
	flush = m.state == active && m.probeLocked(false) || flush
	m.readOnLocked()
	s.mu.Unlock()
	m.finish(nil, flush, nil)
}

// Receipt takes a client's notification that is addressed to its own session, or to
// nobody. When it is for a message that the session was handed, it goes to that one's
// sender. L-NOT-08.
func (m *Member) Receipt(h *lime.Header, envelope []byte) bool {
	to, ok := m.receipt(h, func(*delivery.Entry) bool { return true })
	if !ok {
		return false
	}
	// A broker that is away costs the sender this receipt, as it does any other.
	_ = m.redirect(to, h, envelope)
	return true
}

// redirect routes a notification of m's to a node, whoever it was addressed to. h may be of the envelope as it came.
func (m *Member) redirect(to string, h *lime.Header, envelope []byte) error {
	node, err := lime.ParseNodeView([]byte(to))
	if err != nil {
		return err
	}
	if _, ok := lime.OfGroups(node.Domain); ok {
		m.hubs().metrics.drop(dropGroupReceipt)
		return nil
	}
	var again lime.Header // of the envelope as it comes here
	if _, err := again.Scan(envelope); err != nil {
		return err
	}
	envelope = again.AppendRewritten(nil, envelope, lime.Rewrite{From: []byte(m.who.String()), To: []byte(to)})
	if _, err := again.Scan(envelope); err != nil {
		return err
	}
	again.Traced = h.Traced
	if !m.hubs().serves(node.Domain) {
		return m.hubs().passForeign(m, node, &again, envelope)
	}
	return m.hubs().route(m, node, &again, envelope)
}

// receipt finds the message that a notification is about, and acknowledges it. It
// returns the node of the message's sender.
func (m *Member) receipt(h *lime.Header, matches func(*delivery.Entry) bool) (sender string, ok bool) {
	t := m.hubs().scratch.Get().(*scratch)
	defer m.hubs().scratch.Put(t)
	s := m.hub.shard
	s.mu.Lock()
	number, ok := m.window.Find(h.ID, func(e *delivery.Entry) bool {
		sender = e.Sender
		return matches(e)
	})
	if !ok {
		s.mu.Unlock()
		return "", false
	}
	m.sendsReceipts = true
	m.popLocked(number, t)
	flush := m.probeLocked(false)
	done := m.settleLocked()
	s.mu.Unlock()
	m.finish(t, flush, done)
	return sender, true
}

// sentBy tells whether an entry's sender is of an identity, or has sent it in the name of one.
func sentBy(to lime.NodeView) func(*delivery.Entry) bool {
	return func(e *delivery.Entry) bool { return isOf(e.Sender, to) || e.For != "" && isOf(e.For, to) }
}

// isOf tells whether an address is of the identity of another. Of a group's the instances
// count as well: they are the senders, and ids are each sender's own.
func isOf(address string, to lime.NodeView) bool {
	n, err := lime.ParseNodeView([]byte(address))
	if err != nil || !strings.EqualFold(string(n.Name), string(to.Name)) || !strings.EqualFold(string(n.Domain), string(to.Domain)) {
		return false
	}
	_, group := lime.OfGroups(n.Domain)
	return !group || len(to.Instance) == 0 || strings.EqualFold(string(n.Instance), string(to.Instance))
}

// Settle hands out nothing any more, and calls done, once, when all that was handed
// out is acknowledged, which may be at once.
func (m *Member) Settle(done func()) {
	s := m.hub.shard
	s.mu.Lock()
	m.particularsLocked().settling = &settling{done: done}
	flush := m.probeLocked(true)
	done = m.settleLocked()
	s.mu.Unlock()
	m.finish(nil, flush, done)
}

// settleLocked returns what is to be called because nothing is unacknowledged.
func (m *Member) settleLocked() func() {
	if !m.settles() || m.window.Len() > 0 || m.own.settling.called {
		return nil
	}
	m.own.settling.called = true
	return m.own.settling.done
}

// finish does what is not to be done under the lock. s has what was popped, if anything.
func (m *Member) finish(s *scratch, flush bool, done func()) {
	if s != nil {
		for i := range s.told {
			m.hubs().dispatched(m, &s.told[i], s)
		}
		clear(s.told)
		s.told = s.told[:0]
	}
	if flush {
		m.to.Flush()
	}
	if done != nil {
		done()
	}
}

// dispatched tells the sender of a message that a session has it. LIME, notifications.
func (h *Hubs) dispatched(m *Member, e *delivery.Entry, s *scratch) {
	s.to = append(s.to[:0], e.Sender...)
	sender, err := lime.ParseNodeView(s.to)
	if err != nil {
		return
	}
	if _, ok := lime.OfGroups(sender.Domain); ok {
		return // who has sent to the group has heard of it from the router
	}
	s.id = append(s.id[:0], e.ID...)
	s.from = h.appendServer(s.from[:0], m.who.Domain())
	s.envelope = lime.AppendNotification(s.envelope[:0], s.id, s.from, s.to, lime.EventDispatched, nil)
	header := lime.Header{Kind: lime.KindNotification, ID: s.id, From: s.from, To: s.to, Event: lime.EventDispatched}
	if !h.serves(sender.Domain) {
		_ = h.passForeign(nil, sender, &header, s.envelope) // likewise
		return
	}
	_ = h.publish(nil, sender, &header, s.envelope, s) // it is counted; the next receipt tells the same
}

// watchReceipts asks clients that send receipts for a proof of what they have left
// without one.
func (h *Hubs) watchReceipts(ctx context.Context) {
	tick := time.NewTicker(overdueEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.askOverdue(time.Now())
		}
	}
}

func (h *Hubs) askOverdue(now time.Time) {
	for _, s := range h.shards {
		var asked []*Member
		s.mu.Lock()
		for m, since := range s.overdue {
			if now.Sub(since) >= receiptPatience {
				delete(s.overdue, m)
				if m.state == active && m.probeLocked(true) {
					asked = append(asked, m)
				}
			}
		}
		s.mu.Unlock()
		for _, m := range asked {
			m.to.Flush()
		}
	}
}
