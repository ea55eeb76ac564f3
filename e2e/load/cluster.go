package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"limegrove/e2e/programs"
)

// domain is what the cluster serves.
const domain = "localhost"

// Every process has an address of its own, so that the ports are the usual ones.
const (
	portNATS    = "4222"
	portRoute   = "6222"
	portMonitor = "8222"
	portProfile = "8223"
	portRedis   = "6379"
	portEdge    = "8080"
	portAdmin   = "8090"
	portGossip  = "7946"
)

// Cluster is what a cluster consists of.
type Cluster struct {
	Programs programs.Paths
	Dir      string // an existing folder for logs and stores
	Edges    int
	Brokers  int // 1, or 3 with as many replicas of everything
	// Partitions of stored messages.
	Partitions int
	// Recipients is the edges' -recipients.
	Recipients string
	// Processors is the GOMAXPROCS of each process; 0 leaves it as it is.
	Processors int
}

// cluster is one that runs.
type cluster struct {
	cfg     Cluster
	edges   []*process
	routers []*process
	brokers []*process
	redis   *process
	number  byte // among those of this process
	hosts   byte
}

// clusters counts those that this process has started, so that each has addresses of
// its own.
var clusters atomic.Uint32

// startCluster starts a cluster and waits until all of it is ready. An error ends it.
func startCluster(ctx context.Context, cfg Cluster) (*cluster, error) {
	c := &cluster{cfg: cfg, number: byte(clusters.Add(1))}
	c.redis = c.add("redis")
	for i := range cfg.Brokers {
		c.brokers = append(c.brokers, c.add(fmt.Sprintf("broker-%d", i+1)))
	}
	c.routers = append(c.routers, c.add("router-1"))
	for i := range cfg.Edges {
		c.edges = append(c.edges, c.add(fmt.Sprintf("edge-%d", i+1)))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := c.start(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// add names a process and gives it an address that no other driver is likely to use.
func (c *cluster) add(name string) *process {
	c.hosts++
	return &process{
		name: name, host: net.IPv4(127, byte(1+os.Getpid()%250), c.number, c.hosts).String(), processors: c.cfg.Processors,
	}
}

func (p *process) at(port string) string { return net.JoinHostPort(p.host, port) }

// join lists the addresses of processes, each behind a scheme.
func join(all []*process, scheme, port string) string {
	var list []string
	for _, p := range all {
		list = append(list, scheme+p.at(port))
	}
	return strings.Join(list, ",")
}

// start starts what others need before them.
func (c *cluster) start(ctx context.Context) error {
	err := c.redis.start(c.cfg.Dir, c.cfg.Programs.Redis,
		"--port", portRedis, "--bind", c.redis.host, "--protected-mode", "no", "--save", "", "--appendonly", "no")
	if err != nil {
		return err
	}
	for _, p := range c.brokers {
		args := []string{
			"-n", p.name, "-a", p.host, "-p", portNATS, "-m", portMonitor, "--profile", portProfile,
			"-js", "-sd", filepath.Join(c.cfg.Dir, p.name),
		}
		if len(c.brokers) > 1 {
			args = append(args, "--cluster_name", "limegrove", "--cluster", "nats://"+p.at(portRoute), "--routes", join(c.brokers, "nats://", portRoute))
		}
		if err := p.start(c.cfg.Dir, c.cfg.Programs.NATS, args...); err != nil {
			return err
		}
	}
	if err := c.redis.ready(ctx, programs.RedisAnswers(c.redis.at(portRedis))); err != nil {
		return err
	}
	for _, p := range c.brokers {
		if err := p.ready(ctx, programs.Answers("http://"+p.at(portMonitor)+"/healthz?js-enabled-only=true")); err != nil {
			return err
		}
	}
	for _, p := range c.routers {
		if err := c.startOurs(ctx, p, c.cfg.Programs.Router); err != nil {
			return err
		}
	}
	for _, p := range c.edges {
		err := c.startOurs(ctx, p, c.cfg.Programs.Edge, "-listen", p.at(portEdge), "-recipients", c.cfg.Recipients, "-rebalance=false")
		if err != nil {
			return err
		}
	}
	return nil
}

// startOurs starts an edge or a router, and waits until it is ready.
func (c *cluster) startOurs(ctx context.Context, p *process, program string, more ...string) error {
	args := []string{
		"-id", p.name, "-nats", join(c.brokers, "nats://", portNATS), "-redis", "redis://" + c.redis.at(portRedis),
		"-replicas", strconv.Itoa(len(c.brokers)), "-partitions", strconv.Itoa(c.cfg.Partitions),
		"-gossip", p.at(portGossip), "-join", c.routers[0].at(portGossip), "-admin", p.at(portAdmin), "-domain", domain,
	}
	if err := p.start(c.cfg.Dir, program, append(args, more...)...); err != nil {
		return err
	}
	return p.ready(ctx, programs.Answers("http://"+p.at(portAdmin)+"/readyz"))
}

// all are the processes, by what they are.
func (c *cluster) all() []group {
	return []group{{"edges", c.edges}, {"brokers", c.brokers}, {"redis", []*process{c.redis}}, {"routers", c.routers}}
}

// group is processes that are measured together.
type group struct {
	name      string
	processes []*process
}

// close ends all processes.
func (c *cluster) close() {
	var ending sync.WaitGroup
	for _, g := range c.all() {
		for _, p := range g.processes {
			ending.Go(p.kill)
		}
	}
	ending.Wait()
}

// edge is where the i-th client connects.
func (c *cluster) edge(i int) string { return c.edges[i%len(c.edges)].at(portEdge) }

// fetch reads a page.
func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.200s", url, response.Status, text)
	}
	return text, err
}

// metric adds up a metric of ours over processes, and over its labels.
func metric(ctx context.Context, all []*process, name string) (sum float64, err error) {
	for _, p := range all {
		page, err := fetch(ctx, "http://"+p.at(portAdmin)+"/metrics")
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(page)) {
			rest, ok := strings.CutPrefix(line, name)
			if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
				continue
			}
			value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
			if err != nil {
				return 0, errors.Join(fmt.Errorf("metric %s of %s", name, p.name), err)
			}
			sum += value
		}
	}
	return sum, nil
}
