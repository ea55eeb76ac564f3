package scale

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"

	"limegrove/loadtest/cluster"
)

// balancer takes turns among the edges that it knows of, a connection each.
type balancer struct {
	mu    sync.Mutex
	edges []string // host:port
	next  int
}

// errNoEdge is the end of a connection that nobody takes.
var errNoEdge = errors.New("no edge takes connections")

// dial is that of client.Config: whatever the address is, it stands for all edges.
func (b *balancer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	b.mu.Lock()
	if len(b.edges) == 0 {
		b.mu.Unlock()
		return nil, errNoEdge
	}
	to := b.edges[b.next%len(b.edges)]
	b.next++
	b.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, to)
}

// add has edges get connections, as pods that are ready do.
func (b *balancer) add(edges ...*cluster.Process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range edges {
		b.edges = append(b.edges, e.At(cluster.PortEdge))
	}
}

// remove has edges get none any more, as pods that are to end.
func (b *balancer) remove(edges ...*cluster.Process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range edges {
		b.edges = slices.DeleteFunc(b.edges, func(at string) bool { return at == e.At(cluster.PortEdge) })
	}
}
