package servers

import (
	"context"
	"net/netip"
	"path/filepath"

	"limegrove/e2e/programs"
)

// newFloor is package floor: no server that does anything can do it for less.
func newFloor() Kind {
	return &Command{
		Speaks: "floor",
		Find: func(ctx context.Context, dir string) (string, error) {
			return filepath.Join(dir, "floor"), programs.Go(ctx, dir, false, "limegrove/loadtest/servers/floor/cmd/floor")
		},
		Args: func(at netip.AddrPort, _ string) []string { return []string{at.String()} },
	}
}
