package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"limegrove/cluster"
	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
	"limegrove/presence"
	"limegrove/routing/rooms"
)

// run works until ctx is done, and finishes what it has taken.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	read := func() (config.Router, *config.Settings, error) { return config.ReadRouter(args, getenv, stdout) }
	cfg, settings, err := read()
	if err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return fmt.Errorf("%w: %w", process.ErrUsage, err)
	}
	made, err := process.Make(cfg.Shared, cfg.API, true)
	if err != nil {
		return err
	}
	if settings.Check {
		return settings.Print(stdout)
	}
	hangups, stopHangups := process.Hangups()
	defer stopHangups()
	rules := process.NewRules(made.Rules)
	log := process.Logger(cfg.Shared, stderr)
	process.WarnOfExposed(log, settings)
	apiListener, err := process.ListenAPI(cfg.API, made.API)
	if err != nil {
		return err
	}
	if apiListener != nil {
		defer func() { _ = apiListener.Close() }() // it is closed already when it was served
	}
	p, err := process.Join(cfg.Shared, cluster.RoleRouter, log)
	if err != nil {
		return err
	}
	defer p.Close()

	// Three lives, each ending later than the one before: requests of backends are taken until work ends,
	// what they ask for needs the rest until they are answered, and the others see this member, draining,
	// until then.
	working, stopWork := context.WithCancelCause(ctx)
	defer stopWork(nil)
	routed, stopRouting := context.WithCancel(context.Background())
	defer stopRouting()
	member, stopMember := context.WithCancel(context.Background())
	parts := process.NewGroup(stopWork)
	defer func() {
		stopMember()
		_ = parts.Wait() // an error of before is the one that counts
	}()

	// The admin pages first: they tell what the rest waits for.
	page, err := p.OpenPage(cfg.Shared, process.PageParts{Drain: func() { stopWork(process.AskedOnPage{}) }})
	if err != nil {
		return err
	}
	parts.Go("status page", func() error { return page.Run(member) })
	parts.Go("admin", func() error {
		return p.ServeAdmin(member, page, func() any { return status(cfg, p) }, func(context.Context) error { return nil })
	})
	streams, err := p.OpenStreams(working, cfg.Shared, made.Rules)
	if err != nil {
		return err
	}
	defer streams.Close()
	page.SetStreams(streams)
	publisher := p.Publisher(made.Told, streams)
	groups, err := p.OpenGroups(working, cfg.Shared)
	if err != nil {
		return err
	}
	kept, err := p.OpenFiles(working, cfg.Shared, streams)
	if err != nil {
		return err
	}
	defer kept.Close()
	work := process.RouterLimits(cfg.Shared, made)
	kept.For(&work, cfg.Files)
	certificates, err := p.OpenCertificates(working, cfg.Shared, made.Authority, false, true)
	if err != nil {
		return err
	}
	certificates.For(&work)
	work.NATS, work.Registry, work.Incarnation, work.ID, work.Domains = p.NATS, p.Presence, p.Incarnation(), cfg.ID, cfg.Domains
	work.Sessions, work.Replicas, work.Forget, work.Alive, work.Events = p.Presence, cfg.Replicas, streams.Forget, p.Alive, publisher
	work.Logger, work.Metrics = log, p.Metrics
	r, err := p.OpenRouter(working, work, cfg.Replicas)
	if err != nil {
		return err
	}

	webhooks, err := p.OpenWebhooks(working, cfg.Shared, made.Told, streams)
	if err != nil {
		return err
	}
	roomsConfig, roomsNATS, err := p.RoomPublisher(cfg.Shared, rules, streams)
	if err != nil {
		return err
	}
	defer roomsNATS.Close()
	toRooms := rooms.NewPublisher(roomsConfig)
	triggers := p.Triggers(cfg.Shared, toRooms)
	forBackends, err := openBackends(working, cfg, p, process.APIParts{
		Listener: apiListener, Rooms: toRooms, Streams: streams, Router: r, Triggers: triggers, Webhooks: webhooks,
	}, groups)
	if err != nil {
		return err
	}

	takes := running{process: p, page: page, rules: rules, router: r, api: forBackends.api, certificates: &certificates}
	reload := process.Reload[config.Router]{
		Settings: settings, Config: cfg, Read: read, Of: config.RouterOf, Fixed: takes.fixed, Make: takes.take, Logger: log, Metrics: p.Metrics,
	}
	reload.Begin()

	parts.Go("round trips", func() error { return p.MeasureBroker(member) })
	parts.Go("gossip", func() error { return p.Cluster.Run(member) })
	parts.Go("watch", func() error {
		return p.WatchDead(member, func(dead presence.EdgeID) {
			r.EdgeDied()
			forBackends.edgeDied(dead)
		})
	})
	// What is told of events is stored until nobody tells of any more.
	telling, stopTelling := context.WithCancel(context.Background())
	defer stopTelling()
	parts.Go("events", func() error { publisher.Run(telling); return nil })
	parts.Go("tracing", func() error { p.Trace(telling); return nil })
	webhooksEnded := parts.Go("webhooks", func() error { webhooks.Run(working); return nil })
	workEnded := parts.Go("router", func() error { return r.Run(routed) })
	// The sweep sees by itself that a log is another; only senders need to know.
	parts.Go("streams", func() error { return streams.Keep(routed, forBackends.madeAnew()) })
	sweepEnded := parts.Go("sweep", func() error { p.Sweeper(cfg.Shared, streams, publisher).Run(routed); return nil })
	groupsEnded := parts.Go("groups", func() error { p.Fanout(cfg.Shared, streams, groups).Run(routed); return nil })
	routingEnded := parts.Go("routing", func() error { return forBackends.route(routed) })
	backendsEnded := parts.Go("api", func() error { return forBackends.serve(working) })
	roomsEnded := parts.Go("rooms", func() error { toRooms.Run(routed); return nil })
	p.TakeTriggers(working, parts, cfg.Shared, triggers)

	parts.Go("reload", func() error { reload.Run(working, hangups); return nil })

	p.Started()
	p.Serves("the router works")
	<-working.Done()
	process.LogDrain(working, log)
	p.Drain()
	<-backendsEnded
	stopRouting()
	<-workEnded
	<-routingEnded
	<-roomsEnded
	<-sweepEnded
	<-groupsEnded
	<-webhooksEnded
	stopTelling()
	p.Leave()
	stopMember()
	err = parts.Wait()
	log.Info("the router has ended")
	return err
}

// routerStatus is /status.json of a router. Names may be added to it.
type routerStatus struct {
	ID          string           `json:"id"`
	Incarnation string           `json:"incarnation"`
	Zone        string           `json:"zone,omitempty"`
	Domains     []string         `json:"domains"`
	Started     time.Time        `json:"started"`
	NATS        string           `json:"nats"` // connected, or what it is doing
	Members     []process.Member `json:"members"`
}

func status(cfg config.Router, p *process.Process) routerStatus {
	self := p.Cluster.Self()
	return routerStatus{
		ID: cfg.ID, Incarnation: self.Incarnation, Zone: cfg.Zone, Domains: cfg.Domains, Started: self.Started,
		NATS: p.NATS.Status().String(), Members: process.Members(p.Cluster),
	}
}
