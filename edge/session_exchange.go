package edge

import (
	"limegrove/lime"
	"limegrove/tracing"
)

// Reasons that are given often. They are not changed.
var (
	reasonRate     = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many envelopes or bytes a second"}
	reasonDispatch = &lime.Reason{Code: lime.CodeDispatchError, Description: "The envelope cannot be handed on now"}
)

// exchange takes an envelope of an established session. What is wrong with it is
// told by a notification or a response, and the session goes on.
func (s *session) exchange(t *scratch, b []byte) {
	price := 1
	if paid(&t.header) {
		price = s.price()
	}
	if !s.envelopes.take(t.now, price, s.rules.envelopeRate) || !s.bytes.take(t.now, len(b), s.rules.byteRate) {
		if t.whole { // what is behind it is not left, and has cost as much
			s.envelopes.charge(t.now, price, s.rules.envelopeRate)
		}
		s.out.count(dropRate)
		s.refuse(&t.header, reasonRate)
		return
	}
	if t.header.NeedsMending { // rare: what a strict peer could not bear
		t.mended = t.header.AppendMended(t.mended[:0], b)
		b = t.mended
		if _, err := t.header.Scan(b); err != nil {
			s.refuse(&t.header, reasonDispatch)
			return
		}
	}
	var span *tracing.Span
	if s.rules.tracer != nil {
		if b, span = s.rules.tracer.Arrived(&t.header, t.traced, b); span != nil {
			t.traced = b
		}
	}
	why := t.header.Check()
	if why == nil {
		if err := s.pass(t, b); err != nil {
			if why = lime.AsReason(err); why == nil {
				why = reasonDispatch
			}
		}
	}
	if span != nil {
		s.rules.tracer.End(span, why)
	}
	if why == nil {
		return
	}
	switch why {
	case reasonRate: // a command that counts for more than one envelope
		s.out.count(dropRate)
	case reasonIgnored:
		s.out.count(dropIgnored)
	default:
		s.out.count(dropRefused)
	}
	s.refuse(&t.header, why)
}

// pass hands an envelope on: to whoever holds its address, to the routers, or to
// what the edge answers itself.
func (s *session) pass(t *scratch, b []byte) error {
	h := &t.header
	if s.rank == rankApplicant && !s.applies(h) {
		return reasonApplicant
	}
	var change lime.Rewrite
	who, err := s.checkSender(t, &change)
	if err != nil {
		return err
	}
	to, server, err := s.destination(t, &change)
	switch {
	case err != nil:
		return err
	case who == onBehalf && !(server && (s.mayRegister(h) || s.mayAsk(h))) && !s.mayActFor(t, &change):
		return reasonSender
	case server:
		return s.serve(t, b, who, change)
	case s.rules.ignored != nil && s.isIgnored(h, who):
		return reasonIgnored
	}
	if why := h.CheckDocument(); why != nil {
		return why
	}
	if of, is := lime.OfRooms(to.Domain); is && s.rules.rooms.on && s.rules.serves(of) {
		if len(to.Instance) == 0 {
			return s.publish(t, to, of, b, who, change)
		}
		if to, err = t.senderInRoom(to, &change); err != nil {
			return err
		}
	}
	switch {
	case h.Kind == lime.KindNotification && s.isSelf(to):
		if !s.member.Receipt(h, t.changed(b, change)) {
			s.out.count(dropLoop) // L-NOT-08
		}
		return nil
	case isRequest(h) && h.ID == nil:
		s.out.count(dropNoID) // L-CMD-08
		return nil
	}
	return s.member.Route(to, h, t.changed(b, change))
}

// changed returns the envelope with its addresses as they leave the edge: the one
// that came, without the white space before it, when there is nothing to change.
func (t *scratch) changed(b []byte, change lime.Rewrite) []byte {
	change.RemovePP, change.Enums = t.header.BlankPP, t.header.LooseEnums
	if change.IsZero() {
		return b[len(b)-t.header.Size:]
	}
	t.envelope = t.header.AppendRewritten(t.envelope[:0], b, change)
	return t.envelope
}

// refuse tells the client what is wrong with an envelope, as far as LIME has a way
// to: nothing answers a notification, a response, or what has no id (L-MSG-09).
func (s *session) refuse(h *lime.Header, why *lime.Reason) {
	switch {
	case h.ID == nil:
	case h.Kind == lime.KindMessage:
		s.notify(h, lime.EventFailed, why)
	case isRequest(h):
		s.respond(h, lime.CommandFailure, "", nil, why)
	}
}

// notify sends the server's notification about a message of the client, if the client
// wants such: L-NOT-02.
func (s *session) notify(h *lime.Header, event lime.Event, why *lime.Reason) {
	if !s.member.Receipts().Has(event) {
		return
	}
	n := lime.Notification{ID: string(h.ID), From: s.server(), To: s.who.Node(), Event: event, Reason: why}
	t := newText()
	defer t.done()
	t.b = n.AppendJSON(t.b)
	s.answer(lime.KindNotification, t.b)
}

// respond sends the server's response to a command of the client.
func (s *session) respond(h *lime.Header, status lime.CommandStatus, mediaType string, resource []byte, why *lime.Reason) {
	c := lime.Command{
		ID: string(h.ID), From: s.server(), To: s.who.Node(), Method: h.Method,
		Status: status, Type: mediaType, Resource: resource, Reason: why,
	}
	t := newText()
	defer t.done()
	t.b = c.AppendJSON(t.b)
	s.answer(lime.KindCommand, t.b)
}

// answer sends an envelope that the client can do without.
func (s *session) answer(k lime.Kind, envelope []byte) {
	if !s.out.send(k, envelope) {
		s.out.count(dropQueueFull)
	}
}

// isRequest tells whether a header is that of a command that wants a response.
func isRequest(h *lime.Header) bool {
	return h.Kind == lime.KindCommand && h.Status == 0 && h.Method != lime.MethodObserve
}
