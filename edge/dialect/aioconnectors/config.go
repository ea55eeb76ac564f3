package aioconnectors

import (
	"hash/maphash"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// Config is what the connectors of one endpoint have in common. Domain, Rooms and Server are
// required.
type Config struct {
	// Domain is what connectors are identities of.
	Domain string

	// Service is who takes what connectors send to their server, and speaks to them as that.
	// Default nobody: it comes to nothing.
	Service lime.Identity

	// Server is what connectors know their server by until they name it themselves: an
	// address as they write it, ('10.0.0.5', 10673).
	Server string

	// Rooms is the domain whose rooms {"topic": …} are the topics.
	Rooms string

	// TLS says that connections are encrypted, by which the handshake differs.
	TLS bool

	// Types are those of the messages that are taken of connectors. Default all.
	Types []string

	// Simple sends a message at most once: nothing waits for a connector that is away. By
	// default it waits.
	Simple bool

	// MaxEnvelope is the longest envelope, in bytes: what becomes a longer one comes to
	// nothing. Default 512 KiB.
	MaxEnvelope int

	// Topics is how many a connector may subscribe to. Default 1,000.
	Topics int

	// Backlog bounds the bytes that wait for a connector that subscribes to topics and reads
	// too slowly; with more it is cut. Default 1 MiB.
	Backlog int

	service string // Service as text; "" for nobody
}

// The defaults.
const (
	defaultTopics  = 1000
	defaultBacklog = 1 << 20

	defaultMaxEnvelope = 512 << 10
)

// Stream is aioconnectors as it is spoken on one address.
type Stream struct {
	cfg    Config
	rights room.Rules
	tries  tries
}

// New returns the dialect of a configuration.
func New(cfg Config) *Stream {
	if cfg.Topics == 0 {
		cfg.Topics = defaultTopics
	}
	if cfg.Backlog == 0 {
		cfg.Backlog = defaultBacklog
	}
	if cfg.MaxEnvelope == 0 {
		cfg.MaxEnvelope = defaultMaxEnvelope
	}
	if cfg.Service.Name != "" {
		cfg.service = cfg.Service.String()
	}
	return &Stream{cfg: cfg, rights: anyTopic(), tries: tries{seed: maphash.MakeSeed()}}
}

// Name is that of a dialect.
func (d *Stream) Name() string { return "aioconnectors" }

// Domain is that of a dialect.
func (d *Stream) Domain() string { return d.cfg.Domain }

// Accept is that of a dialect.
func (d *Stream) Accept() dialect.Framed { return d.cfg.client(d.rights, &d.tries) }

var _ dialect.Stream = (*Stream)(nil)
