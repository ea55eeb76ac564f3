package natstest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Servers is a cluster of NATS servers with JetStream in the test's process. They
// listen on loopback, which servers need for the routes between them.
type Servers struct {
	t       testing.TB
	Members []*Server
}

// Cluster starts n servers, which are shut down when the test ends, and waits
// until JetStream takes streams with n replicas.
func Cluster(t testing.TB, n int) *Servers {
	t.Helper()
	var ports []int
	var routes []*url.URL
	for range n {
		port := freePort(t)
		ports = append(ports, port)
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	c := &Servers{t: t}
	for i, port := range ports {
		c.Members = append(c.Members, start(t, &server.Options{
			ServerName: fmt.Sprintf("natstest-%d", i+1),
			Host:       "127.0.0.1",
			Port:       server.RANDOM_PORT,
			Cluster:    server.ClusterOpts{Name: "natstest", Host: "127.0.0.1", Port: port},
			Routes:     routes,
			JetStream:  true,
		}))
	}
	ctx, cancel := context.WithTimeout(context.Background(), ready)
	defer cancel()
	for _, s := range c.Members {
		s.awaitJetStream(ctx, n)
	}
	return c
}

// Connect returns a connection of its own to one of the servers, in turn.
func (c *Servers) Connect(opts ...nats.Option) *nats.Conn {
	c.t.Helper()
	return c.Members[0].Connect(opts...)
}

// Leader is the server that leads the stream, nil while none does.
func (c *Servers) Leader(stream string) *Server {
	for _, s := range c.Members {
		if s.srv.JetStreamIsStreamLeader(s.account, stream) {
			return s
		}
	}
	return nil
}

// StepDown makes the stream's leader give way to another.
func (c *Servers) StepDown(stream string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ready)
	defer cancel()
	nc := c.Members[0].Connect()
	defer nc.Close()
	if _, err := nc.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil); err != nil {
		c.t.Fatalf("natstest: step down: %v", err)
	}
}

// awaitJetStream waits until the server knows who leads JetStream, and that all n
// servers are there.
func (s *Server) awaitJetStream(ctx context.Context, n int) {
	s.t.Helper()
	nc := s.Connect()
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		s.t.Fatalf("natstest: %v", err)
	}
	for {
		// A request that comes too early is never answered.
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		_, err = js.AccountInfo(short)
		cancel()
		peers := s.srv.JetStreamClusterPeers()
		if err == nil && (len(peers) == n || !s.srv.JetStreamIsLeader()) {
			return
		}
		select {
		case <-ctx.Done():
			s.t.Fatalf("natstest: no JetStream after %v: %d of %d servers, %v", ready, len(peers), n, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("natstest: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
