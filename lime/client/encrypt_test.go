package client

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/lime"
)

// identity is a certificate for server and what believes it.
var identity = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	// Valid in a bubble's time, too.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"server"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
})

func believing() *tls.Config {
	_, pool := identity()
	return &tls.Config{RootCAs: pool}
}

// encrypts negotiates TLS over TCP. What is said after the confirmation goes with it in
// one piece.
func (f *far) encrypts(offer, after string) {
	f.t.Helper()
	f.one("new", `{"state":"new"}`)
	f.writes(`{"id":"s1","state":"negotiating","encryptionOptions":[` + offer + `],"compressionOptions":["none"]}`)
	f.one("the choice", `{"id":"s1","state":"negotiating","encryption":"tls","compression":"none"}`)
	f.writes(`{"id":"s1","state":"negotiating","encryption":"tls","compression":"none"}` + after)
	certificate, _ := identity()
	f.conn = tls.Server(f.conn, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert})
}

// one reads one envelope and not a byte more.
func (f *far) one(sentence, pattern string) {
	f.t.Helper()
	var split lime.Splitter
	var text []byte
	for {
		var b [1]byte
		if _, err := f.conn.Read(b[:]); err != nil {
			f.t.Fatalf("%s: %v after %q", sentence, err, text)
		}
		text = append(text, b[0])
		if _, done, err := split.Next(b[:]); err != nil {
			f.t.Fatalf("%s: %v", sentence, err)
		} else if done {
			break
		}
	}
	if err := match(string(text), pattern); err != nil {
		f.t.Fatalf("%s: %v, in %s", sentence, err, text)
	}
}

func TestTLSIsNegotiatedOverTCP(t *testing.T) {
	for _, after := range []string{"", "\n", " \r\n\t"} {
		inMemory(t, func(t *testing.T, p *place) {
			d := p.client("net.tcp://server", Config{Node: lime.MustParseNode(ana), TLS: believing(), Encryption: RequireTLS})
			f := p.raw()
			if f.address != "server:55321" {
				t.Errorf("dialled %s", f.address)
			}
			f.encrypts(`"none","tls"`, after)
			go f.read(f.conn)
			f.says(`{"id":"s1","state":"authenticating","schemeOptions":["guest"]}`)
			f.hears("inside", `{"state":"authenticating","scheme":"guest"}`)
			f.says(`{"id":"s1","to":"` + ana + `","state":"established"}{"id":"1","from":"rui@x/y","type":"text/plain","content":"hi"}`)
			c := d.get()
			for m, err := range c.Messages(within(t)) {
				if err != nil || m.ID != "1" {
					t.Error(m, err)
				}
				break
			}
			f.hears("and answers", `{"id":"1","event":"received"}`)
		})
	}
}

// What is slipped in behind the confirmation in clear is no envelope.
func TestNothingInClearCountsBehindTheConfirmation(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("net.tcp://server", Config{TLS: believing()})
		f := p.raw()
		f.encrypts(`"tls"`, `{"id":"s1","state":"authenticating","schemeOptions":["guest"]}{"id":"s1","state":"established","to":"`+ana+`"}`)
		go f.read(f.conn.(*tls.Conn).NetConn())
		var broken tls.RecordHeaderError
		if err := d.refused(); !errors.As(err, &broken) {
			t.Error(err)
		}
	})
}

func TestEncryptionIsAsWanted(t *testing.T) {
	for _, tc := range []struct {
		name, offer string // of the server; "" skips the negotiation
		wants       Encryption
		choice      string // "" when there is none
	}{
		{"both, by default", `"none","tls"`, PreferTLS, "tls"},
		{"both, without", `"none","tls"`, NoTLS, "none"},
		{"none, by default", `"none"`, PreferTLS, "none"},
		{"none, required", `"none"`, RequireTLS, ""},
		{"tls, without", `"tls"`, NoTLS, ""},
		{"something else", `"rot13"`, PreferTLS, ""},
		{"skipped, required", "", RequireTLS, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *place) {
				d := p.client("net.tcp://server", Config{Encryption: tc.wants})
				f := p.acceptTCP()
				f.hears("new", `{"state":"new"}`)
				if tc.offer == "" {
					f.says(`{"id":"s1","state":"authenticating","schemeOptions":["guest"]}`)
				} else {
					f.says(`{"id":"s1","state":"negotiating","encryptionOptions":[` + tc.offer + `],"compressionOptions":["none"]}`)
				}
				if tc.choice != "" {
					f.hears("the choice", `{"id":"s1","state":"negotiating","encryption":"`+tc.choice+`","compression":"none"}`)
					f.conn.Close()
					<-d.done
					return
				}
				if err := d.refused(); !errors.Is(err, ErrNotOffered) || !isFinal(err) {
					t.Error(err)
				}
				if last := f.ends(); last != "" {
					t.Errorf("it has said %s", last)
				}
			})
		})
	}
}

// Who is on the way can take TLS out of what the server offers. It gets no secret by that,
// unless the program has said so.
func TestSecretsLeaveTheHostInTLSOnly(t *testing.T) {
	secret := Fixed("secret")
	for _, tc := range []struct {
		name, url string
		scheme    Scheme
		wants     Encryption
		inClear   bool
	}{
		{"password", "net.tcp://server", Plain(secret), SecretsInTLS, false},
		{"key", "net.tcp://192.0.2.7", Key(secret), SecretsInTLS, false},
		{"token", "net.tcp://server", External(secret, "x"), SecretsInTLS, false},
		{"one of its own", "net.tcp://server", Scheme{Name: "otp", Authenticate: Plain(secret).Authenticate}, SecretsInTLS, false},
		{"nothing secret", "net.tcp://server", Guest(), SecretsInTLS, true},
		{"this host by name", "net.tcp://LOCALHOST", Plain(secret), SecretsInTLS, true},
		{"this host", "net.tcp://127.1.2.3:1", Plain(secret), SecretsInTLS, true},
		{"this host by IPv6", "net.tcp://[::1]", Plain(secret), SecretsInTLS, true},
		{"as wanted", "net.tcp://server", Plain(secret), PreferTLS, true},
		{"the URL says so", "ws://server", Plain(secret), SecretsInTLS, true},
	} {
		for _, offer := range []string{`{"id":"s1","state":"negotiating","encryptionOptions":["none"],"compressionOptions":["none"]}`, ""} {
			inMemory(t, func(t *testing.T, p *place) {
				d := p.client(tc.url, Config{Node: lime.MustParseNode(ana), Scheme: tc.scheme, Encryption: tc.wants, Backoff: Backoff{Tries: -1}})
				var f *far
				if strings.HasPrefix(tc.url, "ws") {
					f = p.accept()
				} else {
					f = p.acceptTCP()
				}
				f.hears("new", `{"state":"new"}`)
				if offer != "" {
					f.says(offer)
					if tc.inClear {
						f.hears("the choice", `{"encryption":"none"}`)
						f.says(`{"id":"s1","state":"negotiating","encryption":"none","compression":"none"}`)
					}
				}
				if offer == "" || tc.inClear {
					f.says(`{"id":"s1","state":"authenticating","schemeOptions":["` + tc.scheme.Name + `"]}`)
				}
				if tc.inClear {
					f.hears(tc.name, `{"state":"authenticating","authentication":"*"}`)
					f.conn.Close()
					<-d.done
					return
				}
				if err := d.refused(); !errors.Is(err, ErrNotOffered) || !isFinal(err) {
					t.Errorf("%s: %v", tc.name, err)
				}
				if last := f.ends(); last != "" {
					t.Errorf("%s: it has said %s", tc.name, last)
				}
			})
		}
	}
}

// Who has chosen TLS says nothing of itself in clear.
func TestCredentialsAreNotSentBeforeTheConfirmation(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("net.tcp://server", Config{Node: lime.MustParseNode(ana), Scheme: Plain(Fixed("secret"))})
		f := p.acceptTCP()
		f.hears("new", `{"state":"new"}`)
		f.says(`{"id":"s1","state":"negotiating","encryptionOptions":["tls"],"compressionOptions":["none"]}`)
		f.hears("the choice", `{"encryption":"tls"}`)
		f.says(`{"id":"s1","state":"authenticating","schemeOptions":["plain"]}`)
		if err := d.refused(); !errors.Is(err, ErrProtocol) {
			t.Error(err)
		}
		if last := f.ends(); last != "" {
			t.Errorf("it has said %s", last)
		}
	})
}

func TestServerThatIsNotBelievedIsRefused(t *testing.T) {
	for _, url := range []string{"wss://other/", "net.tcp://other"} {
		inMemory(t, func(t *testing.T, p *place) {
			d := p.client(url, Config{TLS: believing()})
			f := p.raw()
			f.conn = &eager{Conn: f.conn}
			certificate, _ := identity()
			if url == "wss://other/" {
				f.conn = tls.Server(f.conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
			} else {
				f.encrypts(`"tls"`, "")
			}
			go f.read(f.conn)
			var wrong *tls.CertificateVerificationError
			if err := d.refused(); !errors.As(err, &wrong) {
				t.Errorf("%s: %v", url, err)
			}
		})
	}
}

// eager has room for one write, as a socket has, so that both sides may write at once.
type eager struct {
	net.Conn
	writing sync.WaitGroup
}

func (e *eager) Write(b []byte) (int, error) {
	e.writing.Wait()
	b = bytes.Clone(b)
	e.writing.Go(func() { _, _ = e.Conn.Write(b) })
	return len(b), nil
}

// wss is encrypted from the first byte, and is enough for who requires TLS. The client's
// certificate goes with it.
func TestWebSocketOverTLS(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		certificate, _ := identity()
		cfg := believing()
		cfg.Certificates = []tls.Certificate{certificate}
		d := p.client("wss://server/lime?x=1", Config{
			Node: lime.MustParseNode(ana), Encryption: RequireTLS, TLS: cfg, Scheme: Transport(),
		})
		conn := (<-p.conns).(named)
		over := tls.Server(conn.Conn, &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert})
		go func() { p.conns <- named{over, conn.address} }()
		f := p.accept()
		f.begins(ana)
		c := d.get()
		f.says(`{"id":"p","from":"` + server + `","method":"get","uri":"/ping"}`)
		f.hears("a ping is answered", `{"id":"p","method":"get","status":"success","resource":{}}`)
		if f.address != "server:443" {
			t.Errorf("dialled %s", f.address)
		}
		c.Close()
	})
}
