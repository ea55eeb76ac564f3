package servers

import (
	"context"
	"fmt"
	"net/netip"

	"limegrove/e2e/programs"
)

// newNATS is a nats-server whose clients speak NATS over WebSockets: what one could use instead
// who needs none of what edges do.
func newNATS() Kind {
	return &Command{
		Speaks: "nats",
		Find:   func(ctx context.Context, _ string) (string, error) { return programs.Tool(ctx, "nats-server") },
		Config: func(at netip.AddrPort) string {
			return fmt.Sprintf("listen: %q\nwebsocket { listen: %q, no_tls: true }\n", at.Addr().String()+":4222", at.String())
		},
		Args: func(_ netip.AddrPort, config string) []string { return []string{"-c", config} },
	}
}
