package router

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/prometheus/client_golang/prometheus"

	"limegrove/edge/auth"
	"limegrove/edge/auth/issuer"
	"limegrove/edge/auth/webhook"
	"limegrove/lime"
)

func TestTokenOfAnIssuerMakesAnAccountThatNoGuestTakes(t *testing.T) { // L-SES-13
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public := jose.JSONWebKey{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, err := public.MarshalJSON()
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, text)
	}))
	defer keys.Close()
	w := newWorld(t, Config{Issuers: []issuer.Config{{
		Name: "idp", JWKS: keys.URL, Audience: []string{"limegrove"}, Domains: []string{"t.org"}, Client: keys.Client(),
	}}})
	token := func(sub string) []byte {
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := jwt.Signed(s).Claims(jwt.Claims{
			Issuer: "idp", Subject: sub, Audience: jwt.Audience{"limegrove"}, Expiry: jwt.NewNumericDate(time.Now().Add(time.Hour)),
		}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Appendf(nil, `{"token":%q,"issuer":"idp"}`, text)
	}
	guest := w.login("ana@t.org/guest", true)
	g, err := w.ask(auth.Request{Scheme: auth.SchemeExternal, Node: lime.MustParseNode("Ana@t.org/1"), Credentials: token("ana")})
	if err != nil || g.Guest || time.Until(g.Expires) < time.Minute {
		t.Fatalf("%+v, %v", g, err)
	}
	select {
	case why := <-guest.ended:
		if why.Code != lime.CodeSessionRegistrationError {
			t.Errorf("a guest of the name ends with %v", why)
		}
	case <-time.After(patience):
		t.Error("a guest of the name goes on")
	}
	_, err = w.authenticate(auth.SchemeGuest, "ana@t.org/1", "")
	w.wantRefused("another guest", err, lime.CodeSessionAuthenticationFailed)
	_, err = w.authenticate(auth.SchemePlain, "ana@t.org/1", "x")
	w.wantRefused("a password", err, lime.CodeSessionAuthenticationFailed)

	w.registered("rui@t.org/1")
	_, err = w.ask(auth.Request{Scheme: auth.SchemeExternal, Node: lime.MustParseNode("rui@t.org/1"), Credentials: token("rui")})
	w.wantRefused("an account that somebody has made", err, lime.CodeSessionAuthenticationFailed)
}

func TestWebhookDecidesForItsSchemes(t *testing.T) {
	var busy atomic.Bool
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Limegrove-Signature") == "" || busy.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprint(w, `{"granted":true}`)
	}))
	defer platform.Close()
	w := newWorld(t, Config{
		Webhook:        webhook.Config{URL: platform.URL, Secret: []byte("0123456789abcdef"), Transport: platform.Client().Transport},
		WebhookSchemes: []auth.Scheme{auth.SchemePlain, auth.SchemeExternal},
	})
	for _, scheme := range []auth.Scheme{auth.SchemePlain, auth.SchemeExternal} {
		if g, err := w.authenticate(scheme, "ana@t.org/1", "whatever"); err != nil || g.Identity.String() != "ana@t.org" || g.Guest {
			t.Errorf("%s: %+v, %v", scheme, g, err)
		}
	}
	_, err := w.authenticate(auth.SchemeGuest, "ana@t.org/1", "")
	w.wantRefused("a guest", err, lime.CodeSessionAuthenticationFailed)
	busy.Store(true)
	_, err = w.authenticate(auth.SchemePlain, "ana@t.org/1", "whatever")
	w.wantRefused("when it fails", err, lime.CodeSessionError)
}

func TestAnotherWebhookIsAskedFromThenOn(t *testing.T) {
	platform := func(granted bool) *httptest.Server {
		p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"granted":%t,"ttl":60}`, granted)
		}))
		t.Cleanup(p.Close)
		return p
	}
	first, second := platform(true), platform(false)
	cfg := Config{
		Metrics: prometheus.NewRegistry(),
		Webhook: webhook.Config{URL: first.URL}, WebhookSchemes: []auth.Scheme{auth.SchemePlain},
	}
	w := newWorld(t, cfg)
	login := func() error {
		_, err := w.authenticate(auth.SchemePlain, "ana@t.org/1", "whatever")
		return err
	}
	change := func() error {
		apply, err := w.router.Change(cfg)
		if err == nil {
			apply()
		}
		return err
	}
	if err := login(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cfg.Webhook.URL = second.URL
		if err := change(); err != nil {
			t.Fatal(err)
		}
		w.wantRefused("by the second one", login(), lime.CodeSessionAuthenticationFailed)
		cfg.Webhook.URL = first.URL
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if err := login(); err != nil {
			t.Errorf("by the first one again: %v", err)
		}
	}
	first.Close() // what it has said is known still, when something else changes
	cfg.MaxContacts = 7
	if err := change(); err != nil {
		t.Fatal(err)
	}
	if err := login(); err != nil {
		t.Errorf("by the first one, from memory: %v", err)
	}
	for name, schemes := range map[string][]auth.Scheme{"other schemes": {auth.SchemePlain, auth.SchemeExternal}, "guests": {auth.SchemePlain, auth.SchemeGuest}} {
		cfg.WebhookSchemes = schemes
		if err := change(); err == nil {
			t.Errorf("%s are taken", name)
		}
	}
}
