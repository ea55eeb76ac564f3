package edge

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"limegrove/edge/auth"
	"limegrove/edge/poll"
	"limegrove/lime"
)

// patience bounds what must happen soon, on a machine that is busy.
const patience = 20 * time.Second

// fixture is a running edge, with routing and authentication that are fakes.
type fixture struct {
	*Edge
	t     testing.TB
	board *switchboard
	doors *doorkeeper
	pipes *pipes // that lead to it, when it has such
	dial  func() net.Conn
	over  transport
}

// clients are the connections that are served.
func (e *fixture) clients() []*conn {
	e.t.Helper()
	found := make(chan *conn)
	var all []*conn
	for _, s := range e.loops.Conns() {
		must(e.t, s.Post(func(*poll.Turn) { found <- s.Handler().(*conn) }))
		all = append(all, <-found)
	}
	return all
}

// inMemory runs a test with an edge whose clients are in memory, in a bubble where
// time is virtual.
func inMemory(t *testing.T, cfg Config, test func(t *testing.T, e *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.goroutines = true
		e := newFixture(t, cfg)
		e.runInMemory()
		synctest.Wait()
		test(t, e)
	})
}

// each runs a test on an edge for every way in which clients reach one. Time is
// real there.
func each(t *testing.T, cfg Config, test func(t *testing.T, e *fixture)) {
	t.Helper()
	plain := func(nc net.Conn) net.Conn { return nc }
	for _, kind := range []struct {
		name       string
		goroutines bool
		server     func(net.Listener) net.Listener
		client     func(net.Conn) net.Conn
	}{
		{"sockets", false, func(ln net.Listener) net.Listener { return ln }, plain},
		{"goroutines", true, func(ln net.Listener) net.Listener { return ln }, plain},
		{
			"tls", false,
			func(ln net.Listener) net.Listener { return tls.NewListener(ln, tlsConfig()) },
			func(nc net.Conn) net.Conn { return tls.Client(nc, &tls.Config{InsecureSkipVerify: true}) },
		},
	} {
		t.Run(kind.name, func(t *testing.T) {
			cfg := cfg
			cfg.goroutines = kind.goroutines
			e := newFixture(t, cfg)
			ln := e.listen(kind.client)
			e.run(kind.server(ln))
			test(t, e)
		})
	}
}

// listen opens a port, which dial then leads to.
func (e *fixture) listen(client func(net.Conn) net.Conn) net.Listener {
	e.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(e.t, err)
	e.dial = func() net.Conn {
		nc, err := net.Dial("tcp", ln.Addr().String())
		must(e.t, err)
		return client(patient{nc})
	}
	return ln
}

// patient is a client's end that waits for so long each time, however long it is open.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

func newFixture(t testing.TB, cfg Config) *fixture {
	t.Helper()
	e := &fixture{t: t, board: newSwitchboard(), doors: &doorkeeper{held: map[string]chan struct{}{}}}
	cfg.ID, cfg.Domains = "e1", []string{"example.org"}
	cfg.Router, cfg.Authenticator = e.board, e.doors
	cfg.Loops = 2
	var err error
	e.Edge, err = New(cfg)
	must(t, err)
	return e
}

// run serves until the test ends, and then looks whether all is gone.
func (e *fixture) run(ln net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { must(e.t, e.Run()) })
	if ln != nil {
		running.Go(func() { must(e.t, e.serve(ctx, ln, e.over)) })
	}
	e.t.Cleanup(func() {
		cancel()
		e.Close()
		running.Wait()
		if n, s, p := e.Connections(), e.Sessions(), e.board.len(); n+s+p != 0 {
			e.t.Errorf("%d connections, %d sessions and %d places are left", n, s, p)
		}
	})
}

// runInMemory serves clients that are in this process.
func (e *fixture) runInMemory() {
	e.pipes = newPipes()
	e.dial = func() net.Conn { return e.pipes.dial(nil) }
	e.run(e.pipes)
}

// pipes is a listener for clients in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	close  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

// drain reads until the end, whatever comes.
func drain(nc net.Conn) { _, _ = io.Copy(io.Discard, nc) }

// dial connects as if from an address.
func (p *pipes) dial(remote net.Addr) net.Conn {
	here, there := net.Pipe()
	p.conns <- addressed{here, remote}
	return oneByOne{there, make(chan struct{}, 1)}
}

// oneByOne is a connection of which one goroutine writes at a time, as of any: for a pipe's own lock, which another one
// holds until it is read, virtual time does not go on.
type oneByOne struct {
	net.Conn
	writing chan struct{}
}

func (o oneByOne) Write(b []byte) (int, error) {
	o.writing <- struct{}{}
	defer func() { <-o.writing }()
	return o.Conn.Write(b)
}

// from dials as if from an IP address.
func (p *pipes) from(ip string) func() net.Conn {
	return func() net.Conn { return p.dial(&net.TCPAddr{IP: net.ParseIP(ip), Port: 1}) }
}

// Accept is that of a net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (p *pipes) Close() error {
	p.close.Do(func() { close(p.closed) })
	return nil
}

// Addr is none.
func (p *pipes) Addr() net.Addr { return nil }

// addressed is a connection from somewhere.
type addressed struct {
	net.Conn
	remote net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.remote }

func counted(t testing.TB, c prometheus.Metric) int {
	t.Helper()
	var m dto.Metric
	must(t, c.Write(&m))
	if m.Gauge != nil {
		return int(m.Gauge.GetValue())
	}
	return int(m.Counter.GetValue())
}

// must ends the calling goroutine, which may be the test's, on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// doorkeeper lets everybody in who gives no password or the right one.
type doorkeeper struct {
	mu   sync.Mutex
	held map[string]chan struct{}
	last auth.Request
	ends time.Time // of grants
}

// lets has grants expire then.
func (d *doorkeeper) lets(until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends = until
}

// asked is the last request.
func (d *doorkeeper) asked() auth.Request {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// hold has the logins of a name wait, until what it returns is called.
func (d *doorkeeper) hold(name string) (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := make(chan struct{})
	d.held[name] = c
	return func() { close(c) }
}

// Authenticate is that of an auth.Authenticator.
func (d *doorkeeper) Authenticate(ctx context.Context, r auth.Request) (auth.Grant, error) {
	d.mu.Lock()
	held := d.held[r.Node.Name]
	d.last = r
	ends := d.ends
	d.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return auth.Grant{}, ctx.Err()
		}
	}
	if r.Scheme == auth.SchemePlain && match(r.Credentials, `{"password":"czNjcmV0"}`) != nil {
		return auth.Grant{}, refusedLogin
	}
	return auth.Grant{Identity: r.Node.Identity, Guest: r.Scheme == auth.SchemeGuest, Role: lime.RoleMember, Expires: ends}, nil
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

// series is how many metrics a collector has.
func series(c prometheus.Collector) int {
	all := make(chan prometheus.Metric, 1000)
	c.Collect(all)
	return len(all)
}
