package router

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"

	"limegrove/account"
	"limegrove/certs"
	"limegrove/delegation"
	"limegrove/edge/auth"
	"limegrove/edge/auth/issuer"
	"limegrove/edge/auth/webhook"
	"limegrove/event"
	"limegrove/files"
	"limegrove/grant"
	"limegrove/group"
	"limegrove/herald"
	"limegrove/internal/complaint"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/resource"
	"limegrove/roster"
	"limegrove/routing"
	"limegrove/routing/rooms"
)

// Registry tells who is where, and removes the registrations of dead edges.
type Registry interface {
	herald.Registry

	// RawView returns the registrations of an identity whose edges live.
	RawView(ctx context.Context, id lime.Identity) (presence.View, error)
	// Sweep removes those whose edge has no lease and for which dead says true.
	Sweep(ctx context.Context, dead func(presence.EdgeID) bool) ([]presence.Removed, error)
}

// Events is whom a router tells what has happened.
type Events interface {
	// Tell drops events of a type that nobody wants to hear of.
	Tell(e event.Event)
}

// Config is what a Router is made of. Alive, SweepInterval, Logger and Metrics have
// defaults.
type Config struct {
	NATS        *nats.Conn // made by routing.Connect; the router does not close it
	Registry    Registry
	Incarnation presence.EdgeID
	ID          string   // the router's name; its answers come from postmaster@<domain>/#<ID>
	Domains     []string // served ones

	// Replicas is how many NATS servers keep what lasts, where this router is the
	// first to make it. Default 1.
	Replicas int

	// MaxContacts bounds the contacts of one identity. Default: roster's.
	MaxContacts int

	// Forget removes what is stored for an identity whose account was deleted. Default:
	// nothing is stored.
	Forget func(context.Context, lime.Identity) error

	// Alive tells whether gossip thinks that an edge lives. Default: none does, so
	// that the leases alone decide.
	Alive func(presence.EdgeID) bool

	// Sessions tells when a temporary group is over. Default: none ever is.
	Sessions Sessions

	// MaxGroupMembers and MaxGroups bound the members of a group and the groups of an
	// identity. Defaults group.DefaultMaxMembers and group.DefaultMaxGroups.
	MaxGroupMembers, MaxGroups int

	// Files is where files are kept, and FilesURL under which clients reach them: scheme, host, and no slash at
	// its end. FileGuests is whether guests may have some. Default: there are none.
	Files      *files.Store
	FilesURL   string
	FileGuests bool

	// Certificates issues certificates and revokes them. Its Asks is the router's to call. Default: nobody is issued any, and
	// those who show a default certificate are not let in.
	Certificates *certs.Service

	// Events is told of the sessions that were removed with their edges. It does not block.
	// Default: nobody is told.
	Events Events

	// SweepInterval is the time between two looks for registrations of dead edges
	// that nobody told of. Default one minute.
	SweepInterval time.Duration

	// Hashers is how many passwords are hashed at once. Default GOMAXPROCS; fewer where
	// sessions share the process.
	Hashers int

	// PasswordMemory is for how long it is known that a password was right, so that it is
	// not hashed again. Default 15 minutes, negative for not at all.
	PasswordMemory time.Duration

	// Issuers are those whose tokens let in. Default none.
	Issuers []issuer.Config

	// Webhook decides about logins of WebhookSchemes, instead of what else there is for
	// them. Its Owners, Serves and Metrics are the router's. Default none.
	Webhook        webhook.Config
	WebhookSchemes []auth.Scheme

	Logger  logrus.FieldLogger    // default: discarded
	Metrics prometheus.Registerer // default: none
}

// Router answers commands and logins.
type Router struct {
	cfg    Config
	log    logrus.FieldLogger
	warn   *complaint.Log
	mux    *resource.Mux
	worker *routing.Worker
	events *accountEvents

	delegated *delegations
	grants    *grants
	policies  *policies

	inForce Config // owned by who changes it

	logins   *logins
	accounts *account.Store
	owners   auth.Owners
	groups   *group.Store
	people   *roster.Store

	presences *presences
	rooms     *rooms.Teller

	sweeps chan struct{} // holds one

	temporary *temporaries // nil without Config.Sessions
}

// New makes a router, and the buckets that it needs when they are missing. It takes
// no work before Run.
func New(ctx context.Context, cfg Config) (*Router, error) {
	if cfg.Logger == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Logger = silent
	}
	if cfg.Alive == nil {
		cfg.Alive = func(presence.EdgeID) bool { return false }
	}
	if cfg.Forget == nil {
		cfg.Forget = func(context.Context, lime.Identity) error { return nil }
	}
	if cfg.Files != nil {
		forget := cfg.Forget
		cfg.Forget = func(ctx context.Context, i lime.Identity) error {
			return errors.Join(forget(ctx, i), cfg.Files.Forget(ctx, i))
		}
	}
	if cfg.SweepInterval <= 0 {
		cfg.SweepInterval = time.Minute
	}
	js, err := jetstream.New(cfg.NATS)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	published, err := openDirectory(ctx, js, cfg.Replicas)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	groups, err := group.Open(ctx, group.Config{
		JetStream: js, Replicas: cfg.Replicas, MaxMembers: cfg.MaxGroupMembers, MaxGroups: cfg.MaxGroups,
	})
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	granted, err := delegation.Open(ctx, delegation.Config{JetStream: js, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	roomGrants, err := grant.Open(ctx, grant.Config{JetStream: js, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	people, err := roster.Open(ctx, roster.Config{JetStream: js, Replicas: cfg.Replicas, MaxContacts: cfg.MaxContacts})
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	// Last of what may fail and be tried again: from here on metrics are registered.
	accounts, err := account.Open(ctx, account.Config{
		JetStream: js, Replicas: cfg.Replicas, Workers: cfg.Hashers, Remember: cfg.PasswordMemory, Metrics: cfg.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	mux, err := resource.New(resource.Config{Permits: permits(granted, people), Logger: cfg.Logger, Metrics: cfg.Metrics})
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	warn := &complaint.Log{Logger: cfg.Logger}
	lost := newUnrepeated(cfg.Metrics)
	delegated := newDelegations(granted, cfg.NATS, warn, lost)
	roomRights := newGrants(roomGrants, cfg.NATS, warn, lost)
	presences := newPresences(cfg, people, granted)
	events := newAccountEvents(cfg.NATS, warn, lost, accounts.Has, func(ctx context.Context, i lime.Identity) error {
		return errors.Join(cfg.Forget(ctx, i), people.Forget(ctx, i), delegated.forget(ctx, i), groups.Forget(ctx, i), roomRights.forget(ctx, i))
	})
	events.farewell, events.guests = presences.farewell, guestsAlone(cfg.Registry)
	events.leave = func(ctx context.Context, i lime.Identity) error {
		return errors.Join(groups.Forget(ctx, i), delegated.forget(ctx, i), roomRights.forget(ctx, i), forgetCertificates(ctx, cfg.Certificates, i))
	}
	if cfg.Files != nil {
		resource.HandleFiles(mux, fileStore{cfg.Files, cfg.FilesURL}, cfg.FileGuests)
	}
	changed := newPolicies(cfg.NATS, warn, lost)
	store := accountStore{accounts, events, changed}
	resource.HandleAccount(mux, resource.Publishing(store, published), cfg.Domains)
	resource.HandleDirectory(mux, store, published)
	resource.HandleKeys(mux, store)
	resource.HandleGroups(mux, groups, accounts.Has, invites(accounts, people), cfg.Domains)
	resource.HandleDelegations(mux, delegated)
	resource.HandleGrants(mux, roomRights, hasAccount(accounts))
	resource.HandlePing(mux)
	resource.HandlePresence(mux, presences)
	resource.HandleContacts(mux, people, presences.sharingChanged)
	own := owners{accounts, events}
	if cfg.Certificates != nil {
		cfg.Certificates.Asks(taken(accounts))
		resource.HandleCertificates(mux, certificates{cfg.Certificates, own, isServed(cfg.Domains)})
	}
	served, err := schemes(cfg, accounts, own)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	r := &Router{
		cfg: cfg, inForce: cfg, accounts: accounts, owners: own, groups: groups, people: people, log: cfg.Logger, warn: warn,
		mux: mux, events: events, delegated: delegated, grants: roomRights, policies: changed, presences: presences, sweeps: make(chan struct{}, 1),
		rooms: rooms.NewTeller(cfg.NATS),
	}
	r.logins = newLogins(cfg.Logger, warn, cfg.Metrics, served, roomGrants.Of)
	if cfg.Sessions != nil {
		r.temporary = &temporaries{
			sessions: cfg.Sessions, groups: groups, router: cfg.Incarnation, domains: cfg.Domains, warn: warn,
		}
	}
	work := routing.WorkerConfig{
		NATS: cfg.NATS, Router: cfg.Incarnation, Domains: cfg.Domains, Command: r.command, Login: r.logins.answer, Busy: busyAnswer,
		Schemes: r.logins.names, Presence: presences.changed,
		Logger: cfg.Logger, Metrics: cfg.Metrics,
	}
	if _, ok := served.Guests(); ok {
		work.Guests = r.logins.answerGuests
	}
	if cfg.Certificates != nil {
		work.Authority = cfg.Certificates.Answer
	}
	r.worker = routing.NewWorker(work)
	return r, nil
}

// Run works until ctx is done, and finishes what it has taken.
func (r *Router) Run(ctx context.Context) error {
	var sweeping sync.WaitGroup
	sweeping.Go(func() { r.sweep(ctx) })
	sweeping.Go(func() { r.rooms.Run(ctx) })
	sweeping.Go(func() { r.delegated.again.run(ctx) })
	sweeping.Go(func() { r.policies.again.run(ctx) })
	sweeping.Go(func() { r.grants.again.run(ctx) })
	sweeping.Go(func() { r.grants.last.run(ctx) })
	sweeping.Go(func() { r.events.tell(ctx, r.events.made) })
	sweeping.Go(func() { r.events.tell(ctx, r.events.deleted) })
	sweeping.Go(func() { r.events.tell(ctx, r.events.gone) })
	sweeping.Go(func() { r.events.tell(ctx, r.events.revoked) })
	sweeping.Go(func() { r.events.tell(ctx, r.events.again) })
	if r.cfg.Certificates != nil {
		sweeping.Go(func() { r.cfg.Certificates.Run(ctx) })
	}
	if r.temporary != nil {
		sweeping.Go(func() { r.temporary.run(ctx) })
	}
	if r.cfg.Files != nil {
		sweeping.Go(func() {
			r.cfg.Files.Sweep(ctx, func(err error) { r.warn.Warn("could not remove files whose time is over", err) })
		})
	}
	// What was taken is told before the end.
	told, end := context.WithCancel(context.WithoutCancel(ctx))
	var telling sync.WaitGroup
	telling.Go(func() { r.presences.herald.Run(told) })
	err := r.worker.Run(ctx)
	sweeping.Wait()
	r.logins.close()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
	defer cancel()
	r.events.finish(last)
	end()
	telling.Wait()
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

// EdgeDied has the registrations of dead edges removed soon. It does not block.
func (r *Router) EdgeDied() {
	select {
	case r.sweeps <- struct{}{}:
	default: // one is about to begin
	}
}

// sweep removes what dead edges have left, when it is told of one and now and then.
func (r *Router) sweep(ctx context.Context) {
	tick := time.NewTicker(r.cfg.SweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.sweeps:
		}
		removed, err := r.cfg.Registry.Sweep(ctx, func(e presence.EdgeID) bool { return !r.cfg.Alive(e) })
		for _, gone := range removed {
			inRoom, err := r.rooms.TellRemoved(r.cfg.Events, &gone)
			if !inRoom {
				err = routing.TellRemoved(r.cfg.NATS, gone)
				r.presences.removed(&gone.Registration)
				r.tellLost(&gone.Registration)
			}
			if err != nil {
				r.warn.Warn("could not tell that a registration was removed", err)
			}
		}
		if len(removed) > 0 {
			r.log.WithField("registrations", len(removed)).Info("removed what dead edges had left")
		}
		if err != nil && ctx.Err() == nil {
			r.warn.Warn("could not look for what dead edges have left", err)
		}
	}
}

// tellLost tells that a session has ended with its edge. Should its edge live after all, the
// session goes on and is told to, and this is not its end: so that has another id. It may be lost once more.
func (r *Router) tellLost(gone *presence.Registration) {
	if r.cfg.Events == nil {
		return
	}
	now := time.Now()
	r.cfg.Events.Tell(event.Event{
		ID: gone.Session + "." + string(event.SessionEnded) + ".lost." + strconv.FormatInt(now.UnixMicro(), 10), Type: event.SessionEnded, Time: now,
		Whom: gone.Node.Identity, Node: gone.Node,
		Detail: event.Session{ID: gone.Session, Edge: string(gone.Edge), Guest: gone.Guest, Lost: true},
	})
}
