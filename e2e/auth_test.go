package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"limegrove/lime"
	"limegrove/lime/client"
)

// strangers log in by every scheme, at an edge that knows their issuer, their authority
// and the platform's API.
type strangers struct {
	t        *testing.T
	trust    *x509.CertPool    // of the edge's certificate
	issuer   *ecdsa.PrivateKey // whose tokens let in
	partner  tls.Certificate   // for partner.example
	platform *httptest.Server
	urls     []string // of one edge: over WebSocket and over TCP, both in TLS
}

// The cookie that the platform lets in with, whatever the password, and what of it all
// must be in no log.
const (
	goodCookie = "c00kie-of-ana"
	idpName    = "https://idp.example.net"
)

// TestEveryScheme over wss and over TLS over TCP: L-SES-13, L-SES-15, L-SES-31, L-SES-34.
func TestEveryScheme(t *testing.T) {
	t.Parallel()
	s := &strangers{t: t}
	c := s.cluster()
	for _, url := range s.urls {
		t.Run(url[:3], func(t *testing.T) {
			s := *s
			s.t = t
			ana := c.name("ana")
			if bytes.HasPrefix([]byte(url), []byte("wss")) { // there are no cookies over TCP
				s.webhook(url, c.name("lia"))
			}
			s.external(url, ana)
			s.key(url, ana)
			s.transport(url)
		})
	}
	for _, p := range []*process{c.router, c.edges[0].process} { // L-SES-34
		if log, _ := p.output.read(); bytes.Contains(log, []byte(goodCookie)) || bytes.Contains(log, []byte("eyJ")) {
			t.Errorf("the log of %s has a secret", p.name)
		}
	}
}

// cluster starts one with such an edge.
func (s *strangers) cluster() *cluster {
	t := s.t
	certificate, key := newCertificate(t)
	text, err := os.ReadFile(certificate)
	must(t, err)
	s.trust = x509.NewCertPool()
	if !s.trust.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	authority := newAuthority(t)
	s.partner = authority.sign(t, "partner.example")
	issuers := s.issuers("")
	s.platform = httptest.NewServer(http.HandlerFunc(decide))
	t.Cleanup(s.platform.Close)
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{
		"-log-level", "trace", "-auth-issuers", issuers, "-auth-webhook", s.platform.URL, "-auth-webhook-schemes", "plain",
		"-auth-webhook-secret", "0123456789abcdef",
	}}
	c.start(t, 1, "-auth", "guest,plain,key,external,transport", "-tcp", address(0), "-tcp-encryption", "tls,none",
		"-tls-cert", certificate, "-tls-key", key, "-tls-client-ca", authority.file, "-auth-webhook-cookies", "sid")
	s.urls = []string{c.edges[0].url, "net.tcp://" + c.edges[0].tcp}
	return c
}

// issuers makes the issuer, and returns a file for -auth-issuers with it, of which more is its
// last lines.
func (s *strangers) issuers(more string) (file string) {
	var err error
	s.issuer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(s.t, err)
	public, err := x509.MarshalPKIXPublicKey(s.issuer.Public())
	must(s.t, err)
	folder := s.t.TempDir()
	keys := filepath.Join(folder, "idp.pem")
	must(s.t, os.WriteFile(keys, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), 0o600))
	file = filepath.Join(folder, "issuers.yaml")
	must(s.t, os.WriteFile(file, fmt.Appendf(nil, "- issuer: %s\n  keys: [%s]\n  audience: [limegrove]\n  leeway: -1s\n%s", idpName, keys, more), 0o600))
	return file
}

// decide is the platform's API.
func decide(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	var q struct {
		Identity string
		Cookies  map[string]string
	}
	if err != nil || json.Unmarshal(text, &q) != nil || r.Header.Get("Limegrove-Signature") == "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintf(w, `{"granted":%v,"ttl":60,"reason":{"description":"No such cookie"}}`, q.Cookies["sid"] == goodCookie)
}

// dial logs in once.
func (s *strangers) dial(url, node string, scheme client.Scheme, change func(*client.Config)) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cfg := client.Config{
		Node: lime.MustParseNode(node), Scheme: scheme, Encryption: client.RequireTLS, TLS: &tls.Config{RootCAs: s.trust},
		Backoff: client.Backoff{Tries: 1},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := client.Dial(ctx, url, cfg)
	if err == nil {
		s.t.Cleanup(c.Close)
	}
	return c, err
}

func (s *strangers) want(what, url, node string, scheme client.Scheme, change func(*client.Config)) *client.Client {
	s.t.Helper()
	c, err := s.dial(url, node, scheme, change)
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
	if !c.Node().EqualFold(lime.MustParseNode(node)) {
		s.t.Errorf("%s: the node is %s", what, c.Node())
	}
	return c
}

func (s *strangers) wantRefused(what, url, node string, scheme client.Scheme, change func(*client.Config)) {
	s.t.Helper()
	_, err := s.dial(url, node, scheme, change)
	if why := lime.AsReason(err); why == nil || why.Code != lime.CodeSessionAuthenticationFailed {
		s.t.Errorf("%s: %v", what, err)
	}
}

// wantEnd waits for the end of a session by reason 13.
func (s *strangers) wantEnd(what string, c *client.Client) {
	s.t.Helper()
	select {
	case <-c.Done():
		if why := lime.AsReason(c.Err()); why == nil || why.Code != lime.CodeSessionAuthenticationFailed {
			s.t.Errorf("%s: %v", what, c.Err())
		}
	case <-time.After(patience):
		s.t.Errorf("%s: it goes on", what)
	}
}

func (s *strangers) token(sub string, lives time.Duration) client.Secret {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.issuer}, nil)
	must(s.t, err)
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: idpName, Subject: sub, Audience: jwt.Audience{"limegrove"}, Expiry: jwt.NewNumericDate(time.Now().Add(lives)),
	}).Serialize()
	must(s.t, err)
	return client.Fixed(text)
}

// external: a token lets in who it names, and its end is the session's, unless it is
// renewed in time.
func (s *strangers) external(url, name string) {
	node := name + "@" + domain + "/token"
	s.want("a token", url, node, client.External(s.token(name, time.Hour), idpName), nil)
	s.wantRefused("somebody else's token", url, "rui@"+domain+"/x", client.External(s.token(name, time.Hour), idpName), nil)
	s.wantRefused("one that has expired", url, node, client.External(s.token(name, -time.Minute), idpName), nil)
	s.wantRefused("of nobody", url, node, client.External(s.token(name, time.Hour), "https://evil.example"), nil)

	const soon = 5 * time.Second
	ends := s.want("one for a moment", url, node+"-ends", client.External(s.token(name, soon), idpName), nil)
	renewed := s.want("another", url, node+"-renewed", client.External(s.token(name, soon), idpName), nil)
	fresh, err := s.token(name, time.Hour)(s.t.Context())
	must(s.t, err)
	notice, err := first(s.t, renewed)
	if err != nil || notice.Method != lime.MethodObserve || notice.URI != "/authentication" {
		s.t.Errorf("the notice is %v, %v", notice, err)
	}
	answer, err := renewed.Command(s.t.Context(), &lime.Command{
		Method: lime.MethodSet, URI: "/authentication", Type: lime.MediaJSON,
		Resource: fmt.Appendf(nil, `{"scheme":"external","authentication":{"token":%q,"issuer":%q}}`, fresh, idpName),
	})
	if err != nil || !bytes.Contains(answer.Resource, []byte(`"expires"`)) {
		s.t.Errorf("renewed: %v, %v", answer, err)
	}
	s.wantEnd("a session whose token has expired", ends)
	if _, err := renewed.Command(s.t.Context(), &lime.Command{Method: lime.MethodGet, URI: "/ping"}); err != nil {
		s.t.Errorf("a session that was renewed: %v", err)
	}
}

// first is the next command that comes.
func first(t *testing.T, c *client.Client) (*lime.Command, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for command, err := range c.Commands(ctx) {
		return command, err
	}
	return nil, errors.New("none has come")
}

// key: an account makes one, a session comes in by it, and ends when it is revoked.
func (s *strangers) key(url, name string) {
	owner := s.want("the owner", url, name+"@"+domain+"/owner", client.External(s.token(name, time.Hour), idpName), nil)
	made, err := owner.Command(s.t.Context(), &lime.Command{
		Method: lime.MethodSet, URI: "/account/keys", Type: lime.MediaJSON, Resource: []byte(`{"name":"bot"}`),
	})
	if err != nil {
		s.t.Fatalf("a key: %v", err)
	}
	var k struct{ Key string }
	must(s.t, json.Unmarshal(made.Resource, &k))
	bot := s.want("a key", url, name+"@"+domain+"/bot", client.Key(client.Fixed(k.Key)), nil)
	s.wantRefused("somebody else with it", url, "rui@"+domain+"/bot", client.Key(client.Fixed(k.Key)), nil)
	if _, err := owner.Command(s.t.Context(), &lime.Command{Method: lime.MethodDelete, URI: "/account/keys/bot"}); err != nil {
		s.t.Errorf("revoke it: %v", err)
	}
	s.wantEnd("a session by a revoked key", bot)
	s.wantRefused("a revoked key", url, name+"@"+domain+"/bot", client.Key(client.Fixed(k.Key)), nil)
}

// transport: a certificate lets in for its domain, which nobody serves.
func (s *strangers) transport(url string) {
	partner := func(c *client.Config) { c.TLS.Certificates = []tls.Certificate{s.partner} }
	gateway := s.want("a gateway", url, "gateway@partner.example/gw1", client.Transport(), partner)
	if gateway.Server().Domain != domain {
		s.t.Errorf("a gateway is spoken to by %s", gateway.Server())
	}
	s.wantRefused("for another domain", url, "gateway@"+domain+"/gw1", client.Transport(), partner)
	if _, err := s.dial(url, "gateway@partner.example/gw1", client.Transport(), nil); !errors.Is(err, client.ErrNotOffered) {
		s.t.Errorf("without a certificate: %v", err)
	}
}

// webhook: the platform decides by a cookie.
func (s *strangers) webhook(url, name string) {
	cookie := func(value string) func(*client.Config) {
		return func(c *client.Config) { c.Header = http.Header{"Cookie": {"other=1; sid=" + value}} }
	}
	node := name + "@" + domain + "/web"
	s.want("a cookie", url, node, client.Plain(client.Fixed("x")), cookie(goodCookie))
	s.wantRefused("another cookie", url, node, client.Plain(client.Fixed("x")), cookie("wrong"))
	s.wantRefused("none", url, node, client.Plain(client.Fixed("x")), nil)
}

// must ends the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
