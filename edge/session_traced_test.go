package edge

import (
	"context"
	"strings"
	"testing"

	"limegrove/lime"
	"limegrove/tracing"
)

const traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// spans has the session's envelopes traced, and returns what tells of all of them.
func (d *dialogue) spans(b tracing.Bounds) (all func() []tracing.Span) {
	var got []tracing.Span
	tracer := tracing.New(tracing.Config{Bounds: b, Export: func(_ context.Context, s []tracing.Span) (int, error) {
		got = append(got, s...)
		return 0, nil
	}})
	d.session.rules.tracer = tracer
	done, cancel := context.WithCancel(context.Background())
	cancel()
	return func() []tracing.Span {
		tracer.Run(done)
		return got
	}
}

func TestATracedEnvelopeGoesOnAsTheSpanOfItsReceipt(t *testing.T) {
	d := established(t)
	spans := d.spans(tracing.Bounds{Rate: 10})
	const rest = `"to":"rui@example.org","metadata":{"traceparent":"` + traced + `","tracestate":"a=b"},"type":"text/plain","content":"` + traced + `"}`
	d.says(` {"id":"m",` + rest)
	d.says(`{"id":"c","method":"get","uri":"/x","metadata":{"traceparent":"` + traced + `"}}`)
	routed, commands := d.member.routed, d.member.commands
	d.member.routed, d.member.commands = nil, nil
	d.says(`{"id":"m","to":"rui@example.com","metadata":{"traceparent":"` + traced + `"},"type":"text/plain","content":"x"}`)
	d.refusesMessage("a foreign domain", 43)
	all := spans()
	if len(all) != 3 {
		t.Fatalf("the spans are %+v", all)
	}
	for i, code := range []lime.Code{0, 0, lime.CodeRoutingGatewayNotFound} {
		if s := all[i]; s.Step != tracing.StepReceive || s.Code != code || s.ID != []string{"m", "c", "m"}[i] {
			t.Errorf("span %d is %+v", i, s)
		}
	}
	want := `rui@example.org {"from":"` + anaNode + `","id":"m",` + strings.Replace(rest, traced, all[0].Context.String(), 1)
	if routed[0] != want {
		t.Errorf("routed is\n%s\nnot\n%s", routed[0], want)
	}
	if !strings.Contains(commands[0], all[1].Context.String()) {
		t.Errorf("the command is %s", commands[0])
	}
}

func TestWhatIsNotTracedGoesOnByteForByte(t *testing.T) {
	for what, b := range map[string]tracing.Bounds{"unsampled": {Rate: 10, Share: 1}, "beyond the rate": {}} {
		d := established(t)
		spans := d.spans(b)
		parent := traced
		if what == "unsampled" {
			parent = traced[:53] + "00"
		}
		envelope := `{"from":"` + anaNode + `","to":"rui@example.org","metadata":{"traceparent":"` + parent + `"},"type":"text/plain","content":"x"}`
		d.says(envelope)
		if got := d.member.routed[0]; got != "rui@example.org "+envelope {
			t.Errorf("%s: %s became %s", what, envelope, got)
		}
		if all := spans(); len(all) > 0 {
			t.Errorf("%s: the spans are %+v", what, all)
		}
	}
}

func TestAMessageIsGivenATrace(t *testing.T) {
	d := established(t)
	spans := d.spans(tracing.Bounds{Share: 1, Rate: 10})
	d.says(` {"to":"rui","type":"text/plain","content":"x"}`)
	all := spans()
	if len(all) != 1 {
		t.Fatalf("the spans are %+v", all)
	}
	want := `rui@example.org {"from":"` + anaNode + `","to":"rui@example.org","type":"text/plain","content":"x","metadata":{"traceparent":"` + all[0].Context.String() + `"}}`
	if got := d.member.routed[0]; got != want {
		t.Errorf("routed is\n%s\nnot\n%s", got, want)
	}
}
