package main

import (
	"limegrove/edge"
	"limegrove/internal/config"
	"limegrove/room"
	"limegrove/web"
)

// openPages returns the pages that are served beside sessions, or nil for none. The chat page has rooms for everybody,
// which keep their last messages, unless -room-rules says who may enter what.
func openPages(cfg config.Edge, rules *room.Rules) (edge.Pages, error) {
	if !cfg.Pages {
		return nil, nil
	}
	if cfg.RoomRules == "" {
		at, err := room.Path("chat", "*")
		if err != nil {
			return nil, err
		}
		*rules = room.Rules{{Room: at, Who: room.Everyone, May: room.Enter | room.Publish, History: &room.History{Count: 200}}}
	}
	return web.Chat()
}

var _ edge.Pages = (*web.Pages)(nil)
