package auth

import (
	"context"
	"slices"
	"strings"

	"limegrove/lime"
)

// Schemes authenticates by the scheme that the request names. It is not
// changed once it is in use.
type Schemes struct {
	// Domains are the served ones. Nobody logs in with another, but for the gateways
	// that Transport lets in.
	Domains []string

	// By holds what is offered.
	By map[Scheme]Authenticator
}

// Authenticate refuses a scheme that was not offered as it refuses bad
// credentials, and an identity that is unusable for every scheme (L-SES-17):
// one that lacks a part, that is not of a served domain, or that is the
// server's own. Transport decides itself about domains that are not served.
func (s Schemes) Authenticate(ctx context.Context, r Request) (Grant, error) {
	defer clear(r.Credentials)
	by, ok := s.By[r.Scheme]
	if !ok {
		return Grant{}, &refusal{
			lime.NewReason(lime.CodeSessionAuthenticationFailed, "The scheme is not offered"), OutcomeScheme,
		}
	}
	if r.Node.Name == "" || r.Node.Domain == "" {
		return Grant{}, unusable("The identity needs a name and a domain")
	}
	if !s.Serves(r.Node.Domain) && r.Scheme != SchemeTransport {
		return Grant{}, unusable("The domain is not served here")
	}
	if lime.IsPostmaster(r.Node.Name) {
		return Grant{}, unusable("The name belongs to the server")
	}
	return by.Authenticate(ctx, r)
}

// Serves tells whether a domain is one of Domains, in any case.
func (s Schemes) Serves(domain string) bool {
	return slices.ContainsFunc(s.Domains, func(d string) bool {
		return strings.EqualFold(d, domain)
	})
}
