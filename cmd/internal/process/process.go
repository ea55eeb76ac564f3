// Package process is what the commands of a cluster have in common: a log, the
// connections to the broker and to Redis, the membership, and the admin pages.
package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/sirupsen/logrus"

	"limegrove/cluster"
	"limegrove/internal/admin"
	"limegrove/internal/config"
	"limegrove/internal/version"
	"limegrove/presence"
	"limegrove/routing"
	"limegrove/tracing"
	"limegrove/tracing/otlp"
)

// Exit codes, which scripts may rely on.
const (
	exitDrained = 0
	exitFailed  = 1
	exitUsage   = 2
)

// ErrUsage is matched by what a command line is refused with.
var ErrUsage = errors.New("bad usage")

// Command is a command's whole run: it works until ctx is done, and drains.
type Command func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error

// Main runs a command and returns its exit code. The first SIGTERM or interrupt ends
// ctx; with the second it returns at once, whatever the command still does. With -version
// alone it prints the version and runs nothing.
func Main(run Command, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) == 1 && (args[0] == "-version" || args[0] == "--version") {
		_, _ = fmt.Fprintln(stdout, version.String()) // nobody to tell is no failure
		return exitDrained
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	done := make(chan error, 1)
	go func() { done <- run(ctx, args, getenv, stdout, stderr) }()
	for asked := false; ; asked = true {
		select {
		case err := <-done:
			return exitCode(err, stderr)
		case s := <-signals:
			if asked {
				return exitFailed
			}
			cancel(Signal{s})
		}
	}
}

// exitCode is that of a command that has ended with err, which it tells.
func exitCode(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) || errors.Is(err, errAsked) {
		return exitDrained
	}
	// Nobody to tell is no reason to stay.
	_, _ = fmt.Fprintln(stderr, err)
	if errors.Is(err, ErrUsage) {
		return exitUsage
	}
	return exitFailed
}

// Logger makes a command's log.
func Logger(cfg config.Shared, to io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(to)
	SetLog(log, cfg)
	return log
}

// SetLog has a log that may be in use keep to a configuration.
func SetLog(log *logrus.Logger, cfg config.Shared) {
	log.SetLevel(cfg.LogLevel)
	if cfg.LogFormat == config.LogJSON {
		log.SetFormatter(&logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano})
	} else {
		log.SetFormatter(&logrus.TextFormatter{FullTimestamp: true, TimestampFormat: "2006-01-02T15:04:05.000Z07:00"})
	}
}

// Process is one edge or router among the others.
type Process struct {
	Log      *logrus.Logger
	Level    *Level // of it
	Metrics  *prometheus.Registry
	NATS     *nats.Conn
	Presence *presence.Store
	Cluster  *cluster.Cluster
	Tracer   *tracing.Tracer // nil: nothing is traced

	role  cluster.Role
	admin net.Listener
	drain admin.Drain
	spans *otlp.Exporter // of Tracer

	started atomic.Bool            // it has all that it needs
	waits   atomic.Pointer[string] // for what; or, after that, for what it did last
}

// Join connects a process to the broker, Redis and the other members. Close
// releases all of it, also after an error of somebody else.
func Join(cfg config.Shared, role cluster.Role, log *logrus.Logger) (*Process, error) {
	p := &Process{Log: log, Level: NewLevel(log, cfg), Metrics: prometheus.NewRegistry()}
	if err := p.join(cfg, role); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// pauses has the runtime tell how long it has stopped all for the garbage collector, as a histogram.
var pauses = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile("^/sched/pauses/total/gc:seconds$")}

// buildInfo tells what runs, as labels of the number 1.
func buildInfo(role cluster.Role) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "limegrove_build_info", Help: "1, with what the process is (role) and was built from as labels.",
		ConstLabels: prometheus.Labels{"role": string(role), "version": version.String(), "goversion": runtime.Version()},
	})
	g.Set(1)
	return g
}

// MeasureBroker notes how long the broker takes to answer, until ctx is done.
func (p *Process) MeasureBroker(ctx context.Context) error {
	routing.MeasureRoundTrips(ctx, p.NATS, p.Metrics)
	return nil
}

// connection is how p reaches NATS. Edges and routers are answered on subjects of their own, so that an
// edge's permissions need not cover what routers are told.
func (p *Process) connection(cfg config.Shared, name, what string) routing.ConnectConfig {
	return routing.ConnectConfig{
		URL: cfg.NATS, Name: name, For: what, Inbox: string(p.role), Logger: p.Log, Metrics: p.Metrics,
	}
}

// join connects p, which is to be closed after an error.
func (p *Process) join(cfg config.Shared, role cluster.Role) (err error) {
	p.Metrics.MustRegister(collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(pauses)), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.Metrics.MustRegister(buildInfo(role))
	incarnation := cluster.NewIncarnation(cfg.ID)
	if cfg.Admin != "" {
		if p.admin, err = net.Listen("tcp", cfg.Admin); err != nil {
			return fmt.Errorf("-admin: %w", err)
		}
	}
	p.role = role
	if p.NATS, err = routing.Connect(p.connection(cfg, incarnation, "main")); err != nil {
		return fmt.Errorf("-nats: %w", err)
	}
	if p.Tracer, err = openTracer(cfg, role, p); err != nil {
		return err
	}
	presence.LogLibrary(p.Log)
	if p.Presence, err = presence.Open(presence.Config{URL: cfg.Redis, Logger: p.Log, Metrics: p.Metrics}); err != nil {
		return fmt.Errorf("-redis: %w", err)
	}
	p.Cluster, err = cluster.Start(cluster.Config{
		ID: cfg.ID, Incarnation: incarnation, Role: role, Zone: cfg.Zone, Addr: p.AdminAddr(),
		Bind: cfg.Gossip, Advertise: cfg.Advertise, Keys: cfg.GossipKeys, Join: cfg.Join,
		Log: p.Log, Registerer: p.Metrics,
	})
	if err != nil {
		return fmt.Errorf("-gossip: %w", err)
	}
	return nil
}

// Change returns what puts a configuration's log, gossip keys and bounds of tracing in force, or says what is wrong with them.
func (p *Process) Change(cfg config.Shared) (apply func(), err error) {
	if err := p.Cluster.CheckKeys(cfg.GossipKeys); err != nil {
		return nil, fmt.Errorf("-gossip-key: %w", err)
	}
	return func() {
		p.Level.Configure(cfg)
		if p.Tracer != nil {
			p.Tracer.SetBounds(traceBounds(cfg))
		}
		if err := p.Cluster.SetKeys(cfg.GossipKeys); err != nil {
			p.Log.WithError(err).Error("gossip keeps the keys that it had")
		}
	}, nil
}

// Incarnation is this run's name.
func (p *Process) Incarnation() presence.EdgeID { return presence.EdgeID(p.Cluster.Incarnation()) }

// AdminAddr is where the admin pages are, "" when there are none.
func (p *Process) AdminAddr() string {
	if p.admin == nil {
		return ""
	}
	return p.admin.Addr().String()
}

// Alive tells whether gossip thinks that an edge lives.
func (p *Process) Alive(e presence.EdgeID) bool { return p.Cluster.Alive(string(e)) }

// WatchDead calls dead for edges that are gone for good, until ctx is done.
func (p *Process) WatchDead(ctx context.Context, dead func(presence.EdgeID)) error {
	left := func(ctx context.Context, incarnation string) (time.Duration, error) {
		return p.Presence.LeaseLeft(ctx, presence.EdgeID(incarnation))
	}
	return p.Cluster.WatchDead(ctx, left, func(m cluster.Member) {
		if m.Role == cluster.RoleRouter {
			return
		}
		p.Log.WithField("edge", m.Incarnation).Info("an edge is gone")
		dead(presence.EdgeID(m.Incarnation))
	})
}

// ServeAdmin serves the admin pages until ctx is done, and the status page with them. It may begin before [Process.Started],
// and status and more, which is one more check of /readyz, be called before that.
func (p *Process) ServeAdmin(ctx context.Context, page *StatusPage, status func() any, more admin.Check) error {
	if p.admin == nil {
		<-ctx.Done()
		return nil
	}
	server := admin.New(admin.Config{
		Checks: map[string]admin.Check{
			"start": p.checkStarted,
			"drain": p.drain.Check,
			"nats": func(ctx context.Context) error {
				if !p.NATS.IsConnected() {
					return errors.New("not connected")
				}
				return more(ctx)
			},
		},
		Gatherer: p.Metrics, Status: status, Pages: page.Pages(), Log: p.Log,
	})
	if err := server.Serve(ctx, p.admin); err != nil {
		return fmt.Errorf("admin pages: %w", err)
	}
	return nil
}

// Drain says that the process is about to go: it is no longer ready, and the other
// members know.
func (p *Process) Drain() {
	p.drain.Start()
	p.Cluster.SetDraining(true)
}

// TakeLease makes this edge's lease, before the first session registers.
func (p *Process) TakeLease(ctx context.Context, zone string) presence.Lease {
	lease := presence.Lease{Edge: p.Incarnation(), Addr: p.AdminAddr(), Zone: zone, Started: time.Now()}
	if err := p.Presence.PutLease(ctx, lease); err != nil {
		p.Log.WithError(err).Warn("Redis is away; sessions are registered when it is there")
	}
	return lease
}

// Serves logs that the process has all that it needs, and what it is.
func (p *Process) Serves(what string) {
	p.Log.WithFields(logrus.Fields{"incarnation": p.Incarnation(), "version": version.String()}).Info(what)
}

// KeepLease keeps a lease until ctx is done, and gives it back. lost is called when it
// was lost, and the registrations with it.
func (p *Process) KeepLease(ctx context.Context, lease presence.Lease, lost ...func()) error {
	err := p.Presence.KeepLease(ctx, lease, func(context.Context) {
		for _, f := range lost {
			f()
		}
	})
	if err != nil && ctx.Err() != nil {
		p.Log.WithError(err).Info("the lease could not be given back; it runs out")
		return nil
	}
	return err
}

// leaveTimeout bounds the goodbye to the other members.
const leaveTimeout = 5 * time.Second

// Leave says goodbye to the other members. When all go at the same time, nobody is
// left to take it.
func (p *Process) Leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := p.Cluster.Leave(ctx); err != nil {
		p.Log.WithError(err).Info("nobody has taken the goodbye; the others will notice")
	}
}

// Close releases what Join took. It says no goodbye.
func (p *Process) Close() {
	if p.Cluster != nil {
		p.close("gossip", p.Cluster.Close())
	}
	if p.Presence != nil {
		p.close("Redis", p.Presence.Close())
	}
	if p.NATS != nil {
		p.NATS.Close()
	}
	if p.admin != nil {
		if err := p.admin.Close(); !errors.Is(err, net.ErrClosed) {
			p.close("admin pages", err)
		}
	}
}

func (p *Process) close(what string, err error) {
	if err != nil {
		p.Log.WithError(err).Warn("could not close " + what)
	}
}
