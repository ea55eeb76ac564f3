package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

// Resolver finds the addresses of a DNS name. *net.Resolver is one.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// Preset is a set of gossip's timings.
type Preset string

// The presets.
const (
	// PresetLAN suits one region: a dead member is noticed within 5 to 10 s.
	PresetLAN Preset = ""
	// PresetLocal suits tests on one machine: a dead member is noticed within 2 s.
	PresetLocal Preset = "local"
)

// Config is what a member needs to be one. It is not changed after Start.
type Config struct {
	// ID names the machine or pod; it outlives restarts. Required.
	ID string
	// Incarnation names this run. Default NewIncarnation(ID).
	Incarnation string
	// Role is what this process does. Required.
	Role Role
	// Zone is the failure domain, for distances. Default none.
	Zone string
	// Addr is where people and tools reach this process's admin pages, or its
	// host. Gossip itself does not use it. Default none.
	Addr string

	// Bind is the host:port to listen on, TCP and UDP; port 0 takes a free one.
	// Default 127.0.0.1:7946.
	Bind string
	// Advertise is the host or host:port under which others reach Bind; its port
	// counts only if Bind names one. Default the bound address, or a private one
	// of this machine if that is a wildcard.
	Advertise string
	// Keys encrypt gossip, each 16, 24 or 32 bytes: the first encrypts, all
	// decrypt. Default none: plain.
	Keys [][]byte

	// Join is members to find the others by, as host:port. Default none: this
	// member waits to be joined.
	Join []string
	// Resolver resolves the names in Join and Advertise. Default net.DefaultResolver.
	Resolver Resolver
	// JoinInterval is the mean time between two looks at Join. A member that is
	// alone looks more often, from 1 s on. Default 30s.
	JoinInterval time.Duration

	// UpdateInterval is the least time between two announcements of a changed
	// number of sessions; draining is announced at once. It grows with the cluster
	// from 30 members on, and a change below 1/64 is none. Less makes balancing
	// quicker and gossip busier. Default 3s.
	UpdateInterval time.Duration
	// Preset is gossip's timings. Default PresetLAN.
	Preset Preset

	// Log takes the package's and memberlist's lines. Default none.
	Log logrus.FieldLogger
	// Registerer takes the metrics. Default none.
	Registerer prometheus.Registerer
}

func (c Config) withDefaults() Config {
	if c.Incarnation == "" {
		c.Incarnation = NewIncarnation(c.ID)
	}
	if c.Bind == "" {
		c.Bind = "127.0.0.1:7946"
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.JoinInterval <= 0 {
		c.JoinInterval = 30 * time.Second
	}
	if c.UpdateInterval <= 0 {
		c.UpdateInterval = 3 * time.Second
	}
	if c.Log == nil {
		discard := logrus.New()
		discard.SetLevel(logrus.PanicLevel)
		c.Log = discard
	}
	return c
}

func (c Config) validate() error {
	if c.ID == "" {
		return errors.New("no id")
	}
	if c.Role == "" {
		return errors.New("no role")
	}
	if c.Incarnation != sanitize(c.Incarnation) {
		return fmt.Errorf("incarnation %q has other characters than letters, digits and hyphens", c.Incarnation)
	}
	for _, j := range c.Join {
		if _, _, err := splitHostPort(j); err != nil {
			return fmt.Errorf("join %q: %w", j, err)
		}
	}
	return nil
}

func splitHostPort(s string) (string, int, error) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port %q: %w", text, err)
	}
	return host, int(port), nil
}
