package poll

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

// patience bounds what must happen soon, on a machine that is busy.
const patience = 20 * time.Second

// kind is one way in which connections reach a group. All behave alike.
type kind struct {
	name   string
	config Config
	server func(testing.TB, net.Listener) net.Listener
	client func(testing.TB, net.Conn) net.Conn
}

func kinds() []kind {
	plainServer := func(_ testing.TB, ln net.Listener) net.Listener { return ln }
	plainClient := func(_ testing.TB, nc net.Conn) net.Conn { return nc }
	all := []kind{
		{"goroutines", Config{Goroutines: true}, plainServer, plainClient},
		{"tls", Config{}, tlsServer, tlsClient},
	}
	if runtime.GOOS == "linux" {
		all = append([]kind{{"sockets", Config{}, plainServer, plainClient}}, all...)
	}
	return all
}

// each runs a test for every kind.
func each(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) { test(t, k) })
	}
}

// server is a running group with a listener.
type server struct {
	group *Group
	addr  string
	kind  kind
}

// serve runs a group until the test ends. Each connection gets a fake that
// setup may change before anything happens on it.
func serve(t testing.TB, k kind, change func(*Config), setup func(*fake)) *server {
	t.Helper()
	cfg := k.config
	cfg.Linger = 200 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	open := func(_ *Turn, c *Conn) Handler {
		f := &fake{conn: c, closed: make(chan error, 1)}
		setup(f)
		return f
	}
	return serveHandlers(t, k, cfg, func(netip.AddrPort) (Opener, []byte) { return open, nil })
}

func serveHandlers(t testing.TB, k kind, cfg Config, accept Accept) *server {
	t.Helper()
	g, err := NewGroup(cfg)
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { must(t, g.Run(ctx)) })
	done.Go(func() { must(t, g.Serve(ctx, k.server(t, ln), accept)) })
	t.Cleanup(func() {
		cancel()
		g.Close()
		done.Wait()
		if n := g.Stats().Queued; n != 0 {
			t.Errorf("%d bytes still wait when all connections are closed", n)
		}
		if n := g.Stats().Conns; n != 0 {
			t.Errorf("%d connections are counted after the end", n)
		}
	})
	return &server{group: g, addr: ln.Addr().String(), kind: k}
}

// dial connects; the connection is closed when the test ends.
func (s *server) dial(t testing.TB) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	must(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	must(t, nc.SetDeadline(time.Now().Add(patience)))
	return s.kind.client(t, nc)
}

// fake is a handler made of functions. Without them it reads everything.
type fake struct {
	conn    *Conn
	data    func(t *Turn, b []byte) (n, need int)
	timer   func(t *Turn)
	drained func(t *Turn)
	closed  chan error
}

func (f *fake) Data(t *Turn, b []byte) (n, need int) {
	if f.data == nil {
		return len(b), 0
	}
	return f.data(t, b)
}

func (f *fake) Timer(t *Turn) {
	if f.timer != nil {
		f.timer(t)
	}
}

func (f *fake) Drained(t *Turn) {
	if f.drained != nil {
		f.drained(t)
	}
}

func (f *fake) Closed(_ *Turn, err error) { f.closed <- err }

// echo has f answer with what comes.
func echo(f *fake) {
	f.data = func(t *Turn, b []byte) (n, need int) {
		if err := t.Batch.Append(f.conn, nil, b); err != nil {
			f.conn.Close(err)
		}
		return len(b), 0
	}
}

// want receives what must come soon.
func want[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing came", what)
		panic("unreachable")
	}
}

// must ends the calling goroutine, which may be the test's, on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var tlsConfig = sync.OnceValue(func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}}
})

func tlsServer(_ testing.TB, ln net.Listener) net.Listener { return tls.NewListener(ln, tlsConfig()) }

func tlsClient(t testing.TB, nc net.Conn) net.Conn {
	return tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
}

// handshake completes that of TLS, if there is one, so that both sides are
// there.
func handshake(t testing.TB, nc net.Conn) {
	t.Helper()
	if c, ok := nc.(*tls.Conn); ok {
		must(t, c.Handshake())
	}
}

// tcpOf is what is below a connection of a client.
func tcpOf(nc net.Conn) *net.TCPConn {
	if c, ok := nc.(*tls.Conn); ok {
		nc = c.NetConn()
	}
	return nc.(*net.TCPConn)
}

// turns waits until the loop of c has had n turns in which something was to do.
func turns(t testing.TB, c *Conn, n int) {
	t.Helper()
	for range n {
		done := make(chan struct{})
		must(t, c.Post(func(*Turn) { close(done) }))
		want(t, "turn", done)
	}
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so after %v", what, patience)
		}
	}
}
