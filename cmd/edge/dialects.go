package main

import (
	"strings"

	"limegrove/cmd/internal/process"
	"limegrove/edge/backing"
	"limegrove/edge/dialect"
	"limegrove/edge/dialect/aioconnectors"
	"limegrove/edge/dialect/bachata"
	"limegrove/edge/dialect/hightemplar"
	"limegrove/internal/config"
	"limegrove/trigger"
)

// dialects are the other protocols that an edge speaks, and the API behind one of them.
type dialects struct {
	byPath map[string]dialect.Dialect
	framed dialect.Stream // nil for none
	api    *backing.API   // nil for none
}

// openDialects makes them. The triggers are those that this process takes; nil for none.
func openDialects(cfg config.Edge, p *process.Process, m made, t *trigger.Triggers, known *connectors) (d dialects) {
	d.byPath = map[string]dialect.Dialect{}
	if b := cfg.Bachata; b.Path != "" {
		d.byPath[b.Path] = bachata.New(bachata.Config{
			Domain: b.Domain, Simple: b.Simple, SetFrom: b.SetFrom, Fanout: b.Mode == config.ChannelFanout,
			Access: bachata.Access(b.Auth), Origins: b.Origins,
		})
	}
	if h := cfg.HighTemplar; h.Path != "" {
		own := hightemplar.Config{
			Domain: h.Domain, Rooms: cfg.HighTemplarRooms.Rooms, Wildcards: process.Sides(cfg.HighTemplarRooms.Wildcards),
			Idle: h.Idle, Subscriptions: h.Subscriptions, Backlog: h.Backlog, Notify: h.Notify, Legacy: h.Legacy, Origins: h.Origins,
		}
		if t != nil {
			own.Triggers = t.Queued
		}
		if h.UserPath != "" {
			own.UserPath = strings.Split(h.UserPath, ".")
		}
		own.Headers = m.Headers
		d.api = backing.New(backing.Config{
			URL: h.API, Socket: h.APISocket, Timeout: h.Timeout, Calls: h.Calls, Logger: p.Log, Metrics: p.Metrics,
		})
		own.API = d.api
		d.byPath[h.Path] = hightemplar.New(own)
	}
	if a := cfg.AioConnectors; a.Address != "" {
		own := aioconnectors.Config{
			Domain: a.Domain, Service: m.Service, Server: a.ServerName(), Rooms: cfg.Domains[0], TLS: a.TLS, Types: a.Types,
			Simple: a.Simple, MaxEnvelope: cfg.MaxEnvelope, Topics: a.Topics, Backlog: a.Backlog,
			Tokens: a.Tokens, Registry: known.known,
		}
		if known.certificates != nil {
			own.Certificates = known.certificates
		}
		stream := aioconnectors.New(own)
		known.use(stream)
		d.framed = stream
	}
	return d
}

var _ hightemplar.API = (*backing.API)(nil)
