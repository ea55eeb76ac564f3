package main

import (
	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
	"limegrove/room"
	"limegrove/web"
)

// openPages returns the pages that are served beside sessions, or nil for none.
func openPages(cfg config.Edge) (edge.Pages, error) {
	if !cfg.Pages {
		return nil, nil
	}
	return web.Chat()
}

// roomRules reads the rules of rooms. The chat page has rooms for everybody, which keep their last messages, unless
// -room-rules says who may enter what.
func roomRules(cfg config.Edge) (room.Rules, error) {
	if !cfg.Pages || cfg.RoomRules != "" {
		return process.RoomRules(cfg.RoomRules)
	}
	at, err := room.Path("chat", "*")
	if err != nil {
		return nil, err
	}
	return room.Rules{{Room: at, Who: room.Everyone, May: room.Enter | room.Publish, History: &room.History{Count: 200}}}, nil
}

var _ edge.Pages = (*web.Pages)(nil)
