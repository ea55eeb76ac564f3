package main

import (
	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
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

// pages are those that are served beside sessions; nil for none.
func (m made) pages() edge.Pages {
	if m.Pages == nil {
		return nil // and not a nil *Pages that is no nil Pages
	}
	return m.Pages
}

var _ edge.Pages = made{}.Pages
