package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// authority signs certificates of clients.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return authority{t, cert, key}
}

// sign makes a client's certificate, which change may change before.
func (a authority) sign(change func(*x509.Certificate)) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// asks is the edge's TLS that asks clients for certificates of the authority.
func (a authority) asks() *tls.Config {
	c := tlsConfig().Clone()
	c.ClientCAs = x509.NewCertPool()
	c.ClientCAs.AddCert(a.cert)
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return c
}

// shown is a client's TLS with some certificates.
func shown(version uint16, certificates ...tls.Certificate) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, MinVersion: version, MaxVersion: version,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { // whoever is acceptable
			if len(certificates) == 0 {
				return new(tls.Certificate), nil
			}
			return &certificates[0], nil
		},
	}
}

// eachTLS runs a test over WebSocket and over TCP, with either version. enter goes
// through TLS, and speaks LIME up to the first authenticating, which is in offer, or says
// that TLS did not come about.
func eachTLS(t *testing.T, schemes []auth.Scheme, test func(t *testing.T, e *fixture, ca authority, enter func(...tls.Certificate) (s speaker, offer string))) {
	t.Helper()
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		t.Run("wss "+name, func(t *testing.T) {
			ca := newAuthority(t)
			e := newFixture(t, Config{Schemes: schemes})
			ln := e.listen(func(nc net.Conn) net.Conn { return nc })
			e.run(tls.NewListener(ln, ca.asks()))
			test(t, e, ca, func(certificates ...tls.Certificate) (speaker, string) {
				c := e.connect()
				c.nc = tls.Client(c.nc, shown(version, certificates...))
				if _, err := io.WriteString(c.nc, request); err != nil {
					return nil, ""
				}
				if _, err := io.ReadFull(c.nc, make([]byte, 1)); err != nil { // of HTTP/1.1
					return nil, ""
				}
				c.head()
				f := &frames{t: t, nc: c.nc}
				return f, f.ask(`{"state":"new"}`)
			})
		})
		t.Run("tcp "+name, func(t *testing.T) {
			ca := newAuthority(t)
			e := newFixture(t, Config{Schemes: schemes, TLS: ca.asks()})
			e.over = overTCP
			e.run(e.listen(func(nc net.Conn) net.Conn { return nc }))
			test(t, e, ca, func(certificates ...tls.Certificate) (speaker, string) {
				open := &objects{t: t, nc: e.tcp().nc}
				var h lime.Header
				_, err := h.Scan([]byte(open.ask(`{"state":"new"}`)))
				must(t, err)
				open.ask(`{"id":"` + string(h.ID) + `","state":"negotiating","encryption":"tls","compression":"none"}`)
				inside := &objects{t: t, nc: tls.Client(open.nc, shown(version, certificates...))}
				offer, err := oneObject(inside.nc)
				if err != nil {
					return nil, ""
				}
				return inside, offer
			})
		})
	}
}

// speaker is a client that says something and takes the answer.
type speaker interface {
	ask(envelope string) (answer string)
}

type objects struct {
	t  testing.TB
	nc net.Conn
}

func (o *objects) ask(envelope string) string {
	o.t.Helper()
	_, err := io.WriteString(o.nc, envelope)
	must(o.t, err)
	answer, err := oneObject(o.nc)
	must(o.t, err)
	return answer
}

type frames struct {
	t  testing.TB
	nc net.Conn
}

func (f *frames) ask(envelope string) string {
	f.t.Helper()
	_, err := f.nc.Write(frame(0x1, envelope))
	must(f.t, err)
	answer, err := readFrame(f.nc)
	must(f.t, err)
	return string(answer.Payload)
}

// said is what matters of a session envelope.
type said struct {
	ID            string
	State         string
	To            string
	From          string
	SchemeOptions []string
	Reason        *lime.Reason
}

func understand(t testing.TB, envelope string) (s said) {
	t.Helper()
	if err := json.Unmarshal([]byte(envelope), &s); err != nil {
		t.Fatalf("%q: %v", envelope, err)
	}
	return s
}

func TestCertificateNamesReachTheAuthenticator(t *testing.T) { // L-SES-31
	schemes := []auth.Scheme{auth.SchemeTransport, auth.SchemeGuest}
	eachTLS(t, schemes, func(t *testing.T, e *fixture, ca authority, enter func(...tls.Certificate) (speaker, string)) {
		for name, row := range map[string]struct {
			change func(*x509.Certificate)
			names  []string
		}{
			"alternative names before the common one": {func(c *x509.Certificate) {
				c.DNSNames, c.Subject.CommonName = []string{"partner.example", "*.partner.example"}, "other.example"
			}, []string{"partner.example", "*.partner.example"}},
			"the common names": {func(c *x509.Certificate) {
				c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
					{Type: commonName, Value: "partner.example"}, {Type: commonName, Value: "*.partner.example"},
				}}
			}, []string{"partner.example", "*.partner.example"}},
			"no name": {func(c *x509.Certificate) { c.EmailAddresses = []string{"gw@partner.example"} }, nil},
		} {
			s, offer := enter(ca.sign(row.change))
			first := understand(t, offer)
			if !reflect.DeepEqual(first.SchemeOptions, []string{"transport", "guest"}) {
				t.Errorf("%s: offered %v", name, first.SchemeOptions)
			}
			last := understand(t, s.ask(`{"id":"`+first.ID+`","from":"gw@partner.example/1","state":"authenticating","scheme":"transport","authentication":{}}`))
			if last.State != "established" || last.To != "gw@partner.example/1" || last.From != server {
				t.Errorf("%s: %+v; a gateway is not spoken to in the name of its own domain", name, last)
			}
			asked := e.doors.asked()
			if asked.Certificate == nil || !reflect.DeepEqual(asked.Certificate.Names, row.names) {
				t.Fatalf("%s: asked about %+v", name, asked.Certificate)
			}
			if in := time.Until(asked.Certificate.Expires); in < time.Minute || in > time.Hour {
				t.Errorf("%s: it expires in %v", name, in)
			}
		}
	})
}

func TestTransportIsOfferedToWhoHasACertificate(t *testing.T) { // L-SES-05, L-SES-17, L-SES-31
	schemes := []auth.Scheme{auth.SchemeTransport, auth.SchemeGuest}
	eachTLS(t, schemes, func(t *testing.T, e *fixture, _ authority, enter func(...tls.Certificate) (speaker, string)) {
		s, offer := enter()
		first := understand(t, offer)
		if !reflect.DeepEqual(first.SchemeOptions, []string{"guest"}) {
			t.Errorf("without a certificate %v is offered", first.SchemeOptions)
		}
		last := understand(t, s.ask(`{"id":"`+first.ID+`","from":"gw@partner.example/1","state":"authenticating","scheme":"transport"}`))
		if last.State != "failed" || last.Reason == nil || last.Reason.Code != lime.CodeSessionAuthenticationFailed {
			t.Errorf("without a certificate transport gets %+v", last)
		}
		s, offer = enter()
		last = understand(t, s.ask(`{"id":"`+understand(t, offer).ID+`","from":"ana@example.org/1","state":"authenticating","scheme":"guest"}`))
		if last.State != "established" || e.doors.asked().Certificate != nil {
			t.Errorf("a guest without a certificate gets %+v", last)
		}
	})
}

func TestOnlyClientsWithACertificate(t *testing.T) { // L-SES-05, L-SES-31
	eachTLS(t, []auth.Scheme{auth.SchemeTransport}, func(t *testing.T, _ *fixture, ca authority, enter func(...tls.Certificate) (speaker, string)) {
		_, offer := enter()
		if last := understand(t, offer); last.State != "failed" || last.Reason.Code != lime.CodeSessionAuthenticationFailed {
			t.Errorf("without one: %+v", last)
		}
		_, offer = enter(ca.sign(func(*x509.Certificate) {}))
		if first := understand(t, offer); !reflect.DeepEqual(first.SchemeOptions, []string{"transport"}) {
			t.Errorf("with one: %+v", first)
		}
	})
}

func TestCertificateThatDoesNotHoldEndsTheHandshake(t *testing.T) {
	schemes := []auth.Scheme{auth.SchemeTransport, auth.SchemeGuest}
	eachTLS(t, schemes, func(t *testing.T, _ *fixture, ca authority, enter func(...tls.Certificate) (speaker, string)) {
		for name, c := range map[string]tls.Certificate{
			"another authority": newAuthority(t).sign(func(c *x509.Certificate) { c.DNSNames = []string{"partner.example"} }),
			"expired":           ca.sign(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }),
			"not yet":           ca.sign(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }),
			"a server's": ca.sign(func(c *x509.Certificate) {
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
			}),
		} {
			if s, offer := enter(c); s != nil {
				t.Errorf("%s: goes on with %s", name, offer)
			}
		}
		if s, _ := enter(ca.sign(func(*x509.Certificate) {})); s == nil {
			t.Error("one that holds ends it, too")
		}
	})
}

// own is an authority of the cluster's own, whose certificates are those of an identity or the default one.
type own struct {
	revoked atomic.Bool
	of      auth.Certificate
}

func (o *own) Bearer([]*x509.Certificate) *auth.Certificate {
	if o.revoked.Load() {
		return nil
	}
	c := o.of
	return &c
}

func (o *own) Revoked(chain []*x509.Certificate) bool { return len(chain) > 0 && o.revoked.Load() }

func TestRevokedCertificatesEndTheirConnections(t *testing.T) {
	for _, wss := range []bool{true, false} {
		ca, o := newAuthority(t), &own{of: auth.Certificate{Identity: lime.MustParseIdentity("ana@example.org"), Expires: time.Now().Add(time.Hour)}}
		var e *fixture
		var enter func(...tls.Certificate) (speaker, string)
		if wss {
			e = newFixture(t, Config{Schemes: []auth.Scheme{auth.SchemeTransport, auth.SchemeGuest}, Authority: o})
			e.run(tls.NewListener(e.listen(func(nc net.Conn) net.Conn { return nc }), ca.asks()))
			enter = func(all ...tls.Certificate) (speaker, string) {
				c := e.connect()
				c.nc = tls.Client(c.nc, shown(tls.VersionTLS13, all...))
				_, err := io.WriteString(c.nc, request)
				must(t, err)
				_, err = io.ReadFull(c.nc, make([]byte, 1))
				must(t, err)
				c.head()
				f := &frames{t: t, nc: c.nc}
				return f, f.ask(`{"state":"new"}`)
			}
		} else {
			e = newFixture(t, Config{Schemes: []auth.Scheme{auth.SchemeTransport, auth.SchemeGuest}, TLS: ca.asks(), Authority: o})
			e.over = overTCP
			e.run(e.listen(func(nc net.Conn) net.Conn { return nc }))
			enter = func(all ...tls.Certificate) (speaker, string) {
				open := &objects{t: t, nc: e.tcp().nc}
				first := understand(t, open.ask(`{"state":"new"}`))
				open.ask(`{"id":"` + first.ID + `","state":"negotiating","encryption":"tls","compression":"none"}`)
				inside := &objects{t: t, nc: tls.Client(open.nc, shown(tls.VersionTLS13, all...))}
				offer, err := oneObject(inside.nc)
				must(t, err)
				return inside, offer
			}
		}
		begin := func(scheme string, all ...tls.Certificate) speaker {
			s, offer := enter(all...)
			last := understand(t, s.ask(`{"id":"`+understand(t, offer).ID+`","from":"ana@example.org","state":"authenticating","scheme":"`+scheme+`"}`))
			if last.State != "established" {
				t.Fatalf("%+v", last)
			}
			return s
		}
		with := begin("transport", ca.sign(func(*x509.Certificate) {}))
		if asked := e.doors.asked(); asked.Certificate == nil || asked.Certificate.Identity != o.of.Identity {
			t.Errorf("asked about %+v", asked.Certificate)
		}
		without := begin("guest")
		e.Revoked() // of others: nobody's ends
		o.revoked.Store(true)
		e.Revoked()
		last := understand(t, with.(interface{ next() string }).next())
		if last.State != "failed" || last.Reason == nil || last.Reason.Code != lime.CodeSessionAuthenticationFailed {
			t.Errorf("by the revoked one: %+v", last)
		}
		pong := without.ask(`{"id":"p","method":"get","uri":"/ping"}`)
		if !strings.Contains(pong, "success") { // over TCP the server has asked, too
			pong = without.(interface{ next() string }).next()
		}
		if !strings.Contains(pong, "success") {
			t.Errorf("by none: %s", pong)
		}
		_, offer := enter(ca.sign(func(*x509.Certificate) {}))
		if first := understand(t, offer); !reflect.DeepEqual(first.SchemeOptions, []string{"guest"}) {
			t.Errorf("who shows it later is offered %v", first.SchemeOptions)
		}
	}
}

func (o *objects) next() string {
	o.t.Helper()
	text, err := oneObject(o.nc)
	for err == nil && strings.Contains(text, `/ping`) { // the server's
		text, err = oneObject(o.nc)
	}
	must(o.t, err)
	return text
}

func (f *frames) next() string {
	f.t.Helper()
	got, err := readFrame(f.nc)
	must(f.t, err)
	return string(got.Payload)
}
