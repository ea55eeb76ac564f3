// Package natstest gives tests a NATS server with JetStream that lives inside
// the test's process, is ready in some ten milliseconds and listens nowhere.
package natstest

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ready bounds how long a server may take; only a very busy machine comes near.
const ready = time.Minute

// Server is one NATS server. It stores its streams in a folder of the test.
type Server struct {
	t       testing.TB
	srv     *server.Server
	account string // that connections are of
}

// New starts a server that is shut down when the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	return start(t, &server.Options{ServerName: "natstest", DontListen: true, JetStream: true})
}

// With starts a server with other options, on which the test insists.
func With(t testing.TB, opts *server.Options) *Server {
	t.Helper()
	return start(t, opts)
}

// start adds to opts what all servers of tests have.
func start(t testing.TB, opts *server.Options) *Server {
	t.Helper()
	opts.StoreDir = t.TempDir()
	opts.NoLog, opts.NoSigs = true, true
	shared := &sharedAuth{}
	if opts.Users == nil {
		opts.CustomClientAuthentication, opts.AuthTimeout = shared, ready.Seconds()
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatalf("natstest: %v", err)
	}
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	shared.srv = srv
	srv.Start()
	if !srv.ReadyForConnections(ready) {
		t.Fatalf("natstest: the server is not ready after %v", ready)
	}
	return &Server{t: t, srv: srv, account: server.DEFAULT_GLOBAL_ACCOUNT}
}

// Connect returns a connection of its own, which is closed when the test ends.
// The closed handler is natstest's.
func (s *Server) Connect(opts ...nats.Option) *nats.Conn {
	s.t.Helper()
	closed := make(chan struct{})
	opts = slices.Concat([]nats.Option{nats.SetCustomDialer(dialer{s.srv})}, opts, []nats.Option{nats.ClosedHandler(func(*nats.Conn) { close(closed) })})
	if s.account != server.DEFAULT_GLOBAL_ACCOUNT {
		opts = append(opts, nats.UserInfo(s.account, ""))
	}
	nc, err := nats.Connect(nats.DefaultURL, opts...)
	if err != nil {
		s.t.Fatalf("natstest: %v", err)
	}
	s.t.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

// dialer connects without a socket. An option of a test may use it for one of its own.
type dialer struct{ srv *server.Server }

// Dial implements [nats.CustomDialer].
func (d dialer) Dial(string, string) (net.Conn, error) { return d.srv.InProcessConn() }

// Start is one connection to a server of its own.
func Start(t testing.TB) *nats.Conn {
	t.Helper()
	return New(t).Connect()
}

// Bare is one connection to a server of its own that has no JetStream.
func Bare(t testing.TB) *nats.Conn {
	t.Helper()
	return start(t, &server.Options{ServerName: "natstest", DontListen: true}).Connect()
}

// JetStream is Start for those who only need the streams.
func JetStream(t testing.TB) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(Start(t))
	if err != nil {
		t.Fatalf("natstest: %v", err)
	}
	return js
}
