package routing

import (
	"limegrove/lime"
	"limegrove/tracing"
)

// Envelopes that are traced say so in their headers from when an edge has taken them, and by their bytes to whoever hands
// them out: each step writes its span into a copy of its own.

// forwarding begins the span of a publication. The envelope that is to leave is of s.
func (h *Hubs) forwarding(envelope []byte, s *scratch) (*tracing.Span, []byte) {
	s.traced = append(s.traced[:0], envelope...)
	return h.cfg.Tracer.Next(tracing.StepForward, s.traced), s.traced
}

// broken ends the span, if any, of what NATS did not take.
func (h *Hubs) broken(span *tracing.Span) {
	if span != nil {
		span.Dropped = string(dropBroker)
		h.cfg.Tracer.End(span, brokerReason())
	}
}

// ended ends the span, if any, of what was to be stored, why for what is not.
func (h *Hubs) ended(o *outgoing, why *lime.Reason) {
	if o.span != nil {
		h.cfg.Tracer.End(o.span, why)
	}
}

// stepTo is the step by which a message with an id, or none, leaves for a group.
func stepTo(id []byte) tracing.Step {
	if id != nil {
		return tracing.StepStore
	}
	return tracing.StepForward
}

// handTraced is hand of what may be traced.
func (t *turn) handTraced(m *Member, token string, envelope []byte) error {
	envelope, span := t.hubs.cfg.Tracer.Delivered(&t.header, t.traced, envelope)
	if span == nil {
		return t.hand(m, token, envelope)
	}
	t.traced = envelope
	span.Stored = t.stored
	err := t.hand(m, token, envelope)
	if err != nil {
		span.Dropped = string(dropFor(err))
	}
	t.hubs.cfg.Tracer.End(span, lime.AsReason(err))
	return err
}

// lost notes of what is traced that it reaches nobody here. The header is scanned of envelope.
func (t *turn) lost(envelope []byte, code lime.Code, why dropReason) {
	if t.hubs.cfg.Tracer != nil {
		t.hubs.cfg.Tracer.Lost(&t.header, envelope, code, string(why))
	}
}
