package ticket

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

// authority signs certificates; its own is the first of its chain.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	return authority{certificate, key}
}

func (a authority) sign(t testing.TB, key crypto.Signer) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"edge"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// edge is a server whose clock can be set.
type edge struct {
	t       testing.TB
	cfg     *tls.Config
	clock   time.Time
	resumed []bool // of its handshakes
}

func newEdge(t testing.TB, certificate tls.Certificate, clients *x509.CertPool) *edge {
	t.Helper()
	e := &edge{t: t, cfg: &tls.Config{Certificates: []tls.Certificate{certificate}}, clock: time.Now()}
	if clients != nil {
		e.cfg.ClientCAs, e.cfg.ClientAuth = clients, tls.VerifyClientCertIfGiven
	}
	must(t, share(e.cfg, func(resumed bool) { e.resumed = append(e.resumed, resumed) }, func() time.Time { return e.clock }))
	return e
}

// client remembers its tickets.
func newClient(a authority) *tls.Config {
	return &tls.Config{ServerName: "edge", RootCAs: a.pool(), ClientSessionCache: tls.NewLRUClientSessionCache(8)}
}

// meets has a client say something and be answered, and tells whether TLS was resumed, and
// what the client has shown.
func (e *edge) meets(client *tls.Config) (resumed bool, shown int, err error) {
	e.t.Helper()
	ours, theirs := connected(e.t)
	defer ours.Close()
	defer theirs.Close()
	server := tls.Server(ours, e.cfg)
	served := make(chan error, 1)
	go func() {
		_, err := io.CopyN(server, server, 1)
		served <- err
	}()
	c := tls.Client(theirs, client)
	if _, err = c.Write([]byte("x")); err == nil {
		_, err = io.ReadFull(c, make([]byte, 1))
	}
	theirs.Close()
	err = errors.Join(err, <-served)
	return c.ConnectionState().DidResume, len(server.ConnectionState().PeerCertificates), err
}

// connected are the ends of a connection that holds what is written to it, as a pipe does
// not: both sides of a handshake may write at once.
func connected(t testing.TB) (server, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	must(t, err)
	server, err = ln.Accept()
	must(t, err)
	return server, client
}

func (e *edge) wantResumed(what string, client *tls.Config, want bool) {
	e.t.Helper()
	before := len(e.resumed)
	resumed, _, err := e.meets(client)
	if err != nil || resumed != want {
		e.t.Errorf("%s: resumed %t, %v", what, resumed, err)
	}
	if len(e.resumed) != before+1 || e.resumed[before] != want {
		e.t.Errorf("%s: %v was told", what, e.resumed[before:])
	}
}

func TestClientsResumeOnAnyEdge(t *testing.T) {
	ca := newAuthority(t)
	key := newKey(t)
	one := newEdge(t, ca.sign(t, key), nil)
	two := newEdge(t, ca.sign(t, key), nil) // another certificate of the same key, as a renewed one is
	other := newEdge(t, ca.sign(t, newKey(t)), nil)
	client := newClient(ca)
	one.wantResumed("at first", client, false)
	one.wantResumed("on the same edge", client, true)
	two.wantResumed("on another edge", client, true)
	one.wantResumed("with that one's ticket", client, true)
	other.wantResumed("on an edge with a key of its own", client, false)
}

func TestTicketsEnd(t *testing.T) {
	ca := newAuthority(t)
	certificate := ca.sign(t, newKey(t))
	for name, row := range map[string]struct {
		issued, read time.Duration // since the beginning of a period
		want         bool
	}{
		"in the same period":               {0, Period - time.Second, true},
		"in the next":                      {Period - time.Second, Period, true},
		"at the end of the next":           {0, 2*Period - time.Second, true},
		"in the one after that":            {Period - time.Second, 2 * Period, false},
		"by a clock that is behind":        {Period, Period - time.Second, true},
		"by one that is more than that":    {2 * Period, Period - time.Second, false},
		"after days in which nobody came":  {0, 9 * Period, false},
		"at the beginning of a period too": {0, 0, true},
	} {
		began := time.Now().Truncate(Period)
		one, two := newEdge(t, certificate, nil), newEdge(t, certificate, nil)
		client := newClient(ca)
		one.clock, two.clock = began.Add(row.issued), began.Add(row.read)
		one.wantResumed(name+": at first", client, false)
		two.wantResumed(name, client, row.want)
	}
}

func TestKeysOfAnEdgeThatRunsForLong(t *testing.T) {
	ca := newAuthority(t)
	e := newEdge(t, ca.sign(t, newKey(t)), nil)
	client := newClient(ca)
	e.wantResumed("at first", client, false)
	for range 5 { // each comes with the ticket of the period before
		e.clock = e.clock.Add(Period)
		e.wantResumed("a period later", client, true)
	}
	e.clock = e.clock.Add(2 * Period)
	e.wantResumed("two periods later", client, false)
}

func TestNoTicketsBelow13(t *testing.T) {
	ca := newAuthority(t)
	e := newEdge(t, ca.sign(t, newKey(t)), nil)
	client := newClient(ca)
	client.MaxVersion = tls.VersionTLS12
	e.wantResumed("at first", client, false)
	e.wantResumed("again", client, false)
	if _, ok := client.ClientSessionCache.Get("edge"); ok {
		t.Error("the client has a ticket")
	}
}

// What a client has shown is looked at each time, with the authorities of that day.
func TestClientCertificatesAreNeverResumed(t *testing.T) {
	ca, clients := newAuthority(t), newAuthority(t)
	certificate := ca.sign(t, newKey(t))
	e := newEdge(t, certificate, clients.pool())
	client := newClient(ca)
	client.Certificates = []tls.Certificate{clients.sign(t, newKey(t))}
	for range 3 {
		if resumed, shown, err := e.meets(client); err != nil || resumed || shown != 1 {
			t.Fatalf("resumed %t, %d certificates, %v", resumed, shown, err)
		}
	}
	changed := newEdge(t, certificate, newAuthority(t).pool())
	if resumed, shown, err := changed.meets(client); resumed || err == nil && shown > 0 {
		t.Errorf("with other authorities: resumed %t, %d certificates, %v", resumed, shown, err)
	}
	without := newClient(ca)
	e.wantResumed("without a certificate", without, false)
	e.wantResumed("again", without, true)
}

// Whoever has an edge's key, and not an authority's, is still not whoever he likes.
func TestForgedTicketsAreRefused(t *testing.T) {
	ca, clients := newAuthority(t), newAuthority(t)
	e := newEdge(t, ca.sign(t, newKey(t)), clients.pool())
	wrap := e.cfg.WrapSession
	e.cfg.WrapSession = func(s tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		return e.cfg.EncryptTicket(s, session) // as the forger does
	}
	client := newClient(ca)
	client.Certificates = []tls.Certificate{clients.sign(t, newKey(t))}
	_, shown, err := e.meets(client)
	must(t, err)
	if shown != 1 {
		t.Fatal("the ticket has no certificate in it")
	}
	e.cfg.WrapSession = wrap
	told := len(e.resumed)
	if _, _, err := e.meets(client); err == nil {
		t.Error("the session of a forged ticket is resumed")
	}
	if len(e.resumed) != told {
		t.Error("it counts as one")
	}
}

func TestWhatCannotBeShared(t *testing.T) {
	if err := Share(&tls.Config{}, nil); err == nil {
		t.Error("there is no certificate, and no error")
	}
	if err := Share(&tls.Config{Certificates: []tls.Certificate{{PrivateKey: errors.New("no key")}}}, nil); err == nil {
		t.Error("the key is none, and no error")
	}
}

// BenchmarkHandshake connects, shakes hands, and has a byte sent to and fro: both ends of it.
func BenchmarkHandshake(b *testing.B) {
	ca := newAuthority(b)
	slow, err := rsa.GenerateKey(rand.Reader, 2048)
	must(b, err)
	for _, row := range []struct {
		name    string
		key     crypto.Signer
		version uint16
		tickets bool
	}{
		{"full/1.2/ecdsa-p256", newKey(b), tls.VersionTLS12, false},
		{"full/1.3/ecdsa-p256", newKey(b), tls.VersionTLS13, false},
		{"resumed/1.3/ecdsa-p256", newKey(b), tls.VersionTLS13, true},
		{"full/1.3/rsa-2048", slow, tls.VersionTLS13, false},
		{"resumed/1.3/rsa-2048", slow, tls.VersionTLS13, true},
	} {
		b.Run(row.name, func(b *testing.B) {
			e := newEdge(b, ca.sign(b, row.key), nil)
			client := newClient(ca)
			client.MaxVersion = row.version
			if !row.tickets {
				client.ClientSessionCache = nil
			}
			_, _, err := e.meets(client)
			must(b, err)
			e.resumed = nil
			b.ResetTimer()
			for range b.N {
				if _, _, err := e.meets(client); err != nil {
					b.Fatal(err)
				}
			}
			for _, resumed := range e.resumed {
				if resumed != row.tickets {
					b.Fatal("it is not the sort of handshake that is measured")
				}
			}
		})
	}
}
