package api

import (
	"context"

	"limegrove/lime"
)

type givenGroupMessage struct {
	Domain string `json:"domain"`
	givenContent
	givenWait
}

// sendToGroup sends a message to all members of a group, which the server of its domain always may.
func (s *Server) sendToGroup(ctx context.Context, c *call) (reply, error) {
	var given givenGroupMessage
	if err := decode(c.body, &given); err != nil {
		return reply{}, err
	}
	group, err := lime.ParseIdentity(c.request.PathValue("group"))
	if err != nil || group.Name == "" {
		return reply{}, invalid("group", "It is no group, which is name@groups.domain")
	}
	of, ok := lime.OfGroups(group.Domain)
	if !ok {
		return reply{}, invalid("group", "It is no group, which is name@groups.domain")
	}
	if _, err := s.domain(c, "group", of); err != nil {
		return reply{}, err
	}
	if given.Domain == "" && given.From == "" {
		given.Domain = of
	}
	return s.message(ctx, c, lime.Node{Identity: group}, givenMessage{Domain: given.Domain, givenContent: given.givenContent, givenWait: given.givenWait})
}
