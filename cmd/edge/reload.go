package main

import (
	"fmt"
	"slices"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/internal/config"
	"limegrove/room"
	"limegrove/router"
	"limegrove/routing"
)

// running is what of an edge takes another configuration.
type running struct {
	certificates *process.Certificates

	process  *process.Process
	page     *process.StatusPage
	stores   stores
	doors    doors
	rules    *process.Rules
	hubs     *routing.Hubs
	sessions *edge.Edge
	inside   *router.Router // nil without one
	api      *process.API   // nil without one

	edgeOf func(config.Edge, room.Rules) edge.Config
}

// fixed tells what cannot change this time.
func (r running) fixed(was, will config.Edge) (flags, content []string, err error) {
	rules, err := process.EdgeRoomRules(will)
	if err != nil {
		return nil, nil, err
	}
	flags, content = process.Fixed(was.Shared, will.Shared, r.rules.Load(), rules)
	return flags, content, nil
}

// take makes all that another configuration needs, and returns what puts it in force.
func (r running) take(cfg config.Edge, kept []string) (apply func(), err error) {
	m, err := makeOf(cfg)
	if err != nil {
		return nil, err
	}
	if slices.Contains(kept, "room-rules") {
		m.Rules = r.rules.Load()
	}
	cfg.MaxSessions = m.sessions
	if err := cfg.CheckPayload(r.process.NATS.MaxPayload()); err != nil {
		return nil, err
	}
	ofProcess, err := r.process.Change(cfg.Shared)
	if err != nil {
		return nil, err
	}
	ofSessions, err := r.sessions.Change(r.edgeOf(cfg, m.Rules))
	if err != nil {
		return nil, err
	}
	ofDoors, ofRouter := func() {}, func() {}
	if m.TLS != nil {
		if ofDoors, err = r.doors.change(m.TLS); err != nil {
			return nil, err
		}
	}
	if r.inside != nil {
		if ofRouter, err = r.inside.Change(process.RouterLimits(cfg.Shared, m.Made)); err != nil {
			return nil, fmt.Errorf("-auth-issuers, -auth-webhook: %w", err)
		}
	}
	return func() {
		ofProcess()
		r.page.SetToken(cfg.AdminToken)
		r.stores.setLog(cfg.Shared)
		r.rules.Store(m.Rules)
		r.hubs.SetBounds(bounds(cfg))
		ofDoors()
		ofRouter()
		r.certificates.Use(m.Authority)
		ofSessions()
		if r.api != nil {
			r.api.Change(cfg.API, m.API)
		}
	}, nil
}

// bounds are routing's.
func bounds(cfg config.Edge) routing.Bounds {
	return routing.Bounds{KeepOlder: cfg.NodeConflict == config.ConflictRefuse, MaxPerIdentity: cfg.MaxSessionsPerIdentity}
}
