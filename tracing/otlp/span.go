package otlp

import (
	"strconv"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"limegrove/tracing"
)

// What a step is by OpenTelemetry's semantic conventions for messaging: its kind, and the type of the operation, which a step that only
// tells has not.
var conventions = map[tracing.Step]struct {
	kind      trace.Span_SpanKind
	operation string
}{
	tracing.StepReceive: {trace.Span_SPAN_KIND_CONSUMER, "receive"},
	tracing.StepForward: {trace.Span_SPAN_KIND_PRODUCER, "send"},
	tracing.StepStore:   {trace.Span_SPAN_KIND_PRODUCER, "send"},
	tracing.StepDeliver: {trace.Span_SPAN_KIND_CONSUMER, "process"},
	tracing.StepFanOut:  {trace.Span_SPAN_KIND_PRODUCER, "send"},
	tracing.StepFail:    {trace.Span_SPAN_KIND_INTERNAL, ""},
}

// spanOf is a span as OTLP has it.
func spanOf(s *tracing.Span) *trace.Span {
	c := conventions[s.Step]
	p := &trace.Span{
		TraceId: s.Trace[:], SpanId: s.Span[:], Flags: uint32(s.Flags), Name: s.Step.String(), Kind: c.kind,
		StartTimeUnixNano: uint64(s.Start.UnixNano()), EndTimeUnixNano: uint64(s.End.UnixNano()),
	}
	if s.Parent != (tracing.SpanID{}) {
		p.ParentSpanId = s.Parent[:]
	}
	a := attributes{}.
		text("messaging.system", "limegrove").text("messaging.operation.name", s.Step.String()).text("messaging.operation.type", c.operation).
		text("messaging.message.id", s.ID).text("lime.kind", s.Kind.String())
	if s.Size > 0 {
		a = a.number("messaging.message.envelope.size", int64(s.Size))
	}
	if s.Stored {
		a = a.flag("limegrove.stored", true)
	}
	if s.Copies > 0 {
		a = a.number("limegrove.copies", int64(s.Copies))
	}
	a = a.text("limegrove.dropped", s.Dropped)
	if s.Failed() {
		why := s.Dropped
		if s.Code != 0 {
			a = a.number("lime.reason.code", int64(s.Code))
			why = "reason " + strconv.Itoa(int(s.Code))
		}
		a = a.text("error.type", why)
		p.Status = &trace.Status{Code: trace.Status_STATUS_CODE_ERROR, Message: why}
	}
	p.Attributes = a
	return p
}

// attributes are those of a span or a resource. What is empty is left out.
type attributes []*common.KeyValue

func (a attributes) text(key, value string) attributes {
	if value == "" {
		return a
	}
	return append(a, &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}})
}

func (a attributes) number(key string, value int64) attributes {
	return append(a, &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: value}}})
}

func (a attributes) flag(key string, value bool) attributes {
	return append(a, &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: value}}})
}
