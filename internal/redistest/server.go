package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"limegrove/internal/childtest"
)

const (
	host     = childtest.Host
	patience = 30 * time.Second // for whatever a busy machine may be slow at
	interval = 10 * time.Millisecond
)

// Server is one redis-server process.
type Server struct {
	Port int

	t    testing.TB
	args []string
	dir  string
	as   redis.Options // how the test comes to it

	mu  sync.Mutex
	run *process // nil while stopped
}

type process struct {
	cmd    *exec.Cmd
	output childtest.Output
	exited chan struct{}
}

// Start starts a redis-server without persistence on a free port of loopback
// and waits until it answers. Further arguments go to its command line.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartAs(t, redis.Options{}, args...)
}

// StartAs is Start for a server that does not let everybody in: the test comes with these
// options, but for the address. With a TLS configuration the server takes TLS alone, and its
// arguments name the certificate.
func StartAs(t testing.TB, as redis.Options, args ...string) *Server {
	t.Helper()
	s := &Server{Port: childtest.FreePort(t), t: t, args: args, dir: t.TempDir(), as: as}
	s.as.Addr, s.as.DisableIdentity = s.Addr(), true
	if as.TLSConfig != nil {
		s.args = append([]string{"--port", "0", "--tls-port", strconv.Itoa(s.Port), "--tls-auth-clients", "no"}, args...)
	}
	t.Cleanup(s.Stop)
	s.Start()
	return s
}

// Addr returns host:port.
func (s *Server) Addr() string { return net.JoinHostPort(host, strconv.Itoa(s.Port)) }

// URL returns redis://host:port.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Client returns a client of this server, which is closed with the test.
func (s *Server) Client() *redis.Client {
	options := s.as
	c := redis.NewClient(&options)
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Start starts the process again on the same port after Stop. It is empty then.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redis-server is not installed: apt-get install redis-server")
	}
	p := &process{exited: make(chan struct{})}
	p.cmd = exec.Command(path, append([]string{
		"--port", strconv.Itoa(s.Port), "--bind", host, "--dir", s.dir,
		"--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
	}, s.args...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	endWithParent(p.cmd)
	if err := p.cmd.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // it ends by our signal
	}()
	s.run = p
	options := s.as
	c := redis.NewClient(&options)
	defer func() { _ = c.Close() }()
	eventually(s.t, "redis-server answers", func(ctx context.Context) error {
		select {
		case <-p.exited:
			return fmt.Errorf("it has ended: %s", p.output.String())
		default:
			return c.Ping(ctx).Err()
		}
	})
}

// Stop kills the process and waits for its end. It may be called twice.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return
	}
	_ = s.run.cmd.Process.Kill()
	<-s.run.exited
	s.run = nil
}

// Output returns what the process has printed since it was started.
func (s *Server) Output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return ""
	}
	return s.run.output.String()
}

// eventually tries until try returns nil; it fails the test with its last error.
func eventually(t testing.TB, what string, try func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, errors.Join(err, ctx.Err()))
		case <-time.After(interval):
		}
	}
}
