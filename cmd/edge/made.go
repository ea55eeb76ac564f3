package main

import (
	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
	"limegrove/web"
)

// made is what an edge's configuration names, read, and what the machine has room for.
type made struct {
	process.MadeEdge
	sessions int // -max-sessions, or what there is room for
}

// makeOf reads what a configuration names, and connects to nobody. An error is bad usage.
func makeOf(cfg config.Edge) (m made, err error) {
	if m.MadeEdge, err = process.MakeEdge(cfg); err != nil {
		return m, err
	}
	m.sessions, err = maxSessions(cfg.MaxSessions)
	return m, err
}

// pagesOf are those that are served beside sessions; nil for none. cfg's URL of files is known by now.
func pagesOf(cfg config.Edge) (edge.Pages, error) {
	if !cfg.Pages {
		return nil, nil
	}
	return web.Chat(web.Files{URL: cfg.Files.URL, Size: int64(cfg.Files.Size)})
}
