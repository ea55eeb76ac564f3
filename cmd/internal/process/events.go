package process

import (
	"context"
	"fmt"
	"slices"

	"limegrove/api"
	"limegrove/event"
	"limegrove/internal/config"
	"limegrove/router"
	"limegrove/routing"
	"limegrove/routing/events"
	"limegrove/routing/stream"
	"limegrove/routing/sweep"
	"limegrove/webhook"
)

var (
	_ routing.Events      = (*events.Publisher)(nil)
	_ sweep.Events        = (*events.Publisher)(nil)
	_ router.Events       = (*events.Publisher)(nil)
	_ webhook.Events      = (*events.Store)(nil)
	_ webhook.Places      = (*events.Store)(nil)
	_ webhook.DeadLetters = (*events.Store)(nil)
)

// Told is what a process tells of events, and whom a router in it tells.
type Told struct {
	Types     []event.Type
	Endpoints []webhook.Endpoint
}

// Events maps the command line's part about events. An error is bad usage.
func Events(cfg config.Shared) (told Told, err error) {
	if told.Types, err = event.ParseTypes(cfg.Events); err != nil {
		return told, fmt.Errorf("%w: -events: %w", ErrUsage, err)
	}
	for _, w := range cfg.Webhooks {
		e := webhook.Endpoint{
			Name: w.Name, URL: w.URL, Secret: []byte(w.Secret), Events: told.Types, Domains: w.Domains,
			Batch: w.Batch, Requests: w.Requests, Timeout: w.Timeout, RetryFor: w.RetryFor,
		}
		if len(w.Events) > 0 {
			if e.Events, err = event.ParseTypes(w.Events); err != nil {
				return told, fmt.Errorf("%w: -webhooks: endpoint %q: %w", ErrUsage, w.Name, err)
			}
		}
		for _, t := range e.Events {
			if !slices.Contains(told.Types, t) {
				return told, fmt.Errorf("%w: -webhooks: endpoint %q: %s is not in -events", ErrUsage, w.Name, t)
			}
		}
		told.Endpoints = append(told.Endpoints, e)
	}
	if err := webhook.Check(told.Endpoints, cfg.EventsAge); err != nil {
		return told, fmt.Errorf("%w: -webhooks: %w", ErrUsage, err)
	}
	return told, nil
}

// Publisher makes what the parts of a process tell of events. It may want none.
func (p *Process) Publisher(told Told, streams *stream.Streams) *events.Publisher {
	return events.NewPublisher(events.PublisherConfig{Streams: streams, Types: told.Types, Logger: p.Log, Metrics: p.Metrics})
}

// Webhooks is a router's part in telling endpoints.
type Webhooks struct {
	*webhook.Deliverer
	store *events.Store // nil without endpoints
	told  Told
}

// OpenWebhooks makes a router's part in telling endpoints, which may have none. It waits for
// JetStream.
func (p *Process) OpenWebhooks(ctx context.Context, cfg config.Shared, told Told, streams *stream.Streams) (*Webhooks, error) {
	w := &Webhooks{told: told}
	d := webhook.Config{
		Leases: p.Presence, Router: p.Incarnation(), Endpoints: told.Endpoints, Logger: p.Log, Metrics: p.Metrics,
	}
	if len(told.Endpoints) > 0 {
		err := p.Patiently(ctx, "the events", func(ctx context.Context) (err error) {
			w.store, err = events.Open(ctx, events.StoreConfig{NATS: p.NATS, Streams: streams, Replicas: cfg.Replicas, Age: cfg.EventsAge})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("-nats: %w", err)
		}
		d.Events, d.Places, d.DeadLetters = w.store, w.store, w.store
	}
	w.Deliverer = webhook.New(d)
	return w, nil
}

// forAPI is what the HTTP API asks; nil where there is nothing to ask.
func (w *Webhooks) forAPI() api.Webhooks {
	if w == nil || w.store == nil {
		return nil
	}
	return apiWebhooks{w.store, w.told.Endpoints}
}
