package routing

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"limegrove/lime"
	"limegrove/routing/subject"
	"limegrove/tracing"
)

// store has a message with an id stored for its recipient. The sender hears later
// what became of it.
func (h *Hubs) store(m *Member, to lime.NodeView, header *lime.Header, envelope []byte) error {
	return h.storeFor(m, to, nil, header, envelope)
}

// storeFor is store by way of a gateway, unless via is nil.
func (h *Hubs) storeFor(m *Member, to lime.NodeView, via *lime.NodeView, header *lime.Header, envelope []byte) error {
	sender := m.senderOf(header)
	o, err := h.outgoing(sender, to, header.ID, envelope, 0)
	if err == nil && via != nil {
		err, to = o.redirect(via, h.cfg.Streams.Partitions()), *via
	}
	if err != nil {
		return err
	}
	if header.Traced {
		o.span = h.cfg.Tracer.Next(tracing.StepStore, o.data)
	}
	return h.storing(m, sender, to, o)
}

// storing has what a session sends in somebody's name stored.
func (h *Hubs) storing(m *Member, sender lime.Identity, to lime.NodeView, o *outgoing) error {
	o.member, o.sender = m, sender
	if m.role().Over(m.who.Domain(), sender.Domain) && !sender.EqualFold(m.who.Identity()) && !h.serves([]byte(sender.Domain)) {
		o.news = m.hub.key
	}
	s := m.hub.shard
	s.mu.Lock()
	own := m.sendingLocked()
	own.storing = append(own.storing, o)
	m.tryAgain(o.id)
	own.storingBytes += o.size()
	if m.holdLocked() {
		m.to.Hold(true) // under the lock, so that it is in order with going on
	}
	s.mu.Unlock()
	if err := h.recipients.pass(o, to); err != nil {
		m.forget(o)
		h.ended(o, lime.AsReason(err))
		return err
	}
	return nil
}

// senderOf returns in whose name a session sends: its own identity's, or that of whoever
// has let it. The ids of messages are each sender's own.
func (m *Member) senderOf(header *lime.Header) lime.Identity {
	from, err := lime.ParseNodeView(header.From)
	if err != nil || len(from.Name) == 0 {
		return m.who.Identity()
	}
	domain := m.who.Domain()
	if len(from.Domain) > 0 && !bytes.EqualFold(from.Domain, []byte(domain)) {
		domain = string(from.Domain)
	} else if bytes.EqualFold(from.Name, []byte(m.who.Name())) {
		return m.who.Identity()
	}
	return lime.Identity{Name: string(from.Name), Domain: domain}
}

// outgoing makes an envelope ready for the log. event tells notifications about one
// message from each other.
func (h *Hubs) outgoing(sender lime.Identity, to lime.NodeView, id, envelope []byte, event lime.Event) (*outgoing, error) {
	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	s.subjects = subject.AppendTo(s.subjects[:0], to.Domain, to.Name, to.Instance, &s.fold)
	address := string(s.subjects)
	key, token, ok := subject.SplitTo(address) // parts of it
	if !ok || len(s.subjects) > subject.Max {
		return nil, &lime.Reason{Code: lime.CodeValidationInvalidRecipients, Description: "The address is too long"}
	}
	s.from = lime.AppendIdentity(s.from[:0], sender)
	s.unique = appendUnique(s.unique[:0], s.from, id, key, token, event)
	own := append(append(make([]byte, 0, len(envelope)+len(id)+uniqueSize), envelope...), id...)
	named := len(own)
	own = appendUniqueID(own, s.unique)
	return &outgoing{
		address: address, ask: address, key: key, token: token, partition: key.Partition(h.cfg.Streams.Partitions()), since: time.Now(),
		data: own[:len(envelope):len(envelope)], id: own[len(envelope):named:named], unique: lent(own[named:]),
	}, nil
}

// forget takes back what store has begun.
func (m *Member) forget(o *outgoing) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	defer m.readOnLocked() // what is told of o may have been stored, and wait
	if _, resume := m.takeStoringLocked(o); resume {
		m.to.Hold(false)
	}
	m.neverTold(o)
	m.settledSendingLocked()
}

// stored tells the sender that its message is accepted, and what came of it before
// that, or why it is not. It tells whether there is something to flush.
func (m *Member) stored(o *outgoing, why *lime.Reason) bool {
	untold, flush := m.tellStored(o, why)
	m.keepUntold(untold)
	return flush
}

// tellStored is stored. What is still to be told is for keepUntold.
func (m *Member) tellStored(o *outgoing, why *lime.Reason) (untold [][]byte, flush bool) {
	s := m.hub.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	found, resume := m.takeStoringLocked(o)
	if resume {
		m.to.Hold(false)
	}
	defer m.readOnLocked() // what is told of o may have been stored, and wait
	defer m.settledSendingLocked()
	if why != nil {
		m.neverTold(o)
	}
	switch {
	case !found || m.state == left:
		m.hubs().metrics.drop(dropClosed)
		return o.early, false // who has left has perhaps its message accepted elsewhere, and hears of these there
	case why == nil && !m.receiptsLocked().Has(lime.EventAccepted) && len(o.early) == 0:
		return nil, false
	}
	event := lime.EventAccepted
	if why != nil {
		event = lime.EventFailed
	}
	if m.receiptsLocked().Has(event) {
		t := m.hubs().scratch.Get().(*scratch)
		defer m.hubs().scratch.Put(t)
		t.from = m.hubs().appendServer(t.from[:0], m.who.Domain())
		t.to = append(t.to[:0], m.who.String()...)
		t.envelope = lime.AppendNotification(t.envelope[:0], o.id, t.from, t.to, event, why)
		if err := m.tellLocked(t.envelope); err != nil {
			m.hubs().metrics.drop(dropFor(err))
		}
	}
	if why != nil && why.Code == lime.CodeDispatchError {
		m.hasFailed(o.id)
	}
	for _, envelope := range o.early {
		if m.tellLocked(envelope) != nil {
			untold = append(untold, envelope)
		}
	}
	return untold, true
}

// neverTold drops what has come of a message that has failed: nothing follows failed, L-NOT-04.
func (m *Member) neverTold(o *outgoing) {
	for range o.early {
		m.hubs().metrics.drop(dropAfterFailed)
	}
	o.early = nil
}

// untoldLocked returns what m was owed, and is owed no longer.
func (m *Member) untoldLocked() [][]byte {
	s := m.underWayLocked()
	if s == nil {
		return nil
	}
	untold := s.owed
	s.owed = nil
	m.settledSendingLocked()
	return untold
}

// keepUntold has notifications stored for the next session of m's node, which was not told them: other sessions of the identity were.
// What the server has said of its messages alone is dropped: its client does not know, and may send them again.
func (m *Member) keepUntold(untold [][]byte) {
	h := m.hubs()
	for _, envelope := range untold {
		var header lime.Header
		if _, err := header.Scan(envelope); err != nil {
			h.metrics.drop(dropMalformed)
			continue
		}
		from, err := lime.ParseNodeView(header.From)
		server := err == nil && lime.IsPostmaster(from.Name)
		if server && (header.Event == lime.EventAccepted || header.Event == lime.EventFailed) {
			h.metrics.drop(dropClosed)
			continue
		}
		if m.isOwn(header.To) {
			envelope = header.AppendRewritten(nil, envelope, lime.Rewrite{To: []byte(m.who.String())})
		}
		h.storeNotification(envelope)
	}
}

// maxOwed bounds what is kept for a sender that does not read what it is told. It is
// not read from either, beyond holdAt.
const maxOwed = 4 * holdAt

// tellLocked delivers a notification to the sender of a message, or keeps it until
// there is room: accepted must not get lost, nor come behind dispatched. The error is that of a session which is about
// to end, or matches ErrQueueFull when too much is kept already. It borrows envelope.
func (m *Member) tellLocked(envelope []byte) error {
	if !m.owes() {
		err := m.to.Deliver(envelope)
		if err == nil {
			m.hubs().cfg.Sent(lime.KindNotification, 1, len(envelope))
			return nil
		}
		if !errors.Is(err, ErrQueueFull) {
			return err
		}
	}
	s := m.sendingLocked()
	if len(s.owed) >= maxOwed {
		return ErrQueueFull
	}
	s.owed = append(s.owed, bytes.Clone(envelope))
	return nil
}

// payLocked delivers what is owed. It tells whether there is something to flush.
func (m *Member) payLocked() (flush bool) {
	if !m.owes() {
		return false
	}
	s := m.underWayLocked()
	for len(s.owed) > 0 {
		if err := m.to.Deliver(s.owed[0]); err != nil {
			return flush
		}
		m.hubs().cfg.Sent(lime.KindNotification, 1, len(s.owed[0]))
		s.owed[0] = nil
		s.owed = s.owed[1:]
		flush = true
	}
	s.owed = nil
	m.settledSendingLocked()
	return flush
}

// storeNotification has a notification stored for somebody who is not there to take
// it. Whoever sent it is not told. A node may never come back, with a new instance each
// time it does: what is for it waits for minutes, as for a guest.
func (h *Hubs) storeNotification(envelope []byte) {
	var header lime.Header
	if _, err := header.Scan(envelope); err != nil {
		return
	}
	to, err := lime.ParseNodeView(header.To)
	if err != nil || len(to.Name) == 0 {
		return
	}
	if _, ok := lime.OfGroups(to.Domain); ok {
		return // they are not asked for
	}
	from, err := lime.ParseNode(string(header.From))
	if err != nil {
		return
	}
	if h.cfg.Channels != "" && strings.EqualFold(string(to.Domain), h.cfg.Channels) {
		to.Instance = nil
	}
	o, err := h.outgoing(from.Identity, to, header.ID, envelope, header.Event)
	if err == nil && !h.serves(to.Domain) {
		k, ok := h.gateways.lately(to.Domain)
		if !ok {
			h.metrics.drop(dropNoRecipient)
			return
		}
		to = lime.NodeView{Name: []byte(k.Name), Domain: []byte(k.Domain)}
		err = o.redirect(&to, h.cfg.Streams.Partitions())
	}
	if err != nil {
		h.metrics.drop(dropNoRecipient)
		return
	}
	o.brief = o.token != subject.Identity || o.gateway
	_ = h.recipients.pass(o, to) // it counts what it refuses
}
