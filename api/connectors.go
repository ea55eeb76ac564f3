package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// pathConnectors is that of the connectors of aioconnectors.
const pathConnectors = "/v1/connectors"

// mayConnectors refuses keys of some domains: lists count for all connectors.
func (s *Server) mayConnectors(c *call) error {
	switch {
	case len(c.key.Domains) > 0:
		return forbidden("The key is not for all domains")
	case s.cfg.Connectors == nil:
		return ErrUnavailable
	}
	return parameters(c)
}

type connectorList struct {
	Connectors []Connector `json:"connectors"`
	Partial    bool        `json:"partial,omitempty"` // an edge has not answered, or has more than it tells
}

func (s *Server) listConnectors(ctx context.Context, c *call) (reply, error) {
	if err := s.mayConnectors(c); err != nil {
		return reply{}, err
	}
	all, whole, err := s.cfg.Connectors.Connected(ctx)
	if all == nil {
		all = []Connector{}
	}
	return reply{status: http.StatusOK, body: connectorList{all, !whole}}, err
}

func (s *Server) getConnectorLists(ctx context.Context, c *call) (reply, error) {
	if err := s.mayConnectors(c); err != nil {
		return reply{}, err
	}
	lists, err := s.cfg.Connectors.Lists(ctx)
	return reply{status: http.StatusOK, body: lists}, err
}

// givenConnectorLists are lists whose parts are looked at by whoever has them.
type givenConnectorLists struct {
	White   json.RawMessage `json:"white,omitempty"`
	Black   json.RawMessage `json:"black,omitempty"`
	Ignored json.RawMessage `json:"ignored,omitempty"`
}

func (s *Server) replaceConnectorLists(ctx context.Context, c *call) (reply, error) {
	if err := s.mayConnectors(c); err != nil {
		return reply{}, err
	}
	var given givenConnectorLists
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	text, err := json.Marshal(given)
	if err != nil {
		return reply{}, err
	}
	if err := s.cfg.Connectors.SetLists(ctx, text); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: given}, nil
}

// pathConnectorToken is the token of an identity.
const pathConnectorToken = "/connector-token"

type shownConnectorToken struct {
	Made time.Time `json:"made"`
}

func (s *Server) getConnectorToken(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err == nil && s.cfg.Connectors == nil {
		err = ErrUnavailable
	}
	if err != nil {
		return reply{}, err
	}
	made, err := s.cfg.Connectors.TokenMade(ctx, id)
	return reply{status: http.StatusOK, body: shownConnectorToken{made}}, err
}

type givenConnectorToken struct {
	Hash string `json:"hash"`
}

// importConnectorToken takes a token that another server has given out.
func (s *Server) importConnectorToken(ctx context.Context, c *call) (reply, error) {
	var given givenConnectorToken
	id, err := s.ofPath(c)
	if err == nil {
		err = decode(c.body, &given)
	}
	if err == nil && s.cfg.Connectors == nil {
		err = ErrUnavailable
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, s.cfg.Connectors.ImportToken(ctx, id, given.Hash)
}

func (s *Server) removeConnectorToken(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err == nil && s.cfg.Connectors == nil {
		err = ErrUnavailable
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, s.cfg.Connectors.RemoveToken(ctx, id)
}
