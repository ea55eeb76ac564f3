package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"limegrove/certs"
	"limegrove/cluster"
	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/edge/auth"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/router"
	"limegrove/routing"
	"limegrove/trigger"
)

// run serves until ctx is done, and drains. It returns when everything that it has
// started has ended.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	read := func() (config.Edge, *config.Settings, error) { return config.ReadEdge(args, getenv, stdout) }
	cfg, settings, err := read()
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", process.ErrUsage, err)
	}
	made, err := makeOf(cfg)
	if err != nil {
		return err
	}
	if settings.Check {
		return settings.Print(stdout)
	}
	hangups, stopHangups := process.Hangups()
	defer stopHangups()
	started := cfg // before the embedded stores and the number of sessions are known
	rules := process.NewRules(made.Rules)
	log := process.Logger(cfg.Shared, stderr)
	process.WarnOfExposed(log, settings)

	// The listeners first: whoever starts two by mistake learns of it before
	// anything else has begun.
	doors, err := openDoors(cfg, made.TLS)
	if err != nil {
		return err
	}
	defer doors.close()
	backends, err := process.ListenAPI(cfg.API, made.API)
	if err != nil {
		return err
	}
	if backends != nil {
		defer func() { _ = backends.Close() }() // it is closed already when it was served
	}
	cfg.Files.URL = doors.filesURL(cfg)
	stores, err := embed(&cfg, log)
	if err != nil {
		return err
	}
	defer stores.shutdown()
	cfg.MaxSessions = made.sessions
	p, err := process.Join(cfg.Shared, cluster.RoleEdge, log)
	if err != nil {
		return err
	}
	defer p.Close()
	if doors.handshakes != nil {
		p.Metrics.MustRegister(doors.handshakes, doors.refused, doors.expiry)
	}

	// Five lives, each ending later than the one before: clients come in until serving
	// ends, sessions need routing until the last has left, what routing tells of events is
	// stored, what it leaves in Redis needs the lease, and gossip says goodbye last.
	serving, stopServing := context.WithCancelCause(ctx)
	defer stopServing(nil)
	routed, stopRouting := context.WithCancel(context.Background())
	defer stopRouting()
	telling, stopTelling := context.WithCancel(context.Background())
	defer stopTelling()
	leased, stopLease := context.WithCancel(context.Background())
	defer stopLease()
	member, stopMember := context.WithCancel(context.Background())
	parts := process.NewGroup(stopServing)
	defer func() {
		stopMember()
		_ = parts.Wait() // an error of before is the one that counts
	}()

	// The admin pages first: they tell what the rest waits for.
	var shown atomic.Pointer[edge.Edge]
	var listens atomic.Pointer[routing.Hubs]
	var inForce atomic.Pointer[process.Reload[config.Edge]]
	page, err := p.OpenPage(cfg.Shared, process.PageParts{
		Drain: func() { stopServing(process.AskedOnPage{}) }, Rebalance: sights{&shown}.rebalance, Sessions: sights{&shown}.sessions,
		Bounds: func() map[string]float64 { return queueBounds(inForce.Load()) },
	})
	if err != nil {
		return err
	}
	parts.Go("status page", func() error { return page.Run(member) })
	parts.Go("admin", func() error {
		return p.ServeAdmin(member, page, func() any { return statusOf(cfg, p, shown.Load()) }, func(context.Context) error {
			if hubs := listens.Load(); hubs != nil {
				return hubs.Ready()
			}
			return nil
		})
	})
	streams, err := p.OpenStreams(serving, cfg.Shared, made.Rules)
	if err != nil {
		return err
	}
	defer streams.Close()
	page.SetStreams(streams)
	if err := cfg.CheckPayload(p.NATS.MaxPayload()); err != nil { // known by now
		return fmt.Errorf("%w: %w", process.ErrUsage, err)
	}
	known, err := p.OpenDirectory(serving, cfg.Shared, cfg.Recipients == config.RecipientsAnyone, cfg.Bachata.Channels(), cfg.AioConnectors.Connectors())
	if err != nil {
		return err
	}
	delegated, err := openDelegations(serving, cfg, p)
	if err != nil {
		return err
	}
	granted, err := openGrants(serving, cfg, p)
	if err != nil {
		return err
	}
	publisher := p.Publisher(made.Told, streams)
	groups, err := p.OpenGroups(serving, cfg.Shared)
	if err != nil {
		return err
	}
	kept, err := p.OpenFiles(serving, cfg.Shared, streams)
	if err != nil {
		return err
	}
	defer kept.Close()
	transfers, err := openTransfers(cfg, p, kept)
	if err != nil {
		return err
	}
	certificates, err := p.OpenCertificates(serving, cfg.Shared, made.Authority, true, cfg.RunRouter)
	if err != nil {
		return err
	}
	if certificates.On() {
		doors.inForce.revoked.known.Store(certificates.Revocations)
	}
	traffic := edge.NewTraffic(p.Metrics)
	hubs := routing.New(routing.Config{
		NATS: p.NATS, Streams: streams, Directory: known, Delegations: delegated, Grants: granted, Groups: groups,
		Registry: p.Presence, Edge: p.Incarnation(), ID: cfg.ID, Domains: cfg.Domains,
		KeepOlder: bounds(cfg).KeepOlder, MaxPerIdentity: bounds(cfg).MaxPerIdentity,
		Events:   publisher,
		Channels: cfg.Bachata.Channels(),
		Zone:     (&zones{members: p.Cluster.Members}).of,
		Tracer:   p.Tracer,
		Logger:   log, Metrics: p.Metrics,
		AllAnswer: peers{p.Cluster}.AllAnswer, Sent: traffic.Sent,
	})
	listens.Store(hubs)
	rooms, closeRooms, err := openRooms(cfg, p, rules, streams, publisher)
	if err != nil {
		return err
	}
	defer closeRooms()
	var triggers *trigger.Triggers // nil without a router
	if cfg.RunRouter {
		triggers = p.Triggers(cfg.Shared, rooms.Publisher)
	}
	logins := routing.NewLogins(p.NATS, cfg.EstablishTimeout)
	defer logins.Close()
	ofConnectors, err := openConnectors(serving, cfg, p, doors, certs.Remote{Ask: logins.AskAuthority})
	if err != nil {
		return err
	}
	others := openDialects(cfg, p, made, triggers, &ofConnectors)
	pages, err := pagesOf(cfg)
	if err != nil {
		return err
	}
	// What sessions are to keep to, of the configuration that is in force.
	edgeOf := func(cfg config.Edge, rules room.Rules) edge.Config {
		c := edgeConfig(cfg, p, hubs, logins, rooms, rules, others, pages, doors)
		c.Traffic = traffic
		return c
	}
	sessions, err := edge.New(edgeOf(cfg, made.Rules))
	if err != nil {
		return err
	}
	defer sessions.Close()
	shown.Store(sessions)
	var inside *router.Router
	var webhooks *process.Webhooks
	if cfg.RunRouter {
		work := process.RouterLimits(cfg.Shared, made.Made)
		work.NATS, work.Registry, work.Incarnation, work.ID, work.Domains = p.NATS, p.Presence, p.Incarnation(), cfg.ID, cfg.Domains
		work.Sessions, work.Replicas, work.Forget, work.Alive, work.Events = p.Presence, cfg.Replicas, streams.Forget, p.Alive, publisher
		kept.For(&work, cfg.Files)
		certificates.For(&work)
		work.Hashers = max(1, runtime.GOMAXPROCS(0)/2) // the rest is for the sessions
		work.Logger, work.Metrics = log, p.Metrics
		if inside, err = p.OpenRouter(serving, work, cfg.Replicas); err != nil {
			return err
		}
		if webhooks, err = p.OpenWebhooks(serving, cfg.Shared, made.Told, streams); err != nil {
			return err
		}
	}

	var forBackends *process.API
	if backends != nil {
		forBackends, err = p.OpenAPI(serving, cfg.Shared, cfg.API, process.APIParts{
			Listener: backends, Hubs: hubs, Rooms: rooms.Publisher, Streams: streams, Router: inside, Triggers: triggers, Webhooks: webhooks,
		})
		if err != nil {
			return err
		}
	}

	takes := running{certificates: &certificates, process: p, page: page, stores: stores, doors: doors, rules: rules, hubs: hubs, sessions: sessions, inside: inside, api: forBackends, edgeOf: edgeOf}
	reload := process.Reload[config.Edge]{
		Settings: settings, Config: started, Read: read, Of: config.EdgeOf, Fixed: takes.fixed, Make: takes.take, Logger: log, Metrics: p.Metrics,
	}
	reload.Begin()
	inForce.Store(&reload)

	lease := p.TakeLease(ctx, cfg.Zone)

	parts.Go("round trips", func() error { return p.MeasureBroker(member) })
	parts.Go("gossip", func() error { return p.Cluster.Run(member) })
	parts.Go("load", func() error { return announceLoad(member, p, sessions) })
	parts.Go("watch", func() error {
		return p.WatchDead(member, func(dead presence.EdgeID) {
			hubs.DropEdge(dead)
			if inside != nil {
				inside.EdgeDied()
			}
		})
	})
	leaseEnded := parts.Go("lease", func() error { return p.KeepLease(leased, lease, hubs.RegisterAll, rooms.RegisterAll) })
	parts.Go("ignored peers", func() error { return p.FollowIgnored(routed, sessions.SetIgnored) })
	parts.Go("tracing", func() error { p.Trace(telling); return nil })
	parts.Go("events", func() error { publisher.Run(telling); return nil })
	routingEnded := parts.Go("routing", func() error { return hubs.Run(routed) })
	roomsEnded := parts.Go("rooms", func() error {
		rooms.Run(routed)
		return nil
	})
	if others.api != nil {
		parts.Go("backing API", func() error {
			others.api.Run(routed)
			return nil
		})
	}
	ofConnectors.run(routed, p, parts)
	if certificates.On() {
		// Connections that were begun with what is revoked end, whatever they speak.
		certificates.Revocations.Notify(func(certs.Revocation) { sessions.Revoked() })
		parts.Go("revocations", func() error { certificates.Revocations.Run(routed); return nil })
	}
	parts.Go("streams", func() error { return streams.Keep(routed, hubs.MadeAnew) })
	var routerEnded <-chan struct{}
	if inside != nil {
		routerEnded = parts.Go("router", func() error { return inside.Run(routed) })
		p.TakeTriggers(routed, parts, cfg.Shared, triggers)
		parts.Go("sweep", func() error { p.Sweeper(cfg.Shared, streams, publisher).Run(routed); return nil })
		parts.Go("groups", func() error { p.Fanout(cfg.Shared, streams, groups).Run(routed); return nil })
		parts.Go("webhooks", func() error { webhooks.Run(routed); return nil })
	}
	backendsEnded := parts.Go("api", func() error {
		if forBackends == nil {
			return nil
		}
		return forBackends.Run(serving)
	})
	sessionsEnded := parts.Go("sessions", sessions.Run)
	parts.Go("clients", func() error { return sessions.Serve(serving, doors.webSocket) })
	if transfers != nil {
		parts.Go("files", func() error { return transfers.Serve(serving, doors.files) })
	}
	if doors.tcp != nil {
		parts.Go("clients over TCP", func() error { return sessions.ServeTCP(serving, doors.tcp) })
	}
	if doors.connectors != nil {
		parts.Go("connectors", func() error { return sessions.ServeFrames(serving, ofConnectors.door(doors)) })
	}

	parts.Go("reload", func() error { reload.Run(serving, hangups); return nil })

	p.Started()
	p.Serves("the edge serves")
	welcome(stdout, cfg, stores, p, doors, backends)
	<-serving.Done()

	process.LogDrain(serving, log)
	p.Drain()
	drain, cancel := context.WithTimeout(context.Background(), reload.Current().DrainTimeout)
	defer cancel()
	sessions.Shutdown(drain)
	<-sessionsEnded
	<-backendsEnded
	stopRouting()
	<-routingEnded
	<-roomsEnded
	if inside != nil {
		<-routerEnded // it tells of what dead edges have left
	}
	stopTelling()
	stopLease()
	<-leaseEnded
	p.Leave()
	stopMember()
	err = parts.Wait()
	log.Info("drained")
	return err
}

// edgeConfig maps the command line to the edge's own configuration.
func edgeConfig(cfg config.Edge, p *process.Process, hubs *routing.Hubs, logins *routing.Logins, rooms edge.Rooms, rules room.Rules, others dialects, shown edge.Pages, d doors) edge.Config {
	c := edge.Config{
		ID: cfg.ID, Domains: cfg.Domains,
		Router:   place{hubs},
		Dialects: others.byPath, Framed: others.framed, Asking: cfg.HighTemplar.Calls,
		Pages: shown,
		Rooms: rooms, RoomRules: rules, MaxRooms: unlimited(cfg.MaxRooms),
		Authenticator: auth.Remote{Ask: logins.Ask, Guest: guests{logins}.ask},
		MaxEnvelope:   cfg.MaxEnvelope,
		EnvelopeRate:  unlimited(cfg.MaxRate), ByteRate: unlimited(cfg.MaxBytesRate),
		MaxSessions: cfg.MaxSessions, MaxPerAddress: cfg.MaxSessionsPerAddress,
		EstablishTimeout: cfg.EstablishTimeout,
		PingInterval:     cfg.PingInterval, IdleTimeout: cfg.IdleTimeout, SendQueue: cfg.SendQueue,
		TLS:     d.tls,
		MaxHeld: cfg.MaxHeld, MaxQueued: cfg.MaxQueued, AdmissionRate: unlimited(cfg.AdmissionRate),
		AddressRate: unlimited(cfg.AddressRate), Exempt: cfg.Exempt(),
		Compression:    edge.Compression{Level: cfg.Compression, Threshold: cfg.CompressionThreshold},
		ForwardHeaders: cfg.ForwardHeaders, ForwardCookies: cfg.ForwardCookies,
		Tracer: p.Tracer,
		Logger: p.Log, Metrics: p.Metrics,
	}
	if cfg.Authority.On() {
		c.Authority = bearers{d.inForce}
	}
	for _, o := range cfg.TCPEncryption {
		c.Encryption = append(c.Encryption, edge.Encryption(o))
	}
	if cfg.Rebalance {
		c.Peers = peers{p.Cluster}
	}
	for _, s := range cfg.Auth {
		c.Schemes = append(c.Schemes, auth.Scheme(s))
	}
	return c
}

// unlimited maps the command line's 0, which is no limit, to the edge's.
func unlimited(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// guests fits questions about guests to what sessions ask.
type guests struct{ *routing.Logins }

func (g guests) ask(ctx context.Context, identity string) ([]byte, error) {
	answer, err := g.Guest(ctx, identity)
	if errors.Is(err, routing.ErrAlone) {
		err = auth.ErrAlone
	}
	return answer, err
}

// place fits an edge's hubs to what its sessions ask of routing.
type place struct{ hubs *routing.Hubs }

// Attach is that of edge.Router.
func (p place) Attach(ctx context.Context, a edge.Arrival, to edge.Recipient) (edge.Member, error) {
	m, err := p.hubs.Attach(ctx, routing.Arrival(a), to)
	if err != nil {
		return nil, err // and not a nil *Member that is no nil Member
	}
	return m, nil
}

// Name is that of edge.Router.
func (p place) Name(n lime.Node, session string) (lime.Packed, bool) { return p.hubs.Name(n, session) }

var _ edge.Member = (*routing.Member)(nil)

// announceLoad tells the other members how many sessions there are.
func announceLoad(ctx context.Context, p *process.Process, sessions *edge.Edge) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.Cluster.SetSessions(sessions.Sessions())
		}
	}
}
