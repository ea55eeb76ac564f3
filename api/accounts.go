package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"

	"limegrove/lime"
)

type givenAccount struct {
	Identity string `json:"identity"`
	givenAccountChange
}

type givenAccountChange struct {
	Password   string                     `json:"password"` // plain
	Properties map[string]json.RawMessage `json:"properties"`
}

// secretsOfAccounts have members of their own, or none.
var secretsOfAccounts = []string{"identity", "password", "oldPassword", "accessKey"}

// resource is the account as LIME has it.
func (g *givenAccountChange) resource() (json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for name, value := range g.Properties {
		all[name] = value
	}
	for _, name := range secretsOfAccounts {
		if _, ok := all[name]; ok {
			return nil, invalid("properties", "%s is none of them", name)
		}
	}
	if g.Password != "" {
		text, err := json.Marshal(base64.StdEncoding.EncodeToString([]byte(g.Password)))
		if err != nil {
			return nil, err
		}
		all["password"] = text
	}
	return json.Marshal(all)
}

// do has the server answer a command, whose failure is an error.
func (s *Server) do(ctx context.Context, o Order) (json.RawMessage, error) {
	if s.cfg.Resources == nil {
		return nil, ErrUnavailable
	}
	a, ok := s.cfg.Resources.Do(ctx, o)
	switch {
	case !ok:
		return nil, ErrUnavailable
	case a.Reason != nil:
		return nil, a.Reason
	}
	return a.Resource, nil
}

func (s *Server) createAccount(ctx context.Context, c *call) (reply, error) {
	var given givenAccount
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	id, err := s.identity(c, "identity", given.Identity)
	if err != nil {
		return reply{}, err
	}
	if given.Password == "" {
		return reply{}, invalid("password", "A new account needs one")
	}
	resource, err := given.resource()
	if err != nil {
		return reply{}, err
	}
	// As a guest makes its account: one that there is, is nobody's to replace.
	if _, err := s.do(ctx, Order{Identity: id, Guest: true, Method: lime.MethodSet, URI: "/account", Type: lime.MediaAccount, Resource: resource}); err != nil {
		return reply{}, err
	}
	made, err := s.do(ctx, Order{Identity: id, Method: lime.MethodGet, URI: "/account"})
	h := http.Header{"Location": {"/v1/accounts/" + url.PathEscape(id.String())}}
	return reply{status: http.StatusCreated, body: made, header: h}, err
}

func (s *Server) getAccount(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	a, err := s.do(ctx, Order{Identity: id, Method: lime.MethodGet, URI: "/account"})
	return reply{status: http.StatusOK, body: a}, err
}

// changeAccount changes an account that there is.
func (s *Server) changeAccount(ctx context.Context, c *call) (reply, error) {
	var given givenAccountChange
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	resource, err := given.resource()
	if err != nil {
		return reply{}, err
	}
	read := Order{Identity: id, Method: lime.MethodGet, URI: "/account"}
	if _, err := s.do(ctx, read); err != nil {
		return reply{}, err
	}
	if _, err := s.do(ctx, Order{Identity: id, Method: lime.MethodMerge, URI: "/account", Type: lime.MediaAccount, Resource: resource}); err != nil {
		return reply{}, err
	}
	a, err := s.do(ctx, read)
	return reply{status: http.StatusOK, body: a}, err
}

func (s *Server) deleteAccount(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	_, err = s.do(ctx, Order{Identity: id, Method: lime.MethodDelete, URI: "/account"})
	return reply{status: http.StatusNoContent}, err
}

func (s *Server) listAccountKeys(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	all, err := s.do(ctx, Order{Identity: id, Method: lime.MethodGet, URI: "/account/keys"})
	if err != nil {
		return reply{}, err
	}
	var list struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(all, &list); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: struct {
		Keys []json.RawMessage `json:"keys"`
	}{append([]json.RawMessage{}, list.Items...)}}, nil
}

type givenAccountKey struct {
	Name string `json:"name"`
}

func (s *Server) createAccountKey(ctx context.Context, c *call) (reply, error) {
	var given givenAccountKey
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	resource, err := json.Marshal(given)
	if err != nil {
		return reply{}, err
	}
	made, err := s.do(ctx, Order{
		Identity: id, Method: lime.MethodSet, URI: "/account/keys", Type: typeJSON, Resource: resource,
	})
	return secretly(reply{status: http.StatusCreated, body: made}), err
}

func (s *Server) revokeAccountKey(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	_, err = s.do(ctx, Order{
		Identity: id, Method: lime.MethodDelete, URI: "/account/keys/" + url.PathEscape(c.request.PathValue("name")),
	})
	return reply{status: http.StatusNoContent}, err
}
