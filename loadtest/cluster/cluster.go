package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/e2e/programs"
	"limegrove/loadtest/usage"
)

// Domain is what the cluster serves.
const Domain = "localhost"

// Every process has an address of its own, so that the ports are the usual ones.
const (
	PortNATS    = "4222"
	PortRoute   = "6222"
	PortMonitor = "8222"
	PortProfile = "8223"
	PortRedis   = "6379"
	PortEdge    = "8080"
	PortAdmin   = "8090"
	PortGossip  = "7946"
)

// Config is what a cluster consists of.
type Config struct {
	Programs programs.Paths
	Dir      string // an existing folder for logs and stores
	Edges    int
	Brokers  int // 1, or 3 with as many replicas of everything
	// Partitions of stored messages.
	Partitions int
	// Recipients is the edges' -recipients.
	Recipients string
	// RoomRules is the edges' -room-rules; "" for none.
	RoomRules string
	// Args are more arguments of each edge.
	Args []string
	// Processors is the GOMAXPROCS of each process, and EdgeProcessors that of the edges; 0 leaves it as it is.
	Processors, EdgeProcessors int
}

// Cluster is one that runs.
type Cluster struct {
	Edges   []*Process
	Routers []*Process
	Brokers []*Process
	Redis   *Process

	cfg    Config
	number byte // among those of this process
	hosts  byte
}

// startTime is what the start of all may take.
const startTime = 2 * time.Minute

// clusters counts those that this process has started, so that each has addresses of
// its own.
var clusters atomic.Uint32

// Start starts a cluster and waits until all of it is ready. An error ends it.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	c := &Cluster{cfg: cfg, number: byte(clusters.Add(1))}
	c.Redis = c.add("redis")
	for i := range cfg.Brokers {
		c.Brokers = append(c.Brokers, c.add(fmt.Sprintf("broker-%d", i+1)))
	}
	c.Routers = append(c.Routers, c.add("router-1"))
	for i := range cfg.Edges {
		c.Edges = append(c.Edges, c.add(fmt.Sprintf("edge-%d", i+1)))
		c.Edges[i].processors = cmp.Or(cfg.EdgeProcessors, cfg.Processors)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// add names a process and gives it an address that no other driver is likely to use.
func (c *Cluster) add(name string) *Process {
	c.hosts++
	return &Process{
		Name: name, Host: net.IPv4(127, byte(1+os.Getpid()%250), c.number, c.hosts).String(), processors: c.cfg.Processors,
	}
}

// At is where the process listens, at one of the ports.
func (p *Process) At(port string) string { return net.JoinHostPort(p.Host, port) }

// Join lists the addresses of processes, each behind a scheme.
func Join(all []*Process, scheme, port string) string {
	var list []string
	for _, p := range all {
		list = append(list, scheme+p.At(port))
	}
	return strings.Join(list, ",")
}

// start starts what others need before them.
func (c *Cluster) start(ctx context.Context) error {
	err := c.Redis.Start(c.cfg.Dir, c.cfg.Programs.Redis,
		"--port", PortRedis, "--bind", c.Redis.Host, "--protected-mode", "no", "--save", "", "--appendonly", "no")
	if err != nil {
		return err
	}
	for _, p := range c.Brokers {
		args := []string{
			"-n", p.Name, "-a", p.Host, "-p", PortNATS, "-m", PortMonitor, "--profile", PortProfile,
			"-js", "-sd", filepath.Join(c.cfg.Dir, p.Name),
		}
		if len(c.Brokers) > 1 {
			args = append(args, "--cluster_name", "limegrove", "--cluster", "nats://"+p.At(PortRoute), "--routes", Join(c.Brokers, "nats://", PortRoute))
		}
		if err := p.Start(c.cfg.Dir, c.cfg.Programs.NATS, args...); err != nil {
			return err
		}
	}
	if err := c.Redis.Ready(ctx, programs.RedisAnswers(c.Redis.At(PortRedis))); err != nil {
		return err
	}
	for _, p := range c.Brokers {
		if err := p.Ready(ctx, programs.Answers("http://"+p.At(PortMonitor)+"/healthz?js-enabled-only=true")); err != nil {
			return err
		}
	}
	for _, p := range c.Routers {
		if err := c.startOurs(ctx, p, c.cfg.Programs.Router); err != nil {
			return err
		}
	}
	return c.startEdges(ctx, c.Edges)
}

// startEdges starts them all at once: they wait for each other's gossip, not for the processor.
func (c *Cluster) startEdges(ctx context.Context, edges []*Process) error {
	var starting sync.WaitGroup
	failed := make([]error, len(edges))
	for i, p := range edges {
		args := []string{"-listen", p.At(PortEdge), "-recipients", c.cfg.Recipients, "-rebalance=false", "-room-rules", c.cfg.RoomRules}
		starting.Go(func() { failed[i] = c.startOurs(ctx, p, c.cfg.Programs.Edge, append(args, c.cfg.Args...)...) })
	}
	starting.Wait()
	return errors.Join(failed...)
}

// AddEdges starts so many more edges, and waits until they are ready. They are the last of c.Edges.
func (c *Cluster) AddEdges(ctx context.Context, n int) error {
	have := len(c.Edges)
	for i := range n {
		p := c.add(fmt.Sprintf("edge-%d", have+i+1))
		p.processors = cmp.Or(c.cfg.EdgeProcessors, c.cfg.Processors)
		c.Edges = append(c.Edges, p)
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return c.startEdges(ctx, c.Edges[have:])
}

// startOurs starts an edge or a router, and waits until it is ready.
func (c *Cluster) startOurs(ctx context.Context, p *Process, program string, more ...string) error {
	args := []string{
		"-id", p.Name, "-nats", Join(c.Brokers, "nats://", PortNATS), "-redis", "redis://" + c.Redis.At(PortRedis),
		"-replicas", strconv.Itoa(len(c.Brokers)), "-partitions", strconv.Itoa(c.cfg.Partitions),
		"-gossip", p.At(PortGossip), "-join", c.Routers[0].At(PortGossip), "-admin", p.At(PortAdmin), "-domain", Domain,
	}
	if err := p.Start(c.cfg.Dir, program, append(args, more...)...); err != nil {
		return err
	}
	return p.Ready(ctx, programs.Answers("http://"+p.At(PortAdmin)+"/readyz"))
}

// Groups are the processes, by what they are, in the order of their cost to messages.
func (c *Cluster) Groups() []usage.Group {
	group := func(name string, all ...*Process) usage.Group {
		g := usage.Group{Name: name}
		for _, p := range all {
			g.Processes = append(g.Processes, p)
		}
		return g
	}
	return []usage.Group{
		group("edges", c.Edges...), group("brokers", c.Brokers...), group("redis", c.Redis), group("routers", c.Routers...),
	}
}

// Close ends all processes.
func (c *Cluster) Close() {
	var ending sync.WaitGroup
	for _, p := range slices.Concat(c.Edges, c.Routers, c.Brokers, []*Process{c.Redis}) {
		ending.Go(p.Kill)
	}
	ending.Wait()
}

// Edge is where the i-th client connects.
func (c *Cluster) Edge(i int) string { return c.Edges[i%len(c.Edges)].At(PortEdge) }
