package issuer

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Config is one issuer.
type Config struct {
	// Name is what its tokens have as iss, and clients as issuer. Required.
	Name string

	// Keys are its public keys, and JWKS the address where they are. One of the two is
	// required. The address is https; http only on this machine.
	Keys []jose.JSONWebKey
	JWKS string

	// Algorithms that count. Default RS256, ES256 and EdDSA.
	Algorithms []string

	// Audience is whom tokens may be for; one of them must be in aud. Required.
	Audience []string

	// Leeway is by how much clocks may differ. Default 30s, negative for none.
	Leeway time.Duration

	// Domains are those of the identities that it may name. Required.
	Domains []string

	// Identity is how claims name one: text with claims in braces. Default
	// {sub}@<first domain>.
	Identity string

	// Escape writes claims within an identity as lime.AppendEscapedName does, so that they may
	// be any text, as names of bachata's channels are.
	Escape bool

	// TakeOver lets it name identities whose account has a password. Without it, they
	// belong to who has made them.
	TakeOver bool

	// Client fetches the keys. Default one that waits for 5s and follows nobody elsewhere.
	Client *http.Client
}

// algorithms are those that may be allowed: with a private key alone.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

func (c *Config) withDefaults() ([]jose.SignatureAlgorithm, error) {
	switch {
	case c.Name == "":
		return nil, errors.New("it has no name")
	case len(c.Audience) == 0:
		return nil, errors.New("it has no audience")
	case len(c.Domains) == 0:
		return nil, errors.New("it has no domain")
	case (c.JWKS == "") == (len(c.Keys) == 0):
		return nil, errors.New("it needs either keys or the address of a JWKS")
	}
	if c.JWKS != "" {
		if err := checkAddress(c.JWKS); err != nil {
			return nil, err
		}
	}
	for _, k := range c.Keys {
		if err := checkKey(&k); err != nil {
			return nil, err
		}
	}
	if c.Algorithms == nil {
		c.Algorithms = []string{string(jose.RS256), string(jose.ES256), string(jose.EdDSA)}
	}
	var allowed []jose.SignatureAlgorithm
	for _, name := range c.Algorithms {
		if !slices.Contains(algorithms, jose.SignatureAlgorithm(name)) {
			return nil, fmt.Errorf("the algorithm %q is not one with a private key", name)
		}
		allowed = append(allowed, jose.SignatureAlgorithm(name))
	}
	switch {
	case c.Leeway == 0:
		c.Leeway = 30 * time.Second
	case c.Leeway < 0:
		c.Leeway = 0
	}
	if c.Identity == "" {
		c.Identity = "{sub}@" + c.Domains[0]
	}
	if c.Client == nil {
		c.Client = &http.Client{
			Timeout:       5 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return allowed, nil
}

// checkAddress refuses what anybody on the way could answer.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("the address of its JWKS is none")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !here) {
		return fmt.Errorf("the address of its JWKS, %s, is not https", net.JoinHostPort(u.Hostname(), u.Port()))
	}
	return nil
}

// leastRSA is how many bits an RSA key has at least: NIST SP 800-57. With more than mostRSA
// one signature takes a processor's time from the tokens of all others.
const (
	leastRSA = 2048
	mostRSA  = 16384
)

// checkKey refuses what is no public key for signatures.
func checkKey(k *jose.JSONWebKey) error {
	switch {
	case !k.IsPublic() || !k.Valid(): // a secret is not public, either
		return fmt.Errorf("the key %q is no valid public key", k.KeyID)
	case k.Use != "" && k.Use != "sig":
		return fmt.Errorf("the key %q is not for signatures", k.KeyID)
	}
	if public, ok := k.Key.(*rsa.PublicKey); ok && (public.N.BitLen() < leastRSA || public.N.BitLen() > mostRSA) {
		return fmt.Errorf("the key %q has %d bits, and may have %d to %d", k.KeyID, public.N.BitLen(), leastRSA, mostRSA)
	}
	return nil
}
