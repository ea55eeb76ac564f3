package rig

import (
	"context"

	"limegrove/e2e/programs"
)

// Programs are what a rig runs: those of a cluster, and what harms it.
type Programs struct {
	programs.Paths

	Proxy string // toxiproxy, through which the way of SlowEdge leads
	Clock string // a library that sets a program's clock; "" where there is none
}

// Build builds the programs into a folder. It is called somewhere in the module.
func Build(ctx context.Context, dir string, race bool) (p Programs, err error) {
	if p.Paths, err = programs.Build(ctx, dir, race); err != nil {
		return p, err
	}
	if p.Proxy, err = programs.Tool(ctx, "toxiproxy"); err != nil {
		return p, err
	}
	p.Clock, err = buildClock(ctx, dir)
	return p, err
}
