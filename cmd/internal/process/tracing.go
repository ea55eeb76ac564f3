package process

import (
	"context"
	"fmt"

	"limegrove/cluster"
	"limegrove/internal/config"
	"limegrove/internal/version"
	"limegrove/tracing"
	"limegrove/tracing/otlp"
)

// openTracer makes what follows envelopes, or nil when nothing is to. It connects to nobody.
func openTracer(cfg config.Shared, role cluster.Role, p *Process) (*tracing.Tracer, error) {
	if cfg.Tracing.Endpoint == "" {
		return nil, nil
	}
	exporter, err := otlp.New(otlp.Config{
		Endpoint: cfg.Tracing.Endpoint, Headers: cfg.Tracing.Header(), Service: "limegrove-" + string(role), Instance: cfg.ID, Zone: cfg.Zone, Version: version.String(),
	})
	if err != nil {
		return nil, fmt.Errorf("-trace-endpoint: %w", err)
	}
	p.spans = exporter
	return tracing.New(tracing.Config{Bounds: traceBounds(cfg), Export: exporter.Export, Logger: p.Log, Metrics: p.Metrics}), nil
}

// traceBounds are the command line's.
func traceBounds(cfg config.Shared) tracing.Bounds {
	return tracing.Bounds{Share: cfg.Tracing.Share, Rate: cfg.Tracing.Rate}
}

// Trace exports spans until ctx is done, and for a moment more.
func (p *Process) Trace(ctx context.Context) {
	if p.Tracer != nil {
		defer p.spans.Close()
		p.Tracer.Run(ctx)
	}
}
