package process

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/api"
	"limegrove/api/store"
	"limegrove/internal/config"
	"limegrove/router"
	"limegrove/routing"
	"limegrove/routing/backend"
	"limegrove/routing/rooms"
	"limegrove/routing/stream"
	"limegrove/tracing"
	"limegrove/trigger"
)

// APIListener is where backends come in, and with which certificate.
type APIListener struct {
	net.Listener
	certificate atomic.Pointer[tls.Certificate] // nil for none
}

// ListenAPI opens the address of the HTTP API, which is HTTPS with a certificate; nil without an address.
func ListenAPI(cfg config.API, certificate *tls.Certificate) (*APIListener, error) {
	if cfg.Listen == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("-api: %w", err)
	}
	l := &APIListener{Listener: ln}
	if certificate == nil {
		return l, nil
	}
	l.certificate.Store(certificate)
	l.Listener = tls.NewListener(ln, &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return l.certificate.Load(), nil },
		MinVersion:     tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	return l, nil
}

// APIParts are what the HTTP API works with. All are required.
type APIParts struct {
	Listener *APIListener
	Hubs     *routing.Hubs
	Rooms    *rooms.Publisher
	Streams  *stream.Streams
	Router   *router.Router
	Triggers *trigger.Triggers
	Webhooks *Webhooks
}

// API is the HTTP API of this process.
type API struct {
	p       *Process
	parts   APIParts
	keys    *store.Keys
	backend *backend.Backend
	server  *api.Server
}

// OpenAPI makes the HTTP API. It waits for JetStream.
func (p *Process) OpenAPI(ctx context.Context, cfg config.Shared, own config.API, parts APIParts) (*API, error) {
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	a := &API{p: p, parts: parts}
	var answers *store.Answers
	err = p.Patiently(ctx, "the keys and the answers of the API", func(ctx context.Context) error {
		a.keys, err = store.OpenKeys(ctx, store.KeysConfig{JetStream: js, Replicas: cfg.Replicas, Bootstrap: own.Key, Logger: p.Log})
		if err == nil {
			answers, err = store.OpenAnswers(ctx, store.AnswersConfig{JetStream: js, Replicas: cfg.Replicas})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	a.backend = backend.New(backend.Config{Hubs: parts.Hubs, Run: p.Incarnation(), Domains: cfg.Domains, Tracer: p.Tracer, Logger: p.Log})
	sender := apiSender{a.backend}
	var traceparent func(string) bool
	if p.Tracer != nil {
		traceparent = tracing.Is
	}
	a.server, err = api.New(api.Config{
		Keys: a.keys, Answers: answers, Domains: cfg.Domains, Sender: sender, Asker: sender,
		Rooms: apiRooms{parts.Rooms}, Sessions: apiSessions{p}, Inboxes: apiInboxes{parts.Streams}, Resources: apiResources{parts.Router},
		Webhooks: parts.Webhooks.forAPI(), Connectors: &apiConnectors{p: p, replicas: cfg.Replicas},
		Mount: []api.Mounted{triggersOver(parts.Triggers, cfg.HighTemplarRooms.Rooms)}, Rate: apiRate(own), Traceparent: traceparent, Logger: p.Log, Metrics: p.Metrics,
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// apiRate is the command line's rate, of which 0 is no limit, as the API's.
func apiRate(own config.API) int {
	if own.Rate == 0 {
		return -1
	}
	return own.Rate
}

// Change puts another key, rate and certificate in force, of an API that was opened with one or without.
func (a *API) Change(own config.API, certificate *tls.Certificate) {
	a.keys.SetBootstrap(own.Key)
	a.server.SetRate(apiRate(own))
	if certificate != nil {
		a.parts.Listener.certificate.Store(certificate)
	}
}

// Run serves until ctx is done, and finishes what is under way. The hubs, rooms and the router have to go
// on for that. It closes the listener.
func (a *API) Run(ctx context.Context) error {
	defer func() { _ = a.parts.Listener.Close() }() // it is closed already when it was served
	learning, stop := context.WithCancel(context.WithoutCancel(ctx))
	learned := make(chan struct{})
	go func() {
		defer close(learned)
		a.keys.Run(learning)
	}()
	defer func() {
		stop()
		<-learned
	}()
	defer a.backend.Close()
	err := a.p.Patiently(ctx, "places for backends", func(ctx context.Context) error {
		if err := a.backend.Open(ctx); err != nil {
			return fmt.Errorf("%w: %w", stream.ErrUnavailable, err)
		}
		return nil
	})
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("-api: %w", err)
	}
	a.p.Log.WithField("address", a.parts.Listener.Addr()).Info("the HTTP API serves")
	return a.server.Serve(ctx, a.parts.Listener)
}
