package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"

	"limegrove/internal/redistest"
)

// domain is what all clusters serve.
const domain = "localhost"

// cluster is a whole system of processes.
type cluster struct {
	nats   *natsServer // nil when it is not alone
	redis  *redistest.Server
	router *process
	edges  []*edge

	broker   string   // URL of NATS
	settings []string // flags of all edges and routers
	env      []string // more of their environment

	stores func(id string) (broker, redis string) // URLs for each, nil when all have the same
	gossip string                                 // the router's, which the edges join
	names  atomic.Int64

	routerAdmin string // host:port of the router's admin pages
}

// edge is one edge's process.
type edge struct {
	*process
	url   string // for clients
	tcp   string // host:port for clients over TCP, if they are served
	admin string // host:port of the admin pages, if it has any
}

// startCluster starts a router and so many edges, which know each other when it
// returns.
func startCluster(t testing.TB, edges int, flags ...string) *cluster {
	t.Helper()
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url}
	c.start(t, edges, flags...)
	return c
}

// start starts what is not NATS.
func (c *cluster) start(t testing.TB, edges int, flags ...string) {
	t.Helper()
	port := freePorts(t, 2)
	c.gossip, c.routerAdmin = address(port), address(port+1)
	if c.redis == nil {
		c.redis = redistest.Start(t)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("redis-server printed:\n%s", c.redis.Output())
		}
	})
	c.startRouter(t)
	for range edges {
		c.addEdge(t, flags...)
	}
	for _, e := range c.edges {
		eventually(t, "all members know each other", patience, func() error {
			return e.knows(t.Context(), edges+1)
		})
	}
}

// startRouter starts the router, also again after its end.
func (c *cluster) startRouter(t testing.TB) {
	t.Helper()
	args := c.shared("router", "-gossip", c.gossip, "-admin", c.routerAdmin)
	c.router = startProcessIn(t, c.env, "router", t.TempDir(), routerProgram, args...)
	c.router.wantPrinted(t, "the router works")
}

// addEdge starts one more edge and waits until it serves.
func (c *cluster) addEdge(t testing.TB, flags ...string) *edge {
	t.Helper()
	id := "edge-" + strconv.Itoa(len(c.edges)+1)
	args := append(c.shared(id, "-gossip", address(0), "-join", c.gossip, "-listen", address(0)), flags...)
	e := newEdge(t, startProcessIn(t, c.env, id, t.TempDir(), edgeProgram, args...))
	c.edges = append(c.edges, e)
	return e
}

// shared are the flags of an edge or a router, and more.
func (c *cluster) shared(id string, more ...string) []string {
	broker, store := c.broker, c.redis.URL()
	if c.stores != nil {
		broker, store = c.stores(id)
	}
	args := append([]string{"-id", id, "-nats", broker, "-redis", store, "-admin", address(0)}, c.settings...)
	return append(args, more...)
}

// newEdge reads from what an edge prints where it is.
func newEdge(t testing.TB, p *process) *edge {
	t.Helper()
	where := p.wantPrinted(t, `LIME +(wss?://\S+)\n(?: +net\.tcp://(\S+)\n)?(?: +status +http://([^/\s]+)/)?`)
	return &edge{process: p, url: where[1], tcp: where[2], admin: where[3]}
}

// overWebSocket, overTCP and overTLS are the edge for clients that come that way; the last
// two are over TCP.
func (e *edge) overWebSocket() *edge { return e }
func (e *edge) overTCP() *edge       { return e.over("net.tcp://") }
func (e *edge) overTLS() *edge       { return e.over("net.tcp+tls://") }

func (e *edge) over(scheme string) *edge {
	copied := *e
	copied.url = scheme + e.tcp
	return &copied
}

// name returns a name that nobody in the cluster has had.
func (c *cluster) name(like string) string {
	return fmt.Sprintf("%s-%d", like, c.names.Add(1))
}

// edgeStatus is what is read of an edge's /status.json.
type edgeStatus struct {
	NATS     string
	Sessions int
	Members  []struct{ ID string }
}

func (e *edge) status(ctx context.Context) (s edgeStatus, err error) {
	page, err := e.page(ctx, "/status.json")
	if err == nil {
		err = json.Unmarshal(page, &s)
	}
	return s, err
}

// knows returns an error unless the edge thinks that so many members are alive.
func (e *edge) knows(ctx context.Context, members int) error {
	status, err := e.status(ctx)
	if err == nil && len(status.Members) != members {
		err = fmt.Errorf("%s knows %d members, not %d", e.name, len(status.Members), members)
	}
	return err
}

// page reads one of the admin pages.
func (e *edge) page(ctx context.Context, path string) ([]byte, error) {
	return page(ctx, e.admin, path)
}

// page reads one of the pages at host:port.
func page(ctx context.Context, at, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Close = true // no connection outlives the test
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, response.Status, page)
	}
	return page, err
}
