package main

import (
	"fmt"
	"slices"

	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
	"limegrove/router"
)

// running is what of a router takes another configuration.
type running struct {
	process *process.Process
	page    *process.StatusPage
	rules   *process.Rules
	router  *router.Router
	api     *process.API // nil without one

	certificates *process.Certificates
}

// fixed tells what cannot change this time.
func (r running) fixed(was, will config.Router) (flags, content []string, err error) {
	rules, err := process.RoomRules(will.RoomRules)
	if err != nil {
		return nil, nil, err
	}
	flags, content = process.Fixed(was.Shared, will.Shared, r.rules.Load(), rules)
	return flags, content, nil
}

// take makes all that another configuration needs, and returns what puts it in force.
func (r running) take(cfg config.Router, kept []string) (apply func(), err error) {
	m, err := process.Make(cfg.Shared, cfg.API, true)
	if err != nil {
		return nil, err
	}
	if slices.Contains(kept, "room-rules") {
		m.Rules = r.rules.Load()
	}
	ofProcess, err := r.process.Change(cfg.Shared)
	if err != nil {
		return nil, err
	}
	ofRouter, err := r.router.Change(process.RouterLimits(cfg.Shared, m))
	if err != nil {
		return nil, fmt.Errorf("-auth-issuers, -auth-webhook: %w", err)
	}
	return func() {
		ofProcess()
		r.page.SetToken(cfg.AdminToken)
		r.rules.Store(m.Rules)
		ofRouter()
		r.certificates.Use(m.Authority)
		if r.api != nil {
			r.api.Change(cfg.API, m.API)
		}
	}, nil
}
