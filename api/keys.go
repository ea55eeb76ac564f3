package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxKeyName is how many bytes the name of a key has.
const maxKeyName = 64

// madeKey is a key with its text, which is told this once.
type madeKey struct {
	Key
	Secret string `json:"key"`
}

type givenKey struct {
	Name    string    `json:"name"`
	Scopes  []Scope   `json:"scopes"`
	Domains []string  `json:"domains"`
	Expires time.Time `json:"expires"`
}

// createKey makes a key, which can do nothing that the key cannot that makes it.
func (s *Server) createKey(ctx context.Context, c *call) (reply, error) {
	var given givenKey
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	k := Key{Name: given.Name, Scopes: given.Scopes, Domains: []string{}, Expires: given.Expires.UTC()}
	if given.Expires.IsZero() {
		k.Expires = time.Time{}
	}
	switch {
	case k.Name == "" || len(k.Name) > maxKeyName:
		return reply{}, invalid("name", "It has not 1 to %d bytes", maxKeyName)
	case len(k.Scopes) == 0:
		return reply{}, invalid("scopes", "There is none")
	case !k.Expires.IsZero() && !k.Expires.After(time.Now()):
		return reply{}, invalid("expires", "It is over")
	}
	for i, scope := range k.Scopes {
		if !slices.Contains(Scopes(), scope) || slices.Contains(k.Scopes[:i], scope) {
			return reply{}, invalid("scopes", "One of them does not exist, or is there twice")
		}
	}
	for _, d := range given.Domains {
		d = strings.ToLower(d)
		if !s.serves(d) || slices.Contains(k.Domains, d) {
			return reply{}, invalid("domains", "One of them is not served, or is there twice")
		}
		k.Domains = append(k.Domains, d)
	}
	switch {
	case !k.within(&c.key):
		return reply{}, forbidden("A key cannot make one that can do more than itself")
	case !c.key.Expires.IsZero() && (k.Expires.IsZero() || k.Expires.After(c.key.Expires)):
		return reply{}, forbidden("A key cannot make one that outlives it")
	}
	made, secret, err := s.cfg.Keys.Add(ctx, k)
	return secretly(reply{status: http.StatusCreated, body: madeKey{made, secret}}), err
}

func (s *Server) listKeys(ctx context.Context, c *call) (reply, error) {
	all, err := s.cfg.Keys.List(ctx)
	if err != nil {
		return reply{}, err
	}
	list := struct {
		Keys []Key `json:"keys"`
	}{[]Key{}}
	for i := range all {
		if all[i].within(&c.key) {
			list.Keys = append(list.Keys, all[i])
		}
	}
	return reply{status: http.StatusOK, body: list}, nil
}

// revokeKey revokes a key that this one might have made.
func (s *Server) revokeKey(ctx context.Context, c *call) (reply, error) {
	all, err := s.cfg.Keys.List(ctx)
	if err != nil {
		return reply{}, err
	}
	id := c.request.PathValue("id")
	i := slices.IndexFunc(all, func(k Key) bool { return k.ID == id })
	if i < 0 || !all[i].within(&c.key) {
		return reply{}, ErrNotFound
	}
	return reply{status: http.StatusNoContent}, s.cfg.Keys.Revoke(ctx, id)
}
