package main

import (
	"limegrove/edge/dialect"
	"limegrove/edge/dialect/bachata"
	"limegrove/internal/config"
)

// dialects are the other protocols that an edge speaks, by their paths.
func dialects(cfg config.Edge) map[string]dialect.Dialect {
	all := map[string]dialect.Dialect{}
	if b := cfg.Bachata; b.Path != "" {
		all[b.Path] = bachata.New(bachata.Config{
			Domain: b.Domain, Simple: b.Simple, SetFrom: b.SetFrom, Fanout: b.Mode == config.ChannelFanout,
			Access: bachata.Access(b.Auth), Origins: b.Origins,
		})
	}
	return all
}
