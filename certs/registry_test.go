package certs

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/internal/natstest"
	"limegrove/lime"
)

// Two routers and many who ask at once: one has the name.
func TestOneOfManyWhoAskFirstHasTheName(t *testing.T) {
	js := natstest.JetStream(t)
	all := []*Service{service(t, open(t, Config{JetStream: js}), nil), service(t, open(t, Config{JetStream: js}), nil)}
	var won, taken atomic.Int32
	var asking sync.WaitGroup
	for n := range 24 {
		asking.Go(func() {
			_, err := all[n%2].Issue(t.Context(), Request{Identity: lime.MustParseIdentity([]string{"ana@example.org", "ANA@Example.org"}[n/2%2]), First: true})
			switch {
			case err == nil:
				won.Add(1)
			case errors.Is(err, ErrTaken):
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if won.Load() != 1 || taken.Load() != 23 {
		t.Errorf("%d have the name, and %d were refused", won.Load(), taken.Load())
	}
}

func TestWhatARequestWishesIsNotWhatItGets(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	k := key(t)
	i := issue(t, s, Request{Identity: ana, First: true, CSR: request(t, "rui@example.org", k)})
	c := certificate(t, i.PEM)
	if c.Subject.CommonName != "Ana@example.org" || i.Key != "" || i.Serial != SerialOf(c) || i.Fingerprint != Fingerprint(c) || len(c.DNSNames) > 0 {
		t.Errorf("%+v is %v", i.Certificate, c.Subject)
	}
	if !k.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(c.PublicKey) {
		t.Error("it is of another key")
	}
	again := issue(t, s, Request{Identity: ana, First: true, CSR: request(t, "", k)})
	if again.Serial == i.Serial {
		t.Error("who asks again with the same key gets the same certificate")
	}
	if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true, CSR: request(t, "", key(t))}); !errors.Is(err, ErrTaken) {
		t.Errorf("with another key: %v", err)
	}
	for what, err := range map[string]error{
		"a forged one": second(s.Issue(t.Context(), Request{Identity: rui, First: true, CSR: "x"})),
		"a bad name":   second(s.Issue(t.Context(), Request{Identity: lime.Identity{Name: "../x", Domain: "y"}, First: true})),
	} {
		if lime.AsReason(err) == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if all, err := s.Registry().Of(t.Context(), rui); len(all) != 0 || err != nil {
		t.Errorf("what was refused has taken the name: %v, %v", all, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestAServerMakesTheKeyAsWell(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	for _, r := range []Request{{Identity: ana, First: true}, {Identity: rui, First: true, SelfSigned: true}} {
		i := issue(t, s, r)
		if _, err := tls.X509KeyPair([]byte(i.PEM), []byte(i.Key)); err != nil {
			t.Error(err)
		}
		if (i.Authority == "") != r.SelfSigned || !strings.Contains(i.Authorities, "CERTIFICATE") {
			t.Errorf("%+v", i.Certificate)
		}
		if text := fmt.Sprintf("%v %+v %s %#v", i, i, i, *i); strings.Contains(text, "PRIVATE") {
			t.Errorf("it is written as %s", text)
		}
	}
}

func TestRenewalsAndTheirBound(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	issue(t, s, Request{Identity: ana, First: true})
	for range MaxEach - 1 {
		issue(t, s, Request{Identity: ana})
	}
	if _, err := s.Issue(t.Context(), Request{Identity: ana, Operator: true}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more than there may be: %v", err)
	}
	gone, err := s.Revoke(t.Context(), ana, false, "lost")
	if err != nil || len(gone) != MaxEach {
		t.Fatalf("%d revoked, %v", len(gone), err)
	}
	if _, err := s.Issue(t.Context(), Request{Identity: ana}); !errors.Is(err, ErrRevoked) {
		t.Errorf("by who was just cut: %v", err)
	}
	if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true}); !errors.Is(err, ErrTaken) {
		t.Errorf("by the default one: %v", err)
	}
	issue(t, s, Request{Identity: ana, Operator: true})
	if gone, err := s.Revoke(t.Context(), ana, true, ""); err != nil || len(gone) != 1 {
		t.Errorf("%d revoked, %v", len(gone), err)
	}
	issue(t, s, Request{Identity: ana, First: true})
	if _, err := s.Revoke(t.Context(), rui, true, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}

func TestExpiredOnesAreForgottenAndTheNameIsNot(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	for range 3 {
		issue(t, s, Request{Identity: ana, Lifetime: time.Nanosecond, SelfSigned: true})
	}
	issue(t, s, Request{Identity: ana, Lifetime: time.Nanosecond, SelfSigned: true})
	all, err := s.Registry().Of(t.Context(), ana)
	if err != nil || len(all) > 2 {
		t.Errorf("%d are kept, %v", len(all), err)
	}
	if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true}); !errors.Is(err, ErrTaken) {
		t.Errorf("by the default one: %v", err)
	}
}

func TestFirstOnesAreBounded(t *testing.T) {
	js := natstest.JetStream(t)
	s := service(t, open(t, Config{JetStream: js, MaxNames: 1}), func(c *ServiceConfig) {
		c.FirstRate, c.FirstBurst = 1, 4
		c.Taken = func(_ context.Context, i lime.Identity, _ bool) (bool, error) { return i.Name == "account", nil }
	})
	if _, err := s.Issue(t.Context(), Request{Identity: lime.MustParseIdentity("account@x"), First: true}); !errors.Is(err, ErrTaken) {
		t.Errorf("the name of an account: %v", err)
	}
	issue(t, s, Request{Identity: ana, First: true})
	if _, err := s.Issue(t.Context(), Request{Identity: rui, First: true}); !errors.Is(err, ErrTooMany) {
		t.Errorf("one name more: %v", err)
	}
	issue(t, s, Request{Identity: rui, Operator: true})
	for range 20 { // who asks for what is somebody's takes nothing of what others may
		if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true}); !errors.Is(err, ErrTaken) {
			t.Errorf("a name that is taken: %v", err)
		}
		if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true, CSR: request(t, "x", key(t))}); !errors.Is(err, ErrTaken) {
			t.Errorf("a name that is taken, by a key: %v", err)
		}
	}
	newcomer := func(n int) error {
		return second(s.Issue(t.Context(), Request{Identity: lime.Identity{Name: fmt.Sprint("new", n), Domain: "x"}, First: true}))
	}
	if err := newcomer(0); !errors.Is(err, ErrTooMany) {
		t.Errorf("a newcomer after those: %v", err)
	}
	var last error
	for n := range 20 {
		last = newcomer(n)
	}
	if !errors.Is(last, ErrRate) {
		t.Errorf("too many at once: %v", last)
	}
}

func TestANameThatLapsesIsFreeWhenItsLastCertificateIsOver(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	over := func(since time.Duration) {
		c := Certificate{Identity: ana, Serial: "4a", KeyHash: "x", Expires: time.Now().Add(-since)}
		if err := s.Registry().note(t.Context(), &c, byOperator); err != nil {
			t.Fatal(err)
		}
	}
	over(time.Minute)
	if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true, Lapses: true}); !errors.Is(err, ErrTaken) {
		t.Errorf("by another clock it is not over: %v", err)
	}
	s = service(t, open(t, Config{}), nil)
	over(lapseAfter + time.Minute)
	if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true}); !errors.Is(err, ErrTaken) {
		t.Errorf("a name that does not lapse: %v", err)
	}
	issue(t, s, Request{Identity: ana, First: true, Lapses: true})
	if _, err := s.Issue(t.Context(), Request{Identity: ana, First: true, Lapses: true}); !errors.Is(err, ErrTaken) {
		t.Errorf("again: %v", err)
	}
}

func TestWhatWasNotToldIsTakenBack(t *testing.T) {
	js := natstest.JetStream(t)
	s := service(t, open(t, Config{JetStream: js, MaxNames: 1}), nil)
	remote := Remote{Ask: func(ctx context.Context, q []byte) ([]byte, error) { return s.Answer(ctx, q), nil }}
	mine := key(t)
	hash, err := KeyHash(mine.Public())
	if err != nil {
		t.Fatal(err)
	}
	i := issue(t, s, Request{Identity: ana, First: true, CSR: request(t, "x", mine)})
	if i.KeyHash != hash {
		t.Fatalf("its key is known as %s and %s", i.KeyHash, hash)
	}
	if err := remote.TakeBack(t.Context(), ana, "another"); err != nil {
		t.Error(err)
	}
	if err := remote.TakeBack(t.Context(), rui, hash); err != nil {
		t.Error(err)
	}
	if all, err := s.Registry().Of(t.Context(), ana); err != nil || len(all) != 1 {
		t.Fatalf("somebody else's was taken back: %v, %v", all, err)
	}
	if err := remote.TakeBack(t.Context(), ana, hash); err != nil {
		t.Fatal(err)
	}
	if !revocations(t, js).Revoked(i.Serial) {
		t.Error("it counts")
	}
	other := issue(t, s, Request{Identity: ana, First: true, CSR: request(t, "x", key(t))})
	if err := remote.TakeBack(t.Context(), ana, hash); err != nil {
		t.Error(err)
	}
	if revocations(t, js).Revoked(other.Serial) {
		t.Error("that of who came next is taken back")
	}
}

// losing is a JetStream that does what it is asked and does not say so.
type losing struct{ jetstream.JetStream }

func (l losing) KeyValue(ctx context.Context, bucket string) (jetstream.KeyValue, error) {
	kv, err := l.JetStream.KeyValue(ctx, bucket)
	return losingBucket{kv}, err
}

type losingBucket struct{ jetstream.KeyValue }

func (l losingBucket) Create(ctx context.Context, key string, value []byte, opts ...jetstream.KVCreateOpt) (uint64, error) {
	revision, err := l.KeyValue.Create(ctx, key, value, opts...)
	if err == nil {
		err = context.DeadlineExceeded
	}
	return revision, err
}

func TestALostAnswerLosesNoName(t *testing.T) {
	s := service(t, open(t, Config{JetStream: losing{natstest.JetStream(t)}}), nil)
	i := issue(t, s, Request{Identity: ana, First: true})
	if all, err := s.Registry().Of(t.Context(), ana); err != nil || len(all) != 1 || all[0].Serial != i.Serial {
		t.Errorf("it has %v, %v", all, err)
	}
}

func revocations(t testing.TB, js jetstream.JetStream) *Revocations {
	t.Helper()
	r, err := OpenRevocations(t.Context(), Config{JetStream: js}, silent(), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRevocationsAreKnownEverywhereAtOnceAndLater(t *testing.T) {
	js := natstest.JetStream(t)
	s := service(t, open(t, Config{JetStream: js}), nil)
	told := make(chan Revocation, 8)
	var edges []*Revocations
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 2 {
		r := revocations(t, js)
		r.Notify(func(one Revocation) {
			if !r.Revoked(one.Serial) {
				t.Error("told before it counts")
			}
			told <- one
		})
		running.Go(func() { r.Run(ctx) })
		edges = append(edges, r)
	}
	i := issue(t, s, Request{Identity: ana, First: true})
	if _, err := s.Revoke(t.Context(), ana, false, "lost"); err != nil {
		t.Fatal(err)
	}
	for range edges {
		if one := <-told; one.Serial != i.Serial || !one.Identity.EqualFold(ana) || one.Why != "lost" || !one.Expires.Equal(i.Expires) {
			t.Errorf("told of %+v", one)
		}
	}
	// What is revoked twice is no news.
	if _, err := s.Registry().RevokeSerial(t.Context(), lime.Identity{}, i.Serial, i.Expires, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Registry().RevokeSerial(t.Context(), lime.Identity{}, "0a", time.Now().Add(time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	for range edges {
		if one := <-told; one.Serial != "0a" {
			t.Errorf("told of %+v", one)
		}
	}
	later := revocations(t, js)
	if !later.Revoked(i.Serial) || !later.Revoked("0a") || later.Revoked("0b") || later.Len() != 2 {
		t.Error("who starts later does not know it")
	}
	stop()
	running.Wait()
}

func TestRevocationsEndWithTheirCertificates(t *testing.T) {
	js := natstest.JetStream(t)
	r := open(t, Config{JetStream: js})
	for serial, ends := range map[Serial]time.Duration{"0a": -2 * time.Hour, "0b": -time.Minute, "0c": time.Hour} {
		if _, err := r.RevokeSerial(t.Context(), lime.Identity{}, serial, time.Now().Add(ends), ""); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := r.Tidy(t.Context()); n != 1 || err != nil {
		t.Errorf("%d removed, %v", n, err)
	}
	known := revocations(t, js)
	if known.Revoked("0a") || !known.Revoked("0b") || !known.Revoked("0c") {
		t.Error("the wrong ones were removed")
	}
}

func TestOneOfAnIdentitysCertificatesIsRevoked(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	a, b := issue(t, s, Request{Identity: ana}), issue(t, s, Request{Identity: ana})
	if _, err := s.Registry().RevokeSerial(t.Context(), rui, a.Serial, time.Time{}, ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("of somebody else: %v", err)
	}
	if _, err := s.Registry().RevokeSerial(t.Context(), ana, a.Serial, time.Time{}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Registry().Find(t.Context(), ana, a.Fingerprint); !errors.Is(err, ErrNotFound) {
		t.Errorf("the revoked one: %v", err)
	}
	if c, err := s.Registry().Find(t.Context(), ana, b.Fingerprint); err != nil || c.Serial != b.Serial {
		t.Errorf("the other: %+v, %v", c, err)
	}
	all, err := s.Registry().List(t.Context(), "EXAMPLE.org", 0)
	if err != nil || len(all) != 2 || all[0].Revoked.IsZero() || !all[1].Revoked.IsZero() {
		t.Errorf("listed: %+v, %v", all, err)
	}
}

func TestAnEdgeAsksWhoeverSigns(t *testing.T) {
	s := service(t, open(t, Config{}), nil)
	remote := Remote{Ask: func(ctx context.Context, q []byte) ([]byte, error) { return s.Answer(ctx, q), nil }}
	i := issue(t, remote, Request{Identity: ana, First: true})
	if _, err := tls.X509KeyPair([]byte(i.PEM), []byte(i.Key)); err != nil {
		t.Error(err)
	}
	if _, err := remote.Issue(t.Context(), Request{Identity: ana, First: true}); !errors.Is(err, ErrTaken) || errors.Is(err, ErrFault) {
		t.Errorf("again: %v", err)
	}
	if gone, err := remote.Revoke(t.Context(), ana, true, ""); err != nil || len(gone) != 1 || gone[0].Serial != i.Serial {
		t.Errorf("%+v, %v", gone, err)
	}
	s.Use(nil)
	if _, err := remote.Issue(t.Context(), Request{Identity: ana, First: true}); !errors.Is(err, ErrFault) {
		t.Errorf("without an authority: %v", err)
	}
	if a := s.Answer(t.Context(), []byte("x")); !strings.Contains(string(a), `"code":64`) {
		t.Errorf("to nonsense: %s", a)
	}
}

// shake has a client with a certificate, or none, come to a server.
func shake(t testing.TB, server *tls.Config, client ...tls.Certificate) error {
	t.Helper()
	a, b := net.Pipe()
	var running sync.WaitGroup
	defer running.Wait()
	defer a.Close()
	running.Go(func() {
		defer b.Close()
		// The server's certificate is not what this is about.
		c := tls.Client(b, &tls.Config{InsecureSkipVerify: true, GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if len(client) == 0 {
				return new(tls.Certificate), nil
			}
			return &client[0], nil
		}})
		_, _ = io.Copy(io.Discard, c) // with the handshake before, until the server has had enough
	})
	return tls.Server(a, server).HandshakeContext(t.Context())
}

func TestWhomAnEdgeBelieves(t *testing.T) {
	js := natstest.JetStream(t)
	r := open(t, Config{JetStream: js})
	s := service(t, r, nil)
	f := s.folder.Load()
	pair := func(i *Issued) tls.Certificate {
		p, err := tls.X509KeyPair([]byte(i.PEM), []byte(i.Key))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	signed := func(a *Authority, name string) tls.Certificate {
		k := key(t)
		c, err := a.client(name, k.Public(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: k}
	}
	serverKey := key(t)
	ofServer, err := f.Authority.Server([]string{"localhost"}, serverKey.Public(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	server := tls.Certificate{Certificate: [][]byte{ofServer.Raw}, PrivateKey: serverKey}
	own := issue(t, s, Request{Identity: ana, First: true})
	self := issue(t, s, Request{Identity: rui, First: true, SelfSigned: true})
	lost := issue(t, s, Request{Identity: lime.MustParseIdentity("lost@example.org"), First: true})
	lostSelf := issue(t, s, Request{Identity: lime.MustParseIdentity("lost2@example.org"), First: true, SelfSigned: true})
	for _, name := range []string{"lost@example.org", "lost2@example.org"} {
		if _, err := s.Revoke(t.Context(), lime.MustParseIdentity(name), false, ""); err != nil {
			t.Fatal(err)
		}
	}
	unknownKey := key(t)
	unknown, err := selfSigned(rui, unknownKey, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	outside, foreign := newAuthority(t), newAuthority(t)
	defaultOfOthers := signed(foreign, "Original default")
	f.Defaults = append(f.Defaults, certificate(t, string(EncodeCertificates(mustParse(t, defaultOfOthers.Certificate[0])))))
	trust := NewTrust(f, certificates(outside), revocations(t, js))

	for what, tc := range map[string]struct {
		with        tls.Certificate
		good, known bool // for LIME, and for those who sign themselves
		identity    lime.Identity
		isDefault   bool
	}{
		"its own":                       {pair(own), true, true, ana, false},
		"the default one":               {signed(f.Authority, DefaultName), true, true, lime.Identity{}, true},
		"another maker's default one":   {defaultOfOthers, true, true, lime.Identity{}, true},
		"signed by itself, and known":   {pair(self), false, true, rui, false},
		"signed by itself":              {tls.Certificate{Certificate: [][]byte{unknown.Raw}, PrivateKey: unknownKey}, false, false, lime.Identity{}, false},
		"an authority's outside":        {signed(outside, "ana@example.org"), true, true, lime.Identity{}, false},
		"default of an outside one":     {signed(outside, DefaultName), true, true, lime.Identity{}, false},
		"a foreign authority's":         {signed(foreign, "ana@example.org"), false, false, lime.Identity{}, false},
		"a revoked one":                 {pair(lost), false, false, lime.Identity{}, false},
		"revoked, and signed by itself": {pair(lostSelf), false, false, lime.Identity{}, false},
		"a server's":                    {server, false, false, lime.Identity{}, false},
		"no identity's":                 {signed(f.Authority, "ana"), false, false, lime.Identity{}, false},
	} {
		chain := certificatesOf(t, tc.with)
		b, err := trust.Known(t.Context(), r, "example.org", chain)
		if (err == nil) != tc.known || err == nil && (!b.Identity.EqualFold(tc.identity) || b.Default != tc.isDefault || b.Serial != SerialOf(chain[0])) {
			t.Errorf("%s: %+v, %v", what, b, err)
		}
		of := &tls.Config{Certificates: []tls.Certificate{server}}
		trust.Server(of)
		if err := shake(t, of, tc.with); (err == nil) != tc.good {
			t.Errorf("%s, in TLS: %v", what, err)
		}
		of = &tls.Config{Certificates: []tls.Certificate{server}}
		trust.ServerOfKnown(of, r, "example.org", 10*time.Second)
		if err := shake(t, of, tc.with); (err == nil) != tc.known {
			t.Errorf("%s, in TLS of those who sign themselves: %v", what, err)
		}
		if err := shake(t, of); err != nil {
			t.Errorf("none: %v", err)
		}
	}
}
