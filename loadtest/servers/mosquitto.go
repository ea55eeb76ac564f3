package servers

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
)

// newMosquitto is Mosquitto, from Debian's package of that name, over WebSockets.
func newMosquitto() Kind {
	return &Command{
		Speaks: "mqtt",
		Find: func(context.Context, string) (string, error) {
			for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto"} {
				if path, err := exec.LookPath(name); err == nil {
					return path, nil
				}
			}
			return "", missing("mosquitto", exec.ErrNotFound)
		},
		Config: func(at netip.AddrPort) string {
			// WebSockets are on all addresses, since its library knows of no other loopback address than
			// 127.0.0.1. And there has to be a listener of another kind: without one, version 2.0 ends.
			return fmt.Sprintf("allow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 0\n"+
				"listener 1883 %s\nlistener %d\nprotocol websockets\n", at.Addr(), at.Port())
		},
		Args: func(_ netip.AddrPort, config string) []string { return []string{"-c", config} },
	}
}
