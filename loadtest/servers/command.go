package servers

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"limegrove/loadtest/cluster"
	"limegrove/loadtest/measure"
	"limegrove/loadtest/usage"
)

// Command is a kind that is one program with one listener.
type Command struct {
	// Speaks is the name of the adapter.
	Speaks string
	// Find finds or builds the program, into the folder dir.
	Find func(ctx context.Context, dir string) (program string, err error)
	// Config is the text of its configuration, for clients at an address; nil for none.
	Config func(at netip.AddrPort) string
	// Args are its arguments; config is the path of the configuration.
	Args func(at netip.AddrPort, config string) []string

	program string
}

// startTime is how long a server may take until it takes clients.
const startTime = 30 * time.Second

// Protocol is that of Kind.
func (c *Command) Protocol() string { return c.Speaks }

// Prepare is that of Kind.
func (c *Command) Prepare(ctx context.Context, dir string) (err error) {
	c.program, err = c.Find(ctx, dir)
	return err
}

// Start is that of Kind.
func (c *Command) Start(ctx context.Context, dir string) (*Server, error) {
	at, err := newAddress()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config")
	if c.Config != nil {
		if err := os.WriteFile(config, []byte(c.Config(at)), 0o644); err != nil {
			return nil, fmt.Errorf("configure %s: %w", c.program, err)
		}
	}
	p := &cluster.Process{Name: filepath.Base(c.program), Host: at.Addr().String()}
	if err := p.Start(dir, c.program, c.Args(at, config)...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if err := p.Ready(ctx, accepts(at.String())); err != nil {
		p.Kill()
		return nil, err
	}
	return &Server{
		Target: measure.Target{
			Servers: []netip.AddrPort{at},
			Groups:  []usage.Group{{Name: "server", Processes: []usage.Process{p}}},
		},
		Close: p.Kill,
	}, nil
}

// accepts returns a check that wants connections to be taken.
func accepts(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}
