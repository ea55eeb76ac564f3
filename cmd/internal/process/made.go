package process

import (
	"crypto/tls"
	"fmt"
	"reflect"

	"limegrove/certs"
	"limegrove/internal/config"
	"limegrove/presence"
	"limegrove/room"
	"limegrove/router"
)

// Made is what the files and the texts that a configuration names are made into, before anything is started or changed.
type Made struct {
	Told   Told
	Rules  room.Rules
	Logins router.Config    // its part about logins alone; nothing without a router
	API    *tls.Certificate // nil for none

	Authority *certs.Folder // nil for none
}

// Make reads what a configuration names. It connects to nobody. An error is bad usage, and names the flag.
func Make(cfg config.Shared, api config.API, runsRouter bool) (m Made, err error) {
	if cfg.Redis != "" {
		if err := presence.CheckURL(cfg.Redis); err != nil {
			return m, fmt.Errorf("%w: -redis: %w", ErrUsage, err)
		}
	}
	if m.Told, err = Events(cfg); err != nil {
		return m, err
	}
	if m.Rules, err = RoomRules(cfg.RoomRules); err != nil {
		return m, err
	}
	if runsRouter {
		if err := Logins(cfg, &m.Logins); err != nil {
			return m, err
		}
	}
	if cfg.Authority.On() {
		if m.Authority, err = certs.ReadFolder(cfg.Authority.Folder); err != nil {
			return m, fmt.Errorf("%w: -authority: %w", ErrUsage, err)
		}
	}
	if api.TLSCert != "" {
		c, err := tls.LoadX509KeyPair(api.TLSCert, api.TLSKey)
		if err != nil {
			return m, fmt.Errorf("%w: -api-tls-cert: %w", ErrUsage, err)
		}
		m.API = &c
	}
	return m, nil
}

// Fixed tells what of a configuration cannot change this time though it mostly can, and of which files the content cannot.
// The rules of rooms are those that are in force, and those that are to be.
func Fixed(was, will config.Shared, rules, others room.Rules) (flags, content []string) {
	if was.Logins.External() != will.Logins.External() || was.Logins.DecidesAboutGuests() != will.Logins.DecidesAboutGuests() {
		flags = append(flags, "auth-issuers", "auth-webhook", "auth-webhook-schemes") // routers take logins by other schemes
	}
	if !reflect.DeepEqual(was.Webhooks, will.Webhooks) {
		content = append(content, "webhooks")
	}
	if others.Keep() && !rules.Keep() { // there are no streams for that
		flags, content = append(flags, "room-rules"), append(content, "room-rules")
	}
	return flags, content
}

// RouterLimits are what of a router's configuration may change while it runs.
func RouterLimits(cfg config.Shared, m Made) router.Config {
	work := m.Logins
	work.MaxGroupMembers, work.MaxGroups, work.MaxContacts = cfg.GroupMembers, cfg.GroupsPerIdentity, cfg.MaxContacts
	return work
}
