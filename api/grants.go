package api

import (
	"context"
	"encoding/json"
	"net/http"

	"limegrove/lime"
	"limegrove/room"
)

// pathGrants is the resource of an identity's grants for rooms.
const pathGrants = "/room-grants"

type givenGrants struct {
	Rooms json.RawMessage `json:"rooms"`
}

func (s *Server) getGrants(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	granted, err := s.do(ctx, Order{Identity: id, Method: lime.MethodGet, URI: pathGrants})
	return reply{status: http.StatusOK, body: granted}, err
}

// replaceGrants replaces all that an account may do with rooms beside what it may anyway.
func (s *Server) replaceGrants(ctx context.Context, c *call) (reply, error) {
	var given givenGrants
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	if given.Rooms == nil || string(given.Rooms) == "null" {
		return reply{}, invalid("rooms", "They are an array of rules, which may be empty")
	}
	rules, err := room.ParseGranted(given.Rooms)
	if err != nil {
		return reply{}, invalid("rooms", "%.200s", err)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return reply{}, err
	}
	given.Rooms = text
	resource, err := json.Marshal(given)
	if err != nil {
		return reply{}, err
	}
	_, err = s.do(ctx, Order{Identity: id, Method: lime.MethodSet, URI: pathGrants, Type: lime.MediaRoomGrants, Resource: resource})
	return reply{status: http.StatusOK, body: given}, err
}

func (s *Server) removeGrants(ctx context.Context, c *call) (reply, error) {
	id, err := s.ofPath(c)
	if err != nil {
		return reply{}, err
	}
	_, err = s.do(ctx, Order{Identity: id, Method: lime.MethodDelete, URI: pathGrants})
	return reply{status: http.StatusNoContent}, err
}
