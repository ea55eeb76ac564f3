package interest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"limegrove/routing/interest"
)

// patience bounds every wait of these tests; only a very busy machine comes near.
const patience = 20 * time.Second

// start runs a broker on loopback until the test ends or stop is called.
func start(t testing.TB, opts server.Options) (srv *server.Server, stop func()) {
	t.Helper()
	opts.Host, opts.NoLog, opts.NoSigs = "127.0.0.1", true, true
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(&opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(patience) {
		t.Fatal("the broker is not ready")
	}
	stop = func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	t.Cleanup(stop)
	return srv, stop
}

// connect connects to a broker until the test ends.
func connect(t testing.TB, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	closed := make(chan struct{})
	nc, err := nats.Connect(url, append([]nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(10 * time.Millisecond), nats.ReconnectBufSize(-1), nats.Timeout(patience),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

// listener is a channel of interest and what it brings.
type listener struct {
	*interest.Channel
	t        testing.TB
	nc       *nats.Conn
	messages chan *nats.Msg
}

func listen(t testing.TB, nc *nats.Conn, room int) *listener {
	t.Helper()
	l := &listener{t: t, nc: nc, messages: make(chan *nats.Msg, room)}
	var err error
	if l.Channel, err = interest.Listen(nc, l.messages, "to.", ".*"); err != nil {
		t.Fatal(err)
	}
	return l
}

func flush(t testing.TB, nc *nats.Conn) {
	t.Helper()
	if err := nc.FlushTimeout(patience); err != nil {
		t.Fatal(err)
	}
}

func publish(t testing.TB, nc *nats.Conn, subject, data string) {
	t.Helper()
	if err := nc.PublishMsg(&nats.Msg{Subject: subject, Reply: "re", Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
	flush(t, nc)
}

// want waits for a message.
func (l *listener) want(why, subject, data string) *nats.Msg {
	l.t.Helper()
	select {
	case m := <-l.messages:
		if m.Subject != subject || string(m.Data) != data {
			l.t.Fatalf("%s: got %q on %s, want %q on %s", why, m.Data, m.Subject, data, subject)
		}
		return m
	case <-time.After(patience):
		l.t.Fatalf("%s: nothing came", why)
	}
	return nil
}

// wantNothing checks that nothing has come which was sent before.
func (l *listener) wantNothing(why string) {
	l.t.Helper()
	flush(l.t, l.nc)
	select {
	case m := <-l.messages:
		l.t.Errorf("%s: got %q on %s", why, m.Data, m.Subject)
	default:
	}
}

func eventually(t testing.TB, why string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not so after %v", why, patience)
		}
	}
}

func TestNamesShareASubscription(t *testing.T) {
	srv, _ := start(t, server.Options{})
	own := srv.NumSubscriptions()
	other := connect(t, srv.ClientURL())
	l := listen(t, connect(t, srv.ClientURL(), interest.Option()), 64)
	second := listen(t, l.nc, 64)
	ana, rui, lia := l.Add("ana"), l.Add("rui"), second.Add("lia")
	flush(t, l.nc)
	if ana == 0 || rui == 0 || lia == 0 || ana == rui {
		t.Errorf("the names are %d, %d and %d", ana, rui, lia)
	}
	if n := srv.NumSubscriptions() - own; n != 5 {
		t.Errorf("the broker has %d subscriptions, want one for each name and channel", n)
	}
	publish(t, other, "to.ana.1", "a")
	if m := l.want("it comes", "to.ana.1", "a"); !l.Of(m.Sub) || second.Of(m.Sub) || m.Reply != "re" {
		t.Errorf("it came for %s with the reply subject %q", m.Sub.Subject, m.Reply)
	}
	publish(t, other, "to.lia.1", "l")
	second.want("the other channel has its own", "to.lia.1", "l")
	with := &nats.Msg{Subject: "to.rui.2", Header: nats.Header{"A": {"b"}}, Data: []byte("r")}
	if err := other.PublishMsg(with); err != nil {
		t.Fatal(err)
	}
	if m := l.want("headers come, too", "to.rui.2", "r"); m.Header.Get("A") != "b" {
		t.Errorf("the headers are %v", m.Header)
	}

	l.Remove(ana)
	flush(t, l.nc)
	publish(t, other, "to.ana.1", "b")
	l.wantNothing("nobody listens any more")
	if again := l.Add("bia"); again != ana {
		t.Errorf("a free number is used again: got %d, want %d", again, ana)
	}
	flush(t, l.nc)
	publish(t, other, "to.bia.1", "c")
	l.want("by somebody else", "to.bia.1", "c")
	second.wantNothing("nothing went astray")
}

func TestAnEndIsWrittenThoughNobodyWrites(t *testing.T) {
	srv, _ := start(t, server.Options{})
	l := listen(t, connect(t, srv.ClientURL(), interest.Option()), 1)
	id := l.Add("ana")
	flush(t, l.nc)
	before := srv.NumSubscriptions()
	l.Remove(id)
	eventually(t, "the broker has heard of it", func() bool { return srv.NumSubscriptions() == before-1 })
}

func TestOfOneNameNothingComesTwice(t *testing.T) {
	srv, _ := start(t, server.Options{})
	other := connect(t, srv.ClientURL())
	l := listen(t, connect(t, srv.ClientURL(), interest.Option()), 1<<16)
	id := l.Add("ana")
	flush(t, l.nc)
	sent := make(chan int)
	go func() {
		n := 0
		for ; n < 20000; n++ {
			_ = other.Publish("to.ana.1", fmt.Append(nil, n)) // flushed below
		}
		_ = other.FlushTimeout(patience)
		sent <- n
	}()
	for range 2000 {
		l.Remove(id)
		id = l.Add("ana")
	}
	<-sent
	flush(t, l.nc)
	seen := map[string]bool{}
	for len(l.messages) > 0 {
		data := string((<-l.messages).Data)
		if seen[data] {
			t.Fatalf("%s came twice", data)
		}
		seen[data] = true
	}
}

func TestAllIsInForceBeforeWhatFollowsAReconnect(t *testing.T) {
	srv, stop := start(t, server.Options{})
	port := srv.Addr().(*net.TCPAddr).Port
	own := srv.NumSubscriptions()
	back := make(chan struct{}, 16)
	nc := connect(t, srv.ClientURL(), interest.Option(), nats.ReconnectHandler(func(*nats.Conn) { back <- struct{}{} }))
	connected := nc.StatusChanged(nats.CONNECTED)
	l := listen(t, nc, 1<<16)
	const names = 5000
	for i := range names {
		l.Add(fmt.Sprint("n", i))
	}
	gone := l.Add("gone")
	flush(t, nc)
	for round := range 3 {
		stop()
		eventually(t, "it is seen", func() bool { return !nc.IsConnected() })
		if round == 0 {
			l.Remove(gone)
			l.Add("new") // the broker will hear of these
		}
		srv, stop = start(t, server.Options{Port: port})
		select {
		case <-connected: // told before anything is subscribed
		case <-time.After(patience):
			t.Fatal("it does not come back")
		}
		eventually(t, "it can be sent on", func() bool { return nc.Publish(fmt.Sprintf("to.n%d.1", names-1), []byte("first")) == nil })
		l.want("what is sent first finds all in force", fmt.Sprintf("to.n%d.1", names-1), "first")
		<-back
		flush(t, nc)
		if n := srv.NumSubscriptions() - own; n != names+2 {
			t.Errorf("the broker has %d subscriptions, want one for each name and the channel", n)
		}
		other := connect(t, srv.ClientURL())
		publish(t, other, "to.new.1", "x")
		l.want("what was added meanwhile", "to.new.1", "x")
		publish(t, other, "to.gone.1", "x")
		l.wantNothing("what was removed meanwhile is gone")
	}
}

func TestOneForbiddenSubjectHarmsNoOther(t *testing.T) {
	users := []*server.User{
		{Username: "all", Password: "x"},
		{Username: "some", Password: "x", Permissions: &server.Permissions{Subscribe: &server.SubjectPermission{Deny: []string{"to.ana.*"}}}},
	}
	srv, _ := start(t, server.Options{Users: users})
	told := make(chan error, 8)
	nc := connect(t, srv.ClientURL(), interest.Option(), nats.UserInfo("some", "x"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err }))
	l := listen(t, nc, 8)
	l.Add("rui")
	l.Add("ana")
	l.Add("lia")
	flush(t, nc)
	select {
	case err := <-told:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("the error is %v", err)
		}
	case <-time.After(patience):
		t.Fatal("nobody was told")
	}
	other := connect(t, srv.ClientURL(), nats.UserInfo("all", "x"))
	publish(t, other, "to.ana.1", "a")
	publish(t, other, "to.lia.1", "l")
	l.want("the others are in force", "to.lia.1", "l")
	if nc.Stats().Reconnects != 0 {
		t.Error("the connection broke")
	}
}

func TestWhatHasNoRoomIsCounted(t *testing.T) {
	srv, _ := start(t, server.Options{})
	told := make(chan *nats.Subscription, 8)
	nc := connect(t, srv.ClientURL(), interest.Option(), nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
		if errors.Is(err, nats.ErrSlowConsumer) {
			told <- sub
		}
	}))
	l := listen(t, nc, 2)
	l.Add("ana")
	l.Add("rui")
	flush(t, nc)
	other := connect(t, srv.ClientURL())
	for i := range 5 {
		publish(t, other, []string{"to.ana.1", "to.rui.1"}[i%2], "x")
	}
	flush(t, nc)
	if n := l.Dropped(); n != 3 {
		t.Errorf("%d were dropped, want 3", n)
	}
	select {
	case sub := <-told:
		if !l.Of(sub) {
			t.Errorf("told of %s", sub.Subject)
		}
	case <-time.After(patience):
		t.Error("nobody was told")
	}
}

func TestTLSIsBelow(t *testing.T) {
	certificate, pool := certificateFor(t, "localhost")
	for name, c := range map[string]struct {
		url  string
		cfg  *tls.Config
		fine bool
	}{
		"the scheme asks for it": {"tls://localhost:%d", &tls.Config{RootCAs: pool}, true},
		"the broker asks for it": {"nats://localhost:%d", &tls.Config{RootCAs: pool}, true},
		"another name":           {"tls://127.0.0.1:%d", &tls.Config{RootCAs: pool}, false},
		"an unknown authority":   {"tls://localhost:%d", &tls.Config{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			srv, _ := start(t, server.Options{TLS: true, TLSTimeout: patience.Seconds(), TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}})
			url := fmt.Sprintf(c.url, srv.Addr().(*net.TCPAddr).Port)
			config := func(o *nats.Options) error { o.TLSConfig = c.cfg; return nil }
			if !c.fine {
				if _, err := nats.Connect(url, interest.Option(), config); err == nil {
					t.Error("it is trusted")
				}
				return
			}
			l := listen(t, connect(t, url, interest.Option(), config), 8)
			l.Add("ana")
			publish(t, l.nc, "to.ana.1", "x")
			l.want("it comes", "to.ana.1", "x")
			if err := l.nc.ForceReconnect(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it comes back", func() bool { return l.nc.Stats().Reconnects > 0 && l.nc.IsConnected() })
			publish(t, l.nc, "to.ana.1", "y")
			l.want("it comes again", "to.ana.1", "y")
		})
	}
}

func TestNoSecretGoesToABrokerWithoutTLS(t *testing.T) {
	srv, _ := start(t, server.Options{})
	_, err := nats.Connect(fmt.Sprintf("tls://127.0.0.1:%d", srv.Addr().(*net.TCPAddr).Port), interest.Option())
	if !errors.Is(err, nats.ErrSecureConnWanted) {
		t.Errorf("the error is %v", err)
	}
}

func TestOtherConnectionsAreRefused(t *testing.T) {
	srv, _ := start(t, server.Options{})
	if _, err := interest.Listen(connect(t, srv.ClientURL()), make(chan *nats.Msg), "to.", ".*"); !errors.Is(err, interest.ErrConnection) {
		t.Errorf("an ordinary connection: %v", err)
	}
	for _, url := range []string{"ws://127.0.0.1:1", "nats://127.0.0.1:1,wss://127.0.0.1:1"} {
		if _, err := nats.Connect(url, interest.Option()); !errors.Is(err, interest.ErrConnection) {
			t.Errorf("%s: %v", url, err)
		}
	}
	l := listen(t, connect(t, srv.ClientURL(), interest.Option()), 1)
	l.nc.Close()
	if _, err := interest.Listen(l.nc, make(chan *nats.Msg), "to.", ".*"); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("a closed connection: %v", err)
	}
	l.Remove(l.Add("ana")) // does nothing
	if n := l.Dropped(); n != 0 {
		t.Errorf("%d were dropped", n)
	}
}

// certificateFor makes a certificate for a name, and what trusts it.
func certificateFor(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}
