package e2e

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// spanCollector takes spans by OTLP over HTTP.
type spanCollector struct {
	url string

	mu    sync.Mutex
	spans []collected
}

// collected is a span, in the words of traceparents.
type collected struct {
	trace, id, parent string
	name              string
	process           string // service.instance.id
	attributes        map[string]string
	failed            bool
	took              int64
}

func startCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request collector.ExportTraceServiceRequest
		b, err := io.ReadAll(r.Body)
		err = errors.Join(err, proto.Unmarshal(b, &request))
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s of %s: %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
		}
		c.take(&request)
	}))
	c.url = server.URL
	t.Cleanup(server.Close)
	return c
}

func (c *spanCollector) take(request *collector.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range request.GetResourceSpans() {
		process := values(of.GetResource().GetAttributes())["service.instance.id"]
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, collected{
					trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
					name: s.GetName(), process: process, attributes: values(s.GetAttributes()),
					failed: s.GetStatus().GetCode() == trace.Status_STATUS_CODE_ERROR,
					took:   int64(s.GetEndTimeUnixNano()) - int64(s.GetStartTimeUnixNano()),
				})
			}
		}
	}
}

func values(all []*common.KeyValue) map[string]string {
	m := map[string]string{}
	for _, a := range all {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			m[a.GetKey()] = v.StringValue
		default:
			m[a.GetKey()] = strings.TrimSpace(fmt.Sprint(a.GetValue().GetIntValue(), " ", a.GetValue().GetBoolValue()))
		}
	}
	return m
}

// of are the spans of a trace so far.
func (c *spanCollector) of(trace string) (all []collected) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.trace == trace {
			all = append(all, s)
		}
	}
	return all
}

// wantWay waits until a trace has these steps, "name process", each the parent of the next, and nothing else. They are returned in that
// order.
func (c *spanCollector) wantWay(t *testing.T, p traceparent, steps ...string) (way []collected) {
	t.Helper()
	eventually(t, "the spans are collected", patience, func() error {
		all := c.of(p.trace)
		if len(all) != len(steps) {
			return fmt.Errorf("there are %d: %+v", len(all), all)
		}
		way = nil
		parent := p.parent
		var names []string
		for range steps {
			i := slices.IndexFunc(all, func(s collected) bool { return s.parent == parent })
			if i < 0 {
				return fmt.Errorf("nothing follows %s among %+v", parent, all)
			}
			way, parent = append(way, all[i]), all[i].id
			names = append(names, all[i].name+" "+all[i].process)
		}
		if !slices.Equal(names, steps) {
			t.Fatalf("the way is %q, want %q", names, steps)
		}
		return nil
	})
	return way
}
