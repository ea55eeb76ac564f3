package otlp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"limegrove/lime"
	"limegrove/tracing"
)

// collecting is a collector, and what it was sent.
func collecting(t *testing.T) (url string, requests chan *http.Request, bodies chan *collector.ExportTraceServiceRequest) {
	requests, bodies = make(chan *http.Request, 1), make(chan *collector.ExportTraceServiceRequest, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var body collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(b, &body)
		}
		if err != nil {
			t.Error(err)
		}
		requests <- r
		bodies <- &body
	}))
	t.Cleanup(server.Close)
	return server.URL, requests, bodies
}

func TestASpanAsTheCollectorGetsIt(t *testing.T) {
	url, requests, bodies := collecting(t)
	for at, path := range map[string]string{url: "/v1/traces", url + "/": "/v1/traces", url + "/of/ours": "/of/ours"} {
		e, err := New(Config{Endpoint: at, Headers: http.Header{"Authorization": {"Bearer secret"}}, Service: "limegrove-edge", Instance: "edge-1"})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Unix(100, 7)
		t.Cleanup(e.Close)
		lost, err := e.Export(t.Context(), []tracing.Span{
			{
				Context: tracing.Context{Trace: tracing.TraceID{1, 15: 2}, Span: tracing.SpanID{3, 7: 4}, Flags: 1}, Parent: tracing.SpanID{5},
				Step: tracing.StepStore, Start: start, End: start.Add(time.Second), Kind: lime.KindMessage, ID: "m-1", Size: 200, Stored: true, Code: 51,
			},
			{Step: tracing.StepDeliver, Kind: lime.KindCommand, Start: start, End: start, Dropped: "queue_full"},
			{Step: tracing.StepReceive, Kind: lime.KindNotification, Start: start, End: start},
		})
		if err != nil || lost != 0 {
			t.Fatal(lost, err)
		}
		if r := <-requests; r.URL.Path != path || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("with -trace-endpoint %s: asked is %s with %v", at, r.URL.Path, r.Header)
		}
		got := <-bodies
		want := &collector.ExportTraceServiceRequest{}
		if err := protojson.Unmarshal([]byte(exported), want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Errorf("got %s", protojson.Format(got))
		}
	}
}

const exported = `{"resourceSpans":[{"resource":{"attributes":[
	{"key":"service.name","value":{"stringValue":"limegrove-edge"}},{"key":"service.instance.id","value":{"stringValue":"edge-1"}}]},
"scopeSpans":[{"scope":{"name":"limegrove"},"spans":[
	{"traceId":"AQAAAAAAAAAAAAAAAAAAAg==","spanId":"AwAAAAAAAAQ=","parentSpanId":"BQAAAAAAAAA=","flags":1,"name":"store","kind":"SPAN_KIND_PRODUCER",
	"startTimeUnixNano":"100000000007","endTimeUnixNano":"101000000007","status":{"code":"STATUS_CODE_ERROR","message":"reason 51"},"attributes":[
		{"key":"messaging.system","value":{"stringValue":"limegrove"}},
		{"key":"messaging.operation.name","value":{"stringValue":"store"}},
		{"key":"messaging.operation.type","value":{"stringValue":"send"}},
		{"key":"messaging.message.id","value":{"stringValue":"m-1"}},
		{"key":"lime.kind","value":{"stringValue":"message"}},
		{"key":"messaging.message.envelope.size","value":{"intValue":"200"}},
		{"key":"limegrove.stored","value":{"boolValue":true}},
		{"key":"lime.reason.code","value":{"intValue":"51"}},
		{"key":"error.type","value":{"stringValue":"reason 51"}}]},
	{"traceId":"AAAAAAAAAAAAAAAAAAAAAA==","spanId":"AAAAAAAAAAA=","name":"deliver","kind":"SPAN_KIND_CONSUMER",
	"startTimeUnixNano":"100000000007","endTimeUnixNano":"100000000007","status":{"code":"STATUS_CODE_ERROR","message":"queue_full"},"attributes":[
		{"key":"messaging.system","value":{"stringValue":"limegrove"}},
		{"key":"messaging.operation.name","value":{"stringValue":"deliver"}},
		{"key":"messaging.operation.type","value":{"stringValue":"process"}},
		{"key":"lime.kind","value":{"stringValue":"command"}},
		{"key":"limegrove.dropped","value":{"stringValue":"queue_full"}},
		{"key":"error.type","value":{"stringValue":"queue_full"}}]},
	{"traceId":"AAAAAAAAAAAAAAAAAAAAAA==","spanId":"AAAAAAAAAAA=","name":"receive","kind":"SPAN_KIND_CONSUMER",
	"startTimeUnixNano":"100000000007","endTimeUnixNano":"100000000007","attributes":[
		{"key":"messaging.system","value":{"stringValue":"limegrove"}},
		{"key":"messaging.operation.name","value":{"stringValue":"receive"}},
		{"key":"messaging.operation.type","value":{"stringValue":"receive"}},
		{"key":"lime.kind","value":{"stringValue":"notification"}}]}]}]}]}`

// exporting exports two spans to a collector that does what a test says.
func exporting(t *testing.T, handle http.HandlerFunc) (lost int, err error) {
	t.Helper()
	server := httptest.NewServer(handle)
	defer server.Close()
	e, err := New(Config{Endpoint: server.URL, Service: "limegrove-edge"})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return e.Export(ctx, make([]tracing.Span, 2))
}

func TestACollectorThatRefuses(t *testing.T) {
	lost, err := exporting(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, strings.Repeat("<page>", 1000))
	})
	if lost != 2 || err == nil || err.Error() != "the collector answers 400" {
		t.Errorf("%d are lost: %v", lost, err)
	}
}

func TestACollectorThatTakesAPart(t *testing.T) {
	lost, err := exporting(t, func(w http.ResponseWriter, _ *http.Request) {
		b, err := proto.Marshal(&collector.ExportTraceServiceResponse{PartialSuccess: &collector.ExportTracePartialSuccess{RejectedSpans: 1}})
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(b)
	})
	if lost != 1 || err == nil {
		t.Errorf("%d are lost: %v", lost, err)
	}
}

func TestACollectorThatIsBusyIsAskedAgain(t *testing.T) {
	asked := 0
	lost, err := exporting(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || len(b) == 0 {
			t.Errorf("it is sent %d bytes: %v", len(b), err)
		}
		if asked++; asked == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	if lost != 0 || err != nil || asked != 2 {
		t.Errorf("%d are lost: %v; it was asked %d times", lost, err, asked)
	}
}

func TestACollectorThatIsNotThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	e, err := New(Config{Endpoint: server.URL, Service: "limegrove-edge"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if lost, err := e.Export(ctx, []tracing.Span{{}}); err == nil || lost != 1 || ctx.Err() != nil {
		t.Errorf("%d are lost: %v, and %v", lost, err, ctx.Err())
	}
}

func TestEveryStepHasItsConventions(t *testing.T) {
	for s := tracing.StepReceive; s <= tracing.StepFail; s++ {
		if conventions[s].kind == trace.Span_SPAN_KIND_UNSPECIFIED {
			t.Errorf("%s has no kind", s)
		}
	}
}
