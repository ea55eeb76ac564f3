package servers

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"limegrove/e2e/programs"
	"limegrove/loadtest/cluster"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/protocol/limews"
)

// limegrove is a cluster of two edges with a broker, Redis and a router: the two of a pair are on
// different edges.
type limegrove struct{ programs programs.Paths }

const edges = 2

// Protocol is that of Kind.
func (*limegrove) Protocol() string { return "lime" }

// Prepare is that of Kind.
func (l *limegrove) Prepare(ctx context.Context, dir string) (err error) {
	l.programs, err = programs.Build(ctx, dir, false)
	return err
}

// Start is that of Kind.
func (l *limegrove) Start(ctx context.Context, dir string) (*Server, error) {
	rules := filepath.Join(dir, "rooms.json")
	if err := os.WriteFile(rules, []byte(`[{"room":"`+limews.Rooms+`/*","may":["enter","publish"]}]`), 0o600); err != nil {
		return nil, err
	}
	c, err := cluster.Start(ctx, cluster.Config{
		Programs: l.programs, Dir: dir, Edges: edges, Brokers: 1, Partitions: 1, Recipients: "known", RoomRules: rules,
		// The others have no limit, and some loads are above this one.
		Args: []string{"-max-rate", "0"},
		// As where each edge has processors of its own. Two that look for work on the same two processors are in each other's way.
		EdgeProcessors: max(runtime.NumCPU()/edges, 1),
	})
	if err != nil {
		return nil, err
	}
	s := &Server{Target: measure.Target{Groups: c.Groups(), Dropped: c.Dropped}, Close: c.Close}
	for _, e := range c.Edges {
		s.Servers = append(s.Servers, netip.MustParseAddrPort(e.At(cluster.PortEdge)))
	}
	return s, nil
}
