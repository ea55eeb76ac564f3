package tracing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"limegrove/lime"
)

// scanned is an envelope with its header.
func scanned(t testing.TB, envelope string) (*lime.Header, []byte) {
	t.Helper()
	var h lime.Header
	b := []byte(envelope)
	n, err := h.Scan(b)
	if err != nil {
		t.Fatal(err)
	}
	return &h, b[:n]
}

// with is a message with such a traceparent.
func with(traceparent string) string {
	return ` {"id":"1","metadata":{"a":"b","traceparent":"` + traceparent + `","tracestate":"x=y"},"to":"rui","type":"text/plain","content":"` + traceparent + `"}`
}

// made are the spans that wait to be exported.
func (t *Tracer) made() (all []Span) {
	for len(t.queue) > 0 {
		all = append(all, <-t.queue)
	}
	return all
}

// dropped, and passed because of the rate, by now.
func (t *Tracer) counted(what prometheus.Counter) int { return int(testutil.ToFloat64(what)) }

func TestWhatIsRecordedGetsASpanAndNothingElseChanges(t *testing.T) {
	tr := New(Config{Bounds: Bounds{Rate: 10}})
	h, b := scanned(t, with(example))
	before := string(b)
	envelope, s := tr.Arrived(h, nil, b)
	if s == nil || !h.Traced {
		t.Fatal("it is not traced")
	}
	want, _ := parse([]byte(example))
	if s.Trace != want.Trace || s.Parent != want.Span || s.Context.Span == want.Span || s.Step != StepReceive || s.ID != "1" || s.Kind != lime.KindMessage || s.Size != h.Size {
		t.Errorf("its span is %+v", s)
	}
	if string(b) != before {
		t.Errorf("what was borrowed became %s", b)
	}
	if got := strings.Replace(before, example, s.Context.String(), 1); string(envelope) != got {
		t.Errorf("%s became %s", before, envelope)
	}
	tr.End(s, nil)
	next := tr.Next(StepStore, envelope)
	if next == nil || next.Parent != s.Context.Span || next.Trace != s.Trace || !next.Stored {
		t.Fatalf("the next span is %+v", next)
	}
	tr.End(next, &lime.Reason{Code: 51})
	h, b = scanned(t, string(envelope))
	envelope, last := tr.Delivered(h, nil, b)
	if last == nil || last.Parent != next.Context.Span || !bytes.Contains(envelope, []byte(last.Context.String())) {
		t.Fatalf("the last span is %+v, of %s", last, envelope)
	}
	tr.End(last, nil)
	var steps []string
	for _, s := range tr.made() {
		steps = append(steps, fmt.Sprint(s.Step, s.Failed(), s.End.Before(s.Start)))
	}
	if want := "[receive false false store true false deliver false false]"; fmt.Sprint(steps) != want {
		t.Errorf("the spans are %v, want %s", steps, want)
	}
}

func TestEverythingElseIsCarriedUntouched(t *testing.T) {
	tr := New(Config{Bounds: Bounds{Rate: 10}})
	for _, envelope := range []string{
		`{"content":1}`, `{"content":1,"traceparent":"` + example + `"}`, with(""), with("00-1"), with(example[:53] + "00"),
		with("ff" + example[2:]), with(strings.ToUpper(example)), `{"content":1,"metadata":{"Traceparent":"` + example + `"}}`,
	} {
		for what, f := range map[string]func(*lime.Header, []byte, []byte) ([]byte, *Span){"arrived": tr.Arrived, "delivered": tr.Delivered} {
			h, b := scanned(t, envelope)
			if got, s := f(h, nil, b); s != nil || h.Traced || &got[0] != &b[0] || string(got) != envelope[:len(b)] {
				t.Errorf("%s, %s, became %s with %+v", envelope, what, got, s)
			}
		}
	}
	if s := tr.Next(StepForward, []byte(with("00-1"))); s != nil {
		t.Errorf("there is %+v", s)
	}
}

func TestTheRateBoundsWhatClientsBringAbout(t *testing.T) {
	tr := New(Config{Bounds: Bounds{Rate: 2}})
	traced := func(f func(*lime.Header, []byte, []byte) ([]byte, *Span)) (n int) {
		for range 10 {
			h, b := scanned(t, with(example))
			got, s := f(h, nil, b)
			if s != nil {
				n++
			} else if &got[0] != &b[0] || h.Traced {
				t.Error("what is beyond the rate was touched")
			}
		}
		return n
	}
	if n, over := traced(tr.Arrived), tr.counted(tr.metrics.overRate[StepReceive]); n != 4 || over != 6 {
		t.Errorf("%d of 10 that have arrived are traced and %d counted, at 2 a second and twice that at once", n, over)
	}
	if n, over := traced(tr.Delivered), tr.counted(tr.metrics.overRate[StepDeliver]); n != 4 || over != 6 {
		t.Errorf("likewise %d and %d that are delivered", n, over)
	}
	tr.SetBounds(Bounds{Share: 1})
	h, b := scanned(t, `{"content":1}`)
	if _, s := tr.Arrived(h, nil, b); s != nil {
		t.Error("a trace was begun beyond the rate")
	}
}

func TestAShareOfMessagesIsGivenATrace(t *testing.T) {
	tr := New(Config{Bounds: Bounds{Share: 1, Rate: 1000}})
	h, b := scanned(t, ` {"id":"1","metadata":{"a":"b"},"to":"rui","content":1}`)
	envelope, s := tr.Arrived(h, nil, b)
	if s == nil || !h.Traced || string(h.To) != "rui" || h.Size != len(envelope) {
		t.Fatalf("%s with %+v", envelope, s)
	}
	var e struct{ Metadata map[string]string }
	if err := json.Unmarshal(envelope, &e); err != nil || e.Metadata["a"] != "b" || e.Metadata[Key] != s.Context.String() {
		t.Errorf("%s (%v), want the traceparent %s", envelope, err, s.Context)
	}
	c, ok := parse([]byte(e.Metadata[Key]))
	if !ok || !c.Sampled() || s.Parent != (SpanID{}) {
		t.Errorf("the trace begins with %+v", s)
	}
	for _, envelope := range []string{`{"event":"received","id":"1"}`, `{"method":"get","uri":"/x","id":"1"}`, with(example[:53] + "00"), with("no")} {
		h, b := scanned(t, envelope)
		if _, s := tr.Arrived(h, nil, b); s != nil {
			t.Errorf("%s is given a trace", envelope)
		}
	}
	tr.SetBounds(Bounds{Share: 0.5, Rate: 100_000})
	begun := 0
	for range 1000 {
		h, b := scanned(t, `{"content":1}`)
		if _, s := tr.Arrived(h, nil, b); s != nil {
			begun++
		}
	}
	if begun < 350 || begun > 650 { // nine standard deviations
		t.Errorf("%d of 1000 are given a trace, want half", begun)
	}
}

func TestWhatReachesNobodyIsASpanThatHasFailed(t *testing.T) {
	tr := New(Config{Bounds: Bounds{Rate: 10}})
	h, b := scanned(t, with(example))
	tr.Lost(h, b, 42, "no_recipient")
	c, _ := parse([]byte(example))
	tr.Failed(c, lime.KindMessage, "1", 42)
	h, b = scanned(t, with(example[:53]+"00"))
	tr.Lost(h, b, 42, "no_recipient")
	all := tr.made()
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	for i, want := range []Span{{Step: StepDeliver, Dropped: "no_recipient", Size: h.Size}, {Step: StepFail}} {
		got := all[i]
		if !got.Failed() || got.Code != 42 || got.Dropped != want.Dropped || got.Step != want.Step || got.Size != want.Size || got.ID != "1" || got.Parent != c.Span || got.Kind != lime.KindMessage {
			t.Errorf("%+v", got)
		}
	}
}

// What does not want to be traced costs nothing but looking.
func TestLookingForATraceparentAllocatesNothing(t *testing.T) {
	tr := New(Config{Bounds: Bounds{Rate: 10}})
	for _, envelope := range []string{`{"content":1}`, with(example[:53] + "00")} {
		h, b := scanned(t, envelope)
		if n := testing.AllocsPerRun(100, func() { tr.Arrived(h, nil, b); tr.Delivered(h, nil, b) }); n != 0 {
			t.Errorf("%s: %v allocations", envelope, n)
		}
	}
}

func BenchmarkArrived(b *testing.B) {
	tr := New(Config{Bounds: Bounds{Rate: 1 << 30}})
	for name, envelope := range map[string]string{"without": `{"content":1}`, "unsampled": with(example[:53] + "00"), "sampled": with(example)} {
		b.Run(name, func(b *testing.B) {
			h, text := scanned(b, envelope)
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				if marked, s := tr.Arrived(h, buffer, text); s != nil {
					buffer = marked
				}
			}
		})
	}
}
