package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"limegrove/lime"
	"limegrove/room"
)

// maxRooms bounds the rooms of one request.
const maxRooms = 100

type givenPublication struct {
	Rooms    []json.RawMessage `json:"rooms"`
	Domain   string            `json:"domain"`
	Matching bool              `json:"matching"` // a wildcard of a room's means every room that it matches
	givenContent
}

type published struct {
	Rooms int `json:"rooms"`
}

// publish publishes one message to rooms, each of which gets an envelope as if one of its sessions had
// published it: from the room, with the sender as its instance, and to the room.
func (s *Server) publish(ctx context.Context, c *call) (reply, error) {
	if s.cfg.Rooms == nil {
		return reply{}, ErrUnavailable
	}
	var given givenPublication
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	if n := len(given.Rooms); n == 0 || n > maxRooms {
		return reply{}, invalid("rooms", "They are not 1 to %d", maxRooms)
	}
	m := lime.Message{ID: given.ID, Type: given.Type, Metadata: s.traced(c, given.Metadata)}
	var err error
	if m.Content, err = compact("content", given.Content); err != nil {
		return reply{}, err
	}
	sender := lime.Identity{Name: lime.Postmaster}
	if given.From != "" {
		if sender, err = s.identity(c, "from", given.From); err != nil {
			return reply{}, err
		}
		if given.Domain == "" {
			given.Domain = sender.Domain
		}
	}
	domain, err := s.domain(c, "domain", given.Domain)
	if err != nil {
		return reply{}, err
	}
	if sender.Domain == "" {
		sender.Domain = domain
	}
	names := make([]room.Name, len(given.Rooms))
	envelopes := make([][]byte, len(given.Rooms))
	for i, text := range given.Rooms { // all before the first is published
		member := "rooms[" + strconv.Itoa(i) + "]"
		if names[i], err = room.Of(text); err != nil {
			return reply{}, invalid(member, "It is no room, which is a path or an object")
		}
		if envelopes[i], err = s.toRoom(m, domain, names[i], sender); err != nil {
			return reply{}, err
		}
	}
	key := cmp.Or(m.ID, c.seed) // for rooms that keep their messages
	if key != "" {
		key = sender.Fold().String() + "\n" + key
	}
	for i, n := range names {
		if err := s.cfg.Rooms.Publish(ctx, domain, n, given.Matching, key, envelopes[i]); err != nil {
			return reply{}, err
		}
	}
	return reply{status: http.StatusAccepted, body: published{len(names)}}, nil
}

// toRoom makes the envelope that a room gets.
func (s *Server) toRoom(m lime.Message, domain string, n room.Name, sender lime.Identity) ([]byte, error) {
	at := lime.Identity{Name: n.Address(), Domain: lime.RoomsDomain(domain)}
	m.To = lime.Node{Identity: at}
	var err error
	if m.From, err = lime.ParseNode(string(lime.AppendGroupSender(nil, at, sender))); err != nil {
		return nil, invalid("rooms", "A room's name is too long")
	}
	envelope := m.AppendJSON(nil)
	if err := s.fits(envelope); err != nil {
		return nil, err
	}
	return envelope, checked(envelope)
}

// checked holds an envelope that no router looks at against LIME's rules.
func checked(envelope []byte) error {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil {
		return lime.NewReason(lime.CodeValidationError, "The envelope is malformed")
	}
	if why := h.Check(); why != nil {
		return why
	}
	if why := h.CheckDocument(); why != nil {
		return why
	}
	return nil
}
