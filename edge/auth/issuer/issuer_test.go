package issuer

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"

	"limegrove/edge/auth"
	"limegrove/lime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	name     = "https://idp.example.net"
	audience = "limegrove"
)

// idp signs tokens.
type idp struct {
	t   testing.TB
	key *rsa.PrivateKey
	id  string
}

var rsaKeys = sync.OnceValue(func() (keys [2]*rsa.PrivateKey) {
	for i := range keys {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = k
	}
	return keys
})

func newIDP(t testing.TB) idp { return idp{t, rsaKeys()[0], "k1"} }

func (p idp) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: p.key.Public(), KeyID: p.id, Algorithm: "RS256", Use: "sig"}
}

// claimsOf are those of a good token of ana, with some others instead; nil takes one away.
func claimsOf(instead map[string]any) map[string]any {
	c := map[string]any{
		"iss": name, "aud": audience, "sub": "ana", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	maps.Copy(c, instead)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p idp) token(instead map[string]any) string {
	p.t.Helper()
	return sign(p.t, jose.RS256, p.key, p.id, claimsOf(instead))
}

// owner notes whose accounts are made.
type owner struct {
	mu       sync.Mutex
	made     []string
	takeOver bool
	err      error
}

func (o *owner) Own(_ context.Context, login lime.Node, takeOver bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.made, o.takeOver = append(o.made, login.Identity.String()), takeOver
	return o.err
}

// static is an issuer with keys that are known.
func static(t testing.TB, o auth.Owners, cfg Config) *Issuers {
	t.Helper()
	if cfg.Keys == nil && cfg.JWKS == "" {
		cfg.Keys = []jose.JSONWebKey{newIDP(t).public()}
	}
	if cfg.Domains == nil {
		cfg.Domains = []string{"Example.org"}
	}
	cfg.Name, cfg.Audience = name, []string{"others", audience}
	s, err := New(o, []Config{cfg})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func login(s *Issuers, node, token, issuer string) (auth.Grant, error) {
	credentials, err := json.Marshal(map[string]string{"token": token, "issuer": issuer, "scheme": "external"})
	if err != nil {
		return auth.Grant{}, err
	}
	r := auth.Request{Scheme: auth.SchemeExternal, Node: lime.MustParseNode(node), Credentials: credentials}
	g, err := s.Authenticate(context.Background(), r)
	if strings.Trim(string(r.Credentials), "\x00") != "" {
		err = errors.Join(err, errors.New("the credentials are still in memory"))
	}
	return g, err
}

func TestTokenLetsInUntilItExpires(t *testing.T) { // L-SES-13: encoded or not, as libraries do
	p, o := newIDP(t), &owner{}
	s := static(t, o, Config{})
	ends := time.Now().Add(time.Hour).Truncate(time.Second)
	token := p.token(map[string]any{"exp": ends.Unix()})
	for how, text := range map[string]string{
		"as it is": token, "in Base64": base64.StdEncoding.EncodeToString([]byte(token)),
		"without padding": base64.RawStdEncoding.EncodeToString([]byte(token)), "for URLs": base64.URLEncoding.EncodeToString([]byte(token)),
	} {
		g, err := login(s, "Ana@Example.ORG/home", text, name)
		want := auth.Grant{
			Identity: lime.MustParseIdentity("Ana@Example.ORG"), Role: lime.RoleMember, Expires: ends.Add(30 * time.Second).UTC(),
		}
		if err != nil || !reflect.DeepEqual(g, want) {
			t.Errorf("%s: %+v, %v, want %+v", how, g, err, want)
		}
	}
	if len(o.made) != 4 || o.takeOver {
		t.Errorf("accounts are made for %v, take over %v", o.made, o.takeOver)
	}
	o.err = lime.NewReason(lime.CodeSessionAuthenticationFailed, "it has a password")
	if _, err := login(s, "ana@example.org", token, name); auth.OutcomeOf(err) != auth.OutcomeName {
		t.Errorf("somebody else's account: %v", err)
	}
	o.err = errors.New("the store is away")
	if _, err := login(s, "ana@example.org", token, name); auth.OutcomeOf(err) != auth.OutcomeFault || lime.AsReason(err) != nil {
		t.Errorf("without a store: %v", err)
	}
	o.err = nil
	if _, err := login(static(t, o, Config{TakeOver: true}), "ana@example.org", token, name); err != nil || !o.takeOver {
		t.Errorf("an issuer that may take accounts over: %v", err)
	}
}

func TestTokensThatDoNotHold(t *testing.T) { // L-SES-14, L-SES-15, L-SES-16
	p := newIDP(t)
	other := idp{t, rsaKeys()[1], "k1"}
	elliptic256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := p.token(nil)
	head, rest, _ := strings.Cut(good, ".")
	body, signature, _ := strings.Cut(rest, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	none := b64([]byte(`{"alg":"none","kid":"k1"}`)) + "." + body + "."
	admin, err := json.Marshal(claimsOf(map[string]any{"sub": "root"}))
	if err != nil {
		t.Fatal(err)
	}
	ago, soon := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()

	for what, row := range map[string]struct {
		token string
		want  auth.Outcome
	}{
		"nothing":                 {"", auth.OutcomeToken},
		"no token":                {"a.b.c", auth.OutcomeToken},
		"not Base64":              {"%%%", auth.OutcomeToken},
		"four parts":              {good + ".x", auth.OutcomeToken},
		"endless":                 {strings.Repeat("x.", maxToken), auth.OutcomeToken},
		"alg none":                {none, auth.OutcomeToken},
		"alg None":                {strings.Replace(none, b64([]byte(`{"alg":"none","kid":"k1"}`)), b64([]byte(`{"alg":"None","kid":"k1"}`)), 1), auth.OutcomeToken},
		"alg none, signed":        {none + signature, auth.OutcomeToken},
		"without a signature":     {head + "." + body + ".", auth.OutcomeToken},
		"HS256 with the key's N":  {sign(t, jose.HS256, p.key.N.Bytes(), "k1", claimsOf(nil)), auth.OutcomeToken},
		"HS256 with the key, PEM": {sign(t, jose.HS256, asPEM, "k1", claimsOf(nil)), auth.OutcomeToken},
		"HS256 with the key, DER": {sign(t, jose.HS256, der, "k1", claimsOf(nil)), auth.OutcomeToken},
		"another algorithm":       {sign(t, jose.RS512, p.key, "k1", claimsOf(nil)), auth.OutcomeToken},
		"not that of the key":     {sign(t, jose.ES256, elliptic256, "k1", claimsOf(nil)), auth.OutcomeToken},
		"another key":             {other.token(nil), auth.OutcomeToken},
		"other claims":            {head + "." + b64(admin) + "." + signature, auth.OutcomeToken},
		"a key of its own":        {selfSigned(t, elliptic256), auth.OutcomeSigner},
		"a key id of nobody":      {sign(t, jose.RS256, p.key, "k2", claimsOf(nil)), auth.OutcomeSigner},
		"expired":                 {p.token(map[string]any{"exp": ago}), auth.OutcomeExpired},
		"never expires":           {p.token(map[string]any{"exp": nil}), auth.OutcomeExpired},
		"not yet":                 {p.token(map[string]any{"nbf": soon}), auth.OutcomeExpired},
		"made in the future":      {p.token(map[string]any{"iat": soon}), auth.OutcomeExpired},
		"exp is text":             {p.token(map[string]any{"exp": "tomorrow"}), auth.OutcomeToken},
		"for others":              {p.token(map[string]any{"aud": "somebody"}), auth.OutcomeAudience},
		"for nobody":              {p.token(map[string]any{"aud": nil}), auth.OutcomeAudience},
		"of another issuer":       {p.token(map[string]any{"iss": "https://evil.example"}), auth.OutcomeIssuer},
		"of none":                 {p.token(map[string]any{"iss": nil}), auth.OutcomeIssuer},
		"somebody else's":         {p.token(map[string]any{"sub": "rui"}), auth.OutcomeSubject},
		"of no subject":           {p.token(map[string]any{"sub": nil}), auth.OutcomeSubject},
		"a number":                {p.token(map[string]any{"sub": 7}), auth.OutcomeToken},
		"with another domain":     {p.token(map[string]any{"sub": "ana@example.org/x"}), auth.OutcomeSubject},
		"with an at":              {p.token(map[string]any{"sub": "x@ana"}), auth.OutcomeSubject},
	} {
		o := &owner{}
		_, err := login(static(t, o, Config{}), "ana@example.org/home", row.token, name)
		why := lime.AsReason(err)
		if why == nil || why.Code != lime.CodeSessionAuthenticationFailed || why.Description != "The credentials were not accepted" {
			t.Errorf("%s: %v", what, err)
		}
		if got := auth.OutcomeOf(err); got != row.want {
			t.Errorf("%s: counted as %s, want %s", what, got, row.want)
		}
		if len(o.made) != 0 {
			t.Errorf("%s: an account was made", what)
		}
	}
	s := static(t, &owner{}, Config{})
	for _, issuer := range []string{"https://evil.example", strings.ToUpper(name)} {
		if _, err := login(s, "ana@example.org", good, issuer); auth.OutcomeOf(err) != auth.OutcomeIssuer {
			t.Errorf("the issuer %q: %v", issuer, err)
		}
	}
	for _, credentials := range []string{``, `7`, `{"token":7}`, `{"token":["` + good + `"],"issuer":"` + name + `"}`, `{`} {
		_, err := s.Authenticate(t.Context(), auth.Request{Node: lime.MustParseNode("ana@example.org"), Credentials: []byte(credentials)})
		if why := lime.AsReason(err); why == nil || why.Code != lime.CodeSessionAuthenticationFailed {
			t.Errorf("%s: %v", credentials, err)
		}
	}
	if _, err := login(s, "ana@example.org", good, name); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

// selfSigned is a token that brings its own key along.
func selfSigned(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithHeader("kid", "own"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(claimsOf(nil)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATokenNamesItsIssuerItself(t *testing.T) {
	p := newIDP(t)
	s := static(t, &owner{}, Config{})
	for _, token := range []string{p.token(nil), base64.StdEncoding.EncodeToString([]byte(p.token(nil)))} {
		if _, err := login(s, "ana@example.org", token, ""); err != nil {
			t.Errorf("%s: %v", token, err)
		}
	}
	forged := idp{t, rsaKeys()[1], "k1"}.token(nil)
	for token, want := range map[string]auth.Outcome{
		"": auth.OutcomeIssuer, "a.b.c": auth.OutcomeIssuer, "a.e30": auth.OutcomeIssuer, "a.Ww.c": auth.OutcomeIssuer,
		p.token(map[string]any{"iss": "https://evil.example"}): auth.OutcomeIssuer, forged: auth.OutcomeToken,
	} {
		if _, err := login(s, "ana@example.org", token, ""); auth.OutcomeOf(err) != want {
			t.Errorf("%q: %v, want %s", token, err, want)
		}
	}
}

func TestClaimsOfAnyTextAreEscaped(t *testing.T) {
	p := newIDP(t)
	s := static(t, &owner{}, Config{Identity: "{sub}@example.org", Escape: true})
	for sub, node := range map[string]string{
		"ana": "ana@example.org", "Ana \u00c4": "%41na%20%c3%84@example.org", "ana@evil.example/x": "ana%40evil.example%2fx@example.org",
	} {
		if _, err := login(s, node, p.token(map[string]any{"sub": sub}), name); err != nil {
			t.Errorf("%q is not %s: %v", sub, node, err)
		}
	}
	for sub, node := range map[string]string{"Ana": "ana@example.org", "%41na": "%41na@example.org", "": "ana@example.org"} {
		if _, err := login(s, node, p.token(map[string]any{"sub": sub}), name); auth.OutcomeOf(err) != auth.OutcomeSubject {
			t.Errorf("%q is %s: %v", sub, node, err)
		}
	}
	whole := Config{Name: name, Keys: []jose.JSONWebKey{p.public()}, Audience: []string{audience}, Domains: []string{"example.org"}, Identity: "{sub}", Escape: true}
	if err := Check([]Config{whole}); err == nil {
		t.Error("a whole identity is escaped")
	}
}

func TestLeewayIsForClocksThatDiffer(t *testing.T) {
	p := newIDP(t)
	late := p.token(map[string]any{"exp": time.Now().Add(-20 * time.Second).Unix()})
	if g, err := login(static(t, &owner{}, Config{}), "ana@example.org", late, name); err != nil || time.Until(g.Expires) > 30*time.Second {
		t.Errorf("within it: %+v, %v", g, err)
	}
	for leeway, token := range map[time.Duration]string{-1: p.token(map[string]any{"exp": time.Now().Add(-2 * time.Second).Unix()}), 5 * time.Second: late} {
		if _, err := login(static(t, &owner{}, Config{Leeway: leeway}), "ana@example.org", token, name); auth.OutcomeOf(err) != auth.OutcomeExpired {
			t.Errorf("beyond %v: %v", leeway, err)
		}
	}
}

func TestClaimsNameIdentities(t *testing.T) {
	p := newIDP(t)
	for _, row := range []struct {
		identity string
		claims   map[string]any
		node     string // "" for nobody
	}{
		{"", map[string]any{"sub": "ana"}, "ana@example.org"},
		{"{sub}", map[string]any{"sub": "Ana@example.org"}, "ana@example.org"},
		{"{sub}", map[string]any{"sub": "ana@example.net"}, "ana@example.net"},
		{"{name}.{team}@example.net", map[string]any{"name": "ana", "team": "blue"}, "ana.blue@example.net"},
		{"{sub}@{tenant}", map[string]any{"sub": "ana", "tenant": "example.net"}, "ana@example.net"},

		{"{sub}@{tenant}", map[string]any{"sub": "ana", "tenant": "elsewhere.example"}, ""},
		{"{sub}", map[string]any{"sub": "ana@elsewhere.example"}, ""},
		{"{sub}", map[string]any{"sub": "ana"}, ""},
		{"", map[string]any{"sub": "\u017fara"}, ""},                  // long s, of which the issuer takes sara for another
		{"{sub}", map[string]any{"sub": "\u212Aate@example.org"}, ""}, // the sign for kelvin
		{"", map[string]any{"sub": "\u00c7a"}, "\u00e7a@example.org"},
		{"{sub}@{tenant}", map[string]any{"sub": "ana@example.net/", "tenant": "x"}, ""},
		{"{name}@example.net", map[string]any{"name": map[string]any{"x": "ana"}}, ""},
	} {
		s := static(t, &owner{}, Config{Identity: row.identity, Domains: []string{"example.org", "Example.net"}})
		node := row.node
		if node == "" {
			node = "ana@elsewhere.example"
			if sub, _ := row.claims["sub"].(string); strings.Contains(sub, "ara") {
				node = "sara@example.org"
			} else if strings.Contains(sub, "ate") {
				node = "kate@example.org"
			}
		}
		_, err := login(s, node, p.token(row.claims), name)
		if row.node != "" && err != nil || row.node == "" && auth.OutcomeOf(err) != auth.OutcomeSubject {
			t.Errorf("%q of %v: %v, want %q", row.identity, row.claims, err, row.node)
		}
	}
}

func TestConfigurationsThatCannotBe(t *testing.T) {
	small := rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537} // keys so small are not made everywhere
	key := newIDP(t).public()
	large := rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), mostRSA, 1), E: 65537}
	for want, change := range map[string]func(*Config){
		"no name":            func(c *Config) { c.Name = "" },
		"no audience":        func(c *Config) { c.Audience = nil },
		"no domain":          func(c *Config) { c.Domains = nil },
		"either keys":        func(c *Config) { c.Keys = nil },
		"or the address":     func(c *Config) { c.JWKS = "https://idp.example.net/keys" },
		"not https":          func(c *Config) { c.Keys, c.JWKS = nil, "http://idp.example.net/keys" },
		"is none":            func(c *Config) { c.Keys, c.JWKS = nil, "https:///keys" },
		`algorithm "none"`:   func(c *Config) { c.Algorithms = []string{"none"} },
		`algorithm "HS256"`:  func(c *Config) { c.Algorithms = []string{"RS256", "HS256"} },
		"has 1024 bits":      func(c *Config) { c.Keys = []jose.JSONWebKey{{Key: &small, KeyID: "small"}} },
		"has 16385 bits":     func(c *Config) { c.Keys = []jose.JSONWebKey{{Key: &large, KeyID: "large"}} },
		"no valid public":    func(c *Config) { c.Keys = []jose.JSONWebKey{{Key: []byte("secret")}} },
		"not for signatures": func(c *Config) { c.Keys = []jose.JSONWebKey{{Key: key.Key, Use: "enc"}} },
		"the same for all":   func(c *Config) { c.Identity = "ana@example.org" },
		"open brace":         func(c *Config) { c.Identity = "{sub@example.org" },
		"empty claim":        func(c *Config) { c.Identity = "{}@example.org" },
		"no @":               func(c *Config) { c.Identity = "{a}{b}" },
	} {
		cfg := Config{Name: name, Keys: []jose.JSONWebKey{key}, Audience: []string{audience}, Domains: []string{"example.org"}}
		change(&cfg)
		if _, err := New(&owner{}, []Config{cfg}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	cfg := Config{Name: name, Keys: []jose.JSONWebKey{key}, Audience: []string{audience}, Domains: []string{"example.org"}}
	if _, err := New(&owner{}, []Config{cfg, cfg}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("twice: %v", err)
	}
}

func TestKeysAreReadFromFiles(t *testing.T) {
	p := newIDP(t)
	der, err := x509.MarshalPKIXPublicKey(p.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	private, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	one, err := json.Marshal(p.public())
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"PEM": public, "a JWK": string(one), "a JWKS": fmt.Sprintf(`{"keys":[%s,{"kty":"oct","k":"c2VjcmV0"},{"kty":"new"}]}`, one),
	} {
		keys, err := ParseKeys([]byte(text))
		if err != nil || len(keys) != 1 || !keys[0].Key.(*rsa.PublicKey).Equal(p.key.Public()) {
			t.Errorf("%s: %v, %v", what, keys, err)
			continue
		}
		if _, err := login(static(t, &owner{}, Config{Keys: keys}), "ana@example.org", p.token(nil), name); err != nil {
			t.Errorf("%s: a token: %v", what, err)
		}
	}
	if keys, err := ParseKeys([]byte(public + public)); err != nil || len(keys) != 2 {
		t.Errorf("two keys in one file: %d, %v", len(keys), err)
	}
	secret, err := json.Marshal(jose.JSONWebKey{Key: crypto.PrivateKey(p.key), KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"nothing": "", "text": "hello", "an empty JWKS": `{"keys":[]}`, "a secret": `{"kty":"oct","k":"c2VjcmV0"}`,
		"a private key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), "a private JWK": string(secret),
		"a broken key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der[5:]})),
	} {
		if keys, err := ParseKeys([]byte(text)); err == nil {
			t.Errorf("%s is read as %v", what, keys)
		}
	}
}
