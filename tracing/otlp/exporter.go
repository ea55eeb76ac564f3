package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"limegrove/internal/outcall"
	"limegrove/tracing"
)

// Config is what an Exporter is made of. Endpoint and Service are required.
type Config struct {
	// Endpoint is the collector's URL, http or https. Without a path it is that of OTLP, /v1/traces.
	Endpoint string
	// Headers go with each request. Default none.
	Headers http.Header

	// What the spans are of. Empty is left out.
	Service, Instance, Zone, Version string
}

// Exporter brings spans to one collector.
type Exporter struct {
	at       string
	headers  http.Header
	calls    *outcall.Client
	resource *resource.Resource
	scope    *common.InstrumentationScope
}

// New makes an exporter. It connects to nobody.
func New(cfg Config) (*Exporter, error) {
	at, err := url.Parse(cfg.Endpoint)
	if err != nil {
		return nil, errors.New("not a URL")
	}
	if at.Path == "" || at.Path == "/" {
		at.Path = "/v1/traces"
	}
	headers := cfg.Headers.Clone()
	if headers == nil {
		headers = http.Header{}
	}
	headers.Set("Content-Type", "application/x-protobuf")
	return &Exporter{
		at: at.String(), headers: headers, calls: outcall.New(outcall.Config{Name: "the collector of spans", Calls: 1}),
		scope: &common.InstrumentationScope{Name: "limegrove", Version: cfg.Version},
		resource: &resource.Resource{Attributes: attributes{}.
			text("service.name", cfg.Service).text("service.instance.id", cfg.Instance).text("service.version", cfg.Version).
			text("cloud.availability_zone", cfg.Zone)},
	}, nil
}

// Close closes the connection that is kept.
func (e *Exporter) Close() { e.calls.Close() }

// Export brings spans there, which it borrows, by one request at a time, and tells how many were not taken. A collector that has too much to do is asked again, as
// long as ctx lets it.
func (e *Exporter) Export(ctx context.Context, all []tracing.Span) (lost int, err error) {
	spans := make([]*trace.Span, len(all))
	for i := range all {
		spans[i] = spanOf(&all[i])
	}
	body, err := proto.Marshal(&collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource: e.resource, ScopeSpans: []*trace.ScopeSpans{{Scope: e.scope, Spans: spans}},
	}}})
	if err != nil {
		return len(all), fmt.Errorf("write spans: %w", err)
	}
	for {
		answer, err := e.post(ctx, body)
		if err == nil {
			return rejected(answer)
		}
		if answer == nil || !busy(answer.Status) {
			return len(all), err
		}
		select {
		case <-time.After(pause(answer)):
		case <-ctx.Done():
			return len(all), err
		}
	}
}

// post asks once.
func (e *Exporter) post(ctx context.Context, body []byte) (*outcall.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = e.headers.Clone()
	return e.calls.Do(request, func(said *outcall.Answer) error {
		if said.Status/100 != 2 {
			return fmt.Errorf("the collector answers %d", said.Status)
		}
		return nil
	})
}

// busy tells whether a status says that it is worth to come again. OTLP, Retryable Response Codes.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pause is how long a collector wants to be left alone.
func pause(said *outcall.Answer) time.Duration {
	if n, err := strconv.Atoi(said.Header.Get("Retry-After")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return time.Second
}

// rejected tells how many spans a collector says that it has not taken.
func rejected(said *outcall.Answer) (int, error) {
	var response collector.ExportTraceServiceResponse
	if said.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(said.Body, &response) != nil {
		return 0, nil // whatever it says, it has them
	}
	if n := response.GetPartialSuccess().GetRejectedSpans(); n > 0 {
		return int(n), errors.New("the collector has rejected spans")
	}
	return 0, nil
}
