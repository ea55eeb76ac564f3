package routing

import (
	"bytes"
	"strconv"

	"github.com/nats-io/nats.go"

	"limegrove/lime"
	"limegrove/routing/delivery"
	"limegrove/routing/subject"
	"limegrove/tracing"
)

// scratch is what one publication needs while it is made.
type scratch struct {
	fold         subject.Scratch
	subjects     []byte // the subject, and the reply subject behind it
	envelope     []byte
	traced       []byte // with the span of its publication
	id, from, to []byte
	name         []byte // of a session that begins
	unique       []byte
	told         []delivery.Entry // whose senders are to be told
	turn         turn             // of the short cut
	msg          nats.Msg         // likewise
	foreign      bool             // by way of a gateway
}

// route publishes an envelope once, whoever may hold the recipient.
func (h *Hubs) route(m *Member, to lime.NodeView, header *lime.Header, envelope []byte) error {
	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	return h.publish(m, to, header, envelope, s)
}

// publish is route; m is nil for an envelope of the edge's own. envelope may be of s.
func (h *Hubs) publish(m *Member, to lime.NodeView, header *lime.Header, envelope []byte, s *scratch) error {
	s.subjects = subject.AppendTo(s.subjects[:0], to.Domain, to.Name, to.Instance, &s.fold)
	n := len(s.subjects)
	if n > subject.Max {
		return &lime.Reason{Code: lime.CodeValidationInvalidRecipients, Description: "The address is too long"}
	}
	key, token, _ := subject.SplitTo(lent(s.subjects))
	here := h.here.of(h.hash(key))
	if m != nil && hubsIn(here.Load()) && h.answering.Load() && h.handHere(m, key, token, header, envelope, s) {
		return nil
	}
	prefix := h.prefix
	if header.Kind == lime.KindMessage && m != nil {
		prefix = h.prefixes[m.standing(to.Domain)]
	}
	var span *tracing.Span
	if header.Traced {
		span, envelope = h.forwarding(envelope, s)
	}
	sequence := h.replies.add(m, header, h.keeps(header, envelope))
	if span != nil {
		h.replies.trace(sequence, span.Context)
	}
	if s.foreign {
		h.replies.viaGateway(sequence)
	}
	if sequence == subject.NoReply {
		s.subjects = subject.AppendNoReply(s.subjects, prefix, 0, h.turns.Add(1))
	} else {
		s.subjects = subject.AppendReply(s.subjects, prefix, 0, sequence)
	}
	here.Add(onePublication)
	defer here.Add(-onePublication)
	text := lent(s.subjects)
	if err := h.cfg.NATS.PublishRequest(text[:n], text[n:], envelope); err != nil {
		h.replies.take(sequence)
		h.metrics.drop(dropBroker)
		h.broken(span)
		return brokerReason()
	}
	if span != nil {
		h.cfg.Tracer.End(span, nil)
	}
	if hubsIn(here.Load()) { // by now
		h.sentAway(key)
	}
	h.metrics.published.Inc()
	return nil
}

// keeps returns an envelope that is to be stored when it reaches nobody: a
// notification, which its sender would not be told about.
func (h *Hubs) keeps(header *lime.Header, envelope []byte) []byte {
	if h.cfg.Streams == nil || header.Kind != lime.KindNotification || len(envelope) > maxKept {
		return nil
	}
	return envelope
}

// maxKept is the longest notification that is kept to be stored. The ring that keeps
// them has room for many, and a receipt has nothing to say that is longer.
const maxKept = 4 << 10

// Headers of a command on its way to the routers.
const (
	headerRequester = "Limegrove-Requester" // the node to answer, quoted: NATS trims what it is given
	headerGuest     = "Limegrove-Guest"     // present when the requester is a guest
	headerRole      = "Limegrove-Role"      // its role, when that is more than a member's
)

// command publishes a command to the routers of the session's domain.
func (h *Hubs) command(m *Member, header *lime.Header, envelope []byte) error {
	sequence := h.replies.add(m, header, nil)
	var span *tracing.Span
	if header.Traced {
		envelope = bytes.Clone(envelope)
		if span = h.cfg.Tracer.Next(tracing.StepForward, envelope); span != nil {
			h.replies.trace(sequence, span.Context)
		}
	}
	msg := &nats.Msg{
		Subject: subject.Command(m.who.Domain()),
		Reply:   string(subject.AppendReply(nil, h.prefix, 0, sequence)),
		Data:    envelope,
		Header:  nats.Header{headerRequester: []string{strconv.Quote(m.who.String())}},
	}
	if m.guest {
		msg.Header[headerGuest] = []string{"1"}
	}
	if m.role() != "" && m.role() != lime.RoleMember {
		msg.Header[headerRole] = []string{string(m.role())}
	}
	if err := h.cfg.NATS.PublishMsg(msg); err != nil {
		h.replies.take(sequence)
		h.metrics.drop(dropBroker)
		h.broken(span)
		return brokerReason()
	}
	h.cfg.Tracer.End(span, nil)
	h.metrics.published.Inc()
	return nil
}

// brokerReason is for a sender whose envelope NATS did not take.
func brokerReason() *lime.Reason {
	return &lime.Reason{Code: lime.CodeDispatchError, Description: "The cluster is not reachable now"}
}

// answered tells a session that its envelope has reached nobody. The reply came
// from the broker when nobody subscribes, or from a hub with the reason's code.
func (h *Hubs) answered(msg *nats.Msg, sequence uint64) {
	p, ok := h.replies.take(sequence)
	if !ok {
		h.metrics.unanswered.Inc()
		return
	}
	code := lime.CodeRoutingDestinationNotFound
	if p.kind == lime.KindNotification { // whatever the code
	} else if msg.Header.Get("Status") == "503" {
		h.metrics.drop(dropNoRecipient)
	} else if told, err := strconv.Atoi(string(msg.Data)); err == nil {
		code = lime.Code(told)
	}
	h.unreached(&p, p.code(code))
}

// code is the reason's code that the sender of an envelope is told which a hub refuses with another.
func (p *pending) code(told lime.Code) lime.Code {
	if p.foreign && told == lime.CodeRoutingDestinationNotFound {
		return lime.CodeRoutingGatewayNotFound
	}
	return told
}

// unreached tells a session that its envelope has reached nobody, or has it stored. It borrows p.
func (h *Hubs) unreached(p *pending, code lime.Code) {
	if p.kind == lime.KindNotification {
		h.storeNotification(p.envelope)
		return
	}
	if p.traced != nil {
		h.cfg.Tracer.Failed(*p.traced, p.kind, string(p.id), code)
	}
	from := h.ServerNode(p.member.who.Domain())
	s := h.scratch.Get().(*scratch)
	defer h.scratch.Put(s)
	s.envelope = appendFailure(s.envelope[:0], p, from, p.member.who.Node(), reasonOf(code))
	if p.member.hasLeft() {
		h.metrics.drop(dropClosed)
		return
	}
	if err := p.member.to.Deliver(s.envelope); err != nil {
		h.metrics.drop(dropFor(err))
		return
	}
	h.cfg.Sent(p.answer(), 1, len(s.envelope))
	p.member.to.Flush()
}
