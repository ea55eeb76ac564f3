package tracing

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	"golang.org/x/time/rate"

	"limegrove/internal/complaint"
	"limegrove/lime"
)

// Bounds are what of a tracer may change while it runs.
type Bounds struct {
	// Share is the part, 0 to 1, of the messages without a traceparent for which a trace is begun. 0 for none.
	Share float64
	// Rate is how many envelopes a second are traced as they come from clients, and again how many copies as they are
	// delivered; twice that at once. What is beyond is carried as if the trace were not recorded. 0 for none.
	Rate int
}

// Config is what a Tracer is made of. Export is required.
type Config struct {
	Bounds

	// Export brings spans to where they are looked at, and is called by Run alone. It borrows them. It tells how many get lost, and
	// why.
	Export func(context.Context, []Span) (lost int, err error)

	// Queue is how many spans may wait to be exported. What is beyond is dropped. Default 4096.
	Queue int

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Tracer makes spans. It may be used from anywhere, and none of its methods but Run blocks.
type Tracer struct {
	export     func(context.Context, []Span) (lost int, err error)
	queue      chan Span
	metrics    *metrics
	complaints complaint.Log

	begins               atomic.Uint64 // the share, of 1<<shareBits
	arrivals, deliveries *rate.Limiter
}

// New makes a tracer. Nothing is exported before Run.
func New(cfg Config) *Tracer {
	if cfg.Queue <= 0 {
		cfg.Queue = 4096
	}
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	t := &Tracer{
		export: cfg.Export, queue: make(chan Span, cfg.Queue), metrics: newMetrics(cfg.Metrics), complaints: complaint.Log{Logger: cfg.Logger},
		arrivals: limiter(cfg.Rate), deliveries: limiter(cfg.Rate),
	}
	t.SetBounds(cfg.Bounds)
	return t
}

// limiter lets so many through a second, and twice that at once.
func limiter(perSecond int) *rate.Limiter { return rate.NewLimiter(rate.Limit(perSecond), 2*perSecond) }

const shareBits = 53 // as many as a share is exact to

// SetBounds puts others in force.
func (t *Tracer) SetBounds(b Bounds) {
	t.begins.Store(uint64(b.Share * (1 << shareBits)))
	for _, l := range []*rate.Limiter{t.arrivals, t.deliveries} {
		l.SetLimit(rate.Limit(b.Rate))
		l.SetBurst(2 * b.Rate)
	}
}

// Arrived is for what has come from a client, or a backend. When it is to be traced the span of its receipt has begun, and what is
// to go on is a copy with the span as its parent, made in dst, and h is of that. Otherwise b goes on. h was scanned of b.
func (t *Tracer) Arrived(h *lime.Header, dst, b []byte) (envelope []byte, s *Span) {
	c, text, ok := read(h, b)
	switch {
	case text == nil:
		return t.begun(h, dst, b)
	case ok && t.takes(c, StepReceive, t.arrivals):
		s = c.after(StepReceive, h, h.Size)
		h.Traced = true
		envelope = s.mark(h, dst, b)
		return envelope, s
	}
	return b, nil
}

// begun begins a trace, for its share of what has none.
func (t *Tracer) begun(h *lime.Header, dst, b []byte) (envelope []byte, s *Span) {
	if h.Kind != lime.KindMessage || rand.Uint64N(1<<shareBits) >= t.begins.Load() || !t.arrivals.Allow() {
		return b, nil
	}
	s = Context{Trace: newTraceID(), Flags: flagSampled}.after(StepReceive, h, h.Size)
	dst = h.AppendWithMetadata(dst[:0], b, Key, s.Context.String())
	var marked lime.Header
	if _, err := marked.Scan(dst); err != nil {
		return b, nil // it is one with a text more
	}
	*h = marked
	h.Traced = true
	return dst, s
}

// Delivered is for what is about to be queued for a session. When it is traced, the span has begun, and what is to be queued is a copy with the span as
// its parent, made in dst. h was scanned of b and holds for the copy as well.
func (t *Tracer) Delivered(h *lime.Header, dst, b []byte) (envelope []byte, s *Span) {
	c, _, ok := read(h, b)
	if !ok || !t.takes(c, StepDeliver, t.deliveries) {
		return b, nil
	}
	s = c.after(StepDeliver, h, h.Size)
	envelope = s.mark(h, dst, b)
	return envelope, s
}

// Next is for the next step of what has Arrived and is traced. The span becomes its parent, in place: the envelope is the
// caller's own.
func (t *Tracer) Next(step Step, envelope []byte) *Span {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return nil
	}
	c, text, ok := read(&h, envelope)
	if !ok || !c.Sampled() {
		return nil
	}
	s := c.after(step, &h, h.Size)
	s.write(text)
	return s
}

// Lost is for what is traced and reaches nobody at its edge, under the name by which that is counted.
func (t *Tracer) Lost(h *lime.Header, b []byte, code lime.Code, dropped string) {
	if c, _, ok := read(h, b); ok && t.takes(c, StepDeliver, t.deliveries) {
		s := c.after(StepDeliver, h, h.Size)
		s.Code, s.Dropped = code, dropped
		t.End(s, nil)
	}
}

// Failed is for what was forwarded, by a span of that Context, and has reached nobody.
func (t *Tracer) Failed(c Context, kind lime.Kind, id string, code lime.Code) {
	s := c.after(StepFail, &lime.Header{Kind: kind}, 0)
	s.ID, s.Code = id, code
	t.End(s, nil)
}

// takes tells whether a span may be made.
func (t *Tracer) takes(c Context, at Step, of *rate.Limiter) bool {
	if !c.Sampled() {
		return false
	}
	if !of.Allow() {
		t.metrics.overRate[at].Inc()
		return false
	}
	return true
}

// mark returns a copy of b, made in dst, with the span as its parent.
func (s *Span) mark(h *lime.Header, dst, b []byte) []byte {
	dst = append(dst[:0], b...)
	s.write(h.MetadataText(dst, Key))
	return dst
}

// End notes that a step is over, why for what went no further. The span is the tracer's then; nil is none.
func (t *Tracer) End(s *Span, why *lime.Reason) {
	if s == nil {
		return
	}
	if why != nil {
		s.Code = why.Code
	}
	s.End = time.Now()
	select {
	case t.queue <- *s:
		t.metrics.spans[s.Step].Inc()
	default:
		t.metrics.drop(dropQueueFull, 1)
	}
}
