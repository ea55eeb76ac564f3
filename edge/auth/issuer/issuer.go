package issuer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"limegrove/edge/auth"
	"limegrove/lime"
)

// Issuers lets in who has a token of one of them. It expects the checks that auth.Schemes
// makes.
type Issuers struct {
	owners auth.Owners
	byName map[string]*issuer
}

type issuer struct {
	cfg     Config
	allowed []jose.SignatureAlgorithm
	keys    *keySet
	names   template
}

// New knows some issuers. Nothing is fetched yet.
func New(owners auth.Owners, all []Config) (*Issuers, error) {
	s := &Issuers{owners: owners, byName: map[string]*issuer{}}
	for _, cfg := range all {
		one := &issuer{}
		var err error
		if one.allowed, err = cfg.withDefaults(); err == nil {
			one.names, err = parseTemplate(cfg.Identity, cfg.Escape)
		}
		if err == nil && s.byName[cfg.Name] != nil {
			err = errors.New("it is there twice")
		}
		if err != nil {
			return nil, fmt.Errorf("issuer %q: %w", cfg.Name, err)
		}
		one.cfg, one.keys = cfg, newKeySet(&cfg)
		s.byName[cfg.Name] = one
	}
	return s, nil
}

// Close ends what is being fetched, and waits for it. Logins go on with the keys that there are.
func (s *Issuers) Close() {
	for _, one := range s.byName {
		one.keys.close()
	}
}

// Check tells what New would say of them.
func Check(all []Config) error {
	_, err := New(nil, all)
	return err
}

// maxToken bounds what is looked at as a token, in bytes.
const maxToken = 12 << 10

// Authenticate reads {"token":"…","issuer":"…"}; the token stands there as it is, or in
// Base64, as some libraries send it. Without an issuer it is the one that the token names.
// The grant ends with the token.
func (s *Issuers) Authenticate(ctx context.Context, r auth.Request) (auth.Grant, error) {
	defer clear(r.Credentials)
	var given struct {
		Token  string `json:"token"`
		Issuer string `json:"issuer"`
	}
	if json.Unmarshal(r.Credentials, &given) != nil { // its text quotes the input
		return auth.Grant{}, auth.Refused(auth.OutcomeToken)
	}
	if len(given.Token) > maxToken {
		return auth.Grant{}, auth.Refused(auth.OutcomeToken)
	}
	if !strings.Contains(given.Token, ".") {
		given.Token = decoded(given.Token)
	}
	if given.Issuer == "" {
		given.Issuer = claimedBy(given.Token)
	}
	by := s.byName[given.Issuer]
	if by == nil {
		return auth.Grant{}, auth.Refused(auth.OutcomeIssuer)
	}
	claims, err := by.verify(ctx, given.Token)
	if err != nil {
		return auth.Grant{}, err
	}
	id, err := by.names.identity(claims.all)
	switch {
	case err != nil, !id.EqualFold(r.Node.Identity), !by.speaksFor(id.Domain):
		return auth.Grant{}, auth.Refused(auth.OutcomeSubject)
	}
	if err := s.owners.Own(ctx, r.Node, by.cfg.TakeOver); err != nil {
		if why := lime.AsReason(err); why != nil && why.Code == lime.CodeSessionAuthenticationFailed {
			return auth.Grant{}, auth.Refused(auth.OutcomeName)
		}
		return auth.Grant{}, fmt.Errorf("external login of %s: %w", r.Node, err)
	}
	return auth.Grant{Identity: r.Node.Identity, Role: lime.RoleMember, Expires: claims.ends.Add(by.cfg.Leeway).UTC()}, nil
}

func (i *issuer) speaksFor(domain string) bool {
	return slices.ContainsFunc(i.cfg.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// claims are those of a token that holds.
type claims struct {
	all  map[string]any
	ends time.Time
}

// verify returns the claims of a token of the issuer.
func (i *issuer) verify(ctx context.Context, text string) (claims, error) {
	token, err := jwt.ParseSigned(text, i.allowed)
	if err != nil || len(token.Headers) != 1 {
		return claims{}, auth.Refused(auth.OutcomeToken)
	}
	head := token.Headers[0]
	keys, err := i.keys.find(ctx, head.KeyID)
	if err != nil {
		return claims{}, fmt.Errorf("external login by %s: %w", i.cfg.Name, err)
	}
	if len(keys) == 0 { // static ones may have no id
		if keys = i.keys.unnamed(); len(keys) == 0 {
			return claims{}, auth.Refused(auth.OutcomeSigner)
		}
	}
	var c claims
	var registered jwt.Claims
	for _, k := range keys {
		if k.Algorithm != "" && k.Algorithm != head.Algorithm {
			continue
		}
		if err = token.Claims(k.Key, &registered, &c.all); err == nil {
			return c.check(i, registered)
		}
		registered, c = jwt.Claims{}, claims{}
	}
	return claims{}, auth.Refused(auth.OutcomeToken)
}

// check holds the registered claims against the issuer's configuration.
func (c claims) check(i *issuer, r jwt.Claims) (claims, error) {
	err := r.ValidateWithLeeway(jwt.Expected{Issuer: i.cfg.Name, AnyAudience: i.cfg.Audience, Time: time.Now()}, i.cfg.Leeway)
	switch {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return claims{}, auth.Refused(auth.OutcomeIssuer)
	case errors.Is(err, jwt.ErrInvalidAudience):
		return claims{}, auth.Refused(auth.OutcomeAudience)
	case err != nil, r.Expiry == nil: // whoever has signed it for ever cannot take it back
		return claims{}, auth.Refused(auth.OutcomeExpired)
	}
	c.ends = r.Expiry.Time()
	return c, nil
}

// claimedBy is who has signed a token by its own words, true or not; "" for nobody.
func claimedBy(token string) string {
	_, behind, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(behind, ".")
	var claims struct {
		Issuer string `json:"iss"`
	}
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// decoded is a token that came in Base64, of any kind; "" when it did not.
func decoded(text string) string {
	text = strings.TrimRight(text, "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(text); err == nil {
			return string(b)
		}
	}
	return ""
}
