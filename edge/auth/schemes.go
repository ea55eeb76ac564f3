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
	if err := s.usable(&r); err != nil {
		return Grant{}, err
	}
	return s.By[r.Scheme].Authenticate(ctx, r)
}

// usable tells why a request is refused whatever the scheme would say.
func (s Schemes) usable(r *Request) error {
	if _, ok := s.By[r.Scheme]; !ok {
		return &refusal{
			lime.NewReason(lime.CodeSessionAuthenticationFailed, "The scheme is not offered"), OutcomeScheme,
		}
	}
	if r.Node.Name == "" || r.Node.Domain == "" {
		return unusable("The identity needs a name and a domain")
	}
	if !s.Serves(r.Node.Domain) && r.Scheme != SchemeTransport {
		return unusable("The domain is not served here")
	}
	if lime.IsPostmaster(r.Node.Name) {
		return unusable("The name belongs to the server")
	}
	return nil
}

// Guests returns what lets guests in by their names alone; false when guests are not offered, or something
// else decides about them.
func (s Schemes) Guests() (Guest, bool) {
	g, ok := s.By[SchemeGuest].(Guest)
	return g, ok
}

// AuthenticateGuests is Authenticate for each of rs, with one look at the accounts. It needs that there are Guests.
func (s Schemes) AuthenticateGuests(ctx context.Context, rs []Request) []Granted {
	all := make([]Granted, len(rs))
	guests, _ := s.Guests()
	var usable []Request
	var at []int
	for i := range rs {
		switch r := &rs[i]; {
		case r.Scheme != SchemeGuest:
			all[i].Grant, all[i].Err = s.Authenticate(ctx, *r)
		default:
			if all[i].Err = s.usable(r); all[i].Err == nil {
				usable, at = append(usable, *r), append(at, i)
			}
			clear(r.Credentials)
		}
	}
	if len(usable) > 0 {
		for n, g := range guests.AuthenticateAll(ctx, usable) {
			all[at[n]] = g
		}
	}
	return all
}

// Serves tells whether a domain is one of Domains, in any case.
func (s Schemes) Serves(domain string) bool {
	return slices.ContainsFunc(s.Domains, func(d string) bool {
		return strings.EqualFold(d, domain)
	})
}
