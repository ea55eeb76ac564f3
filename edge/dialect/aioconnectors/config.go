package aioconnectors

import (
	"context"
	"crypto/x509"
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

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

	// Tokens has connectors be let in by a token that was given to whoever asked for the name first. It needs TLS and the
	// Registry.
	Tokens bool

	// Certificates has connectors be known by what they show in TLS, and be given that; nil for another mode. It needs TLS
	// that demands certificates. Not with Tokens.
	Certificates Certificates

	// Registry is what the cluster knows of connectors. Default nothing: all are let in, and heard.
	Registry Registry

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

// Registry is what a cluster knows of its connectors. Its methods may be called from anywhere; those with a context may
// block.
type Registry interface {
	// Admits tells whether a connector of a name is let in from an address, and Ignores whether nothing is
	// taken of it and told to it.
	Admits(name string, from netip.Addr) bool
	Ignores(name string) bool
	// Hold has it be known what becomes of an identity's token, until release is called. counts tells whether a credential counts that
	// Verify has returned since then. None of them blocks.
	Hold(id lime.Identity) (counts func(credential string) bool, release func())
	// NewToken gives an identity its token, and Verify tells by which credential a token lets one in. An error that is a
	// *lime.Reason says why there is none.
	NewToken(ctx context.Context, id lime.Identity) (token string, err error)
	Verify(ctx context.Context, id lime.Identity, token string) (credential string, err error)
	// TakeBack removes a token of NewToken's that could not be told. It does not block.
	TakeBack(id lime.Identity, token string)
}

// Certificates knows connectors by their certificates, and makes them. Its methods may be called from anywhere; those with
// a context may block.
type Certificates interface {
	// Bearer tells whose certificates are that a connection has shown, its own first. It is not ok for those of nobody.
	Bearer(shown []*x509.Certificate) (b Bearer, ok bool)
	// Counts tells whether a credential counts still.
	Counts(credential string) bool
	// Issue makes an identity's certificate and its key, both in PEM, unless it has one. An error that is a *lime.Reason
	// says why there is none. What could not be told is revoked by back, which gives the name free and does not block.
	Issue(ctx context.Context, id lime.Identity) (certificate, key string, back func(), err error)
}

// Bearer is whose a certificate is: an identity's, or, as the default one, that of somebody who has none yet.
type Bearer struct {
	Identity   lime.Identity
	Default    bool
	Credential string    // what an identity is let in by
	Expires    time.Time // when it counts no more
}

// Stream is aioconnectors as it is spoken on one address.
type Stream struct {
	cfg    Config
	rights room.Rules
	tries  tries
	live   live
	firsts firsts

	reviews   atomic.Uint64 // how many were asked for
	reviewing sync.Mutex
	reviewed  uint64 // how many were done; guarded by reviewing
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
	return &Stream{cfg: cfg, rights: anyTopic(), tries: tries{seed: maphash.MakeSeed()}, firsts: firsts{seed: maphash.MakeSeed()}}
}

// Name is that of a dialect.
func (d *Stream) Name() string { return "aioconnectors" }

// Domain is that of a dialect.
func (d *Stream) Domain() string { return d.cfg.Domain }

// Accept is that of a dialect.
func (d *Stream) Accept() dialect.Framed {
	c := d.client()
	if d.cfg.Tokens || d.cfg.Certificates != nil {
		return asking{c}
	}
	return c
}

// Opening is that of a dialect.Opener: who has a certificate of its own says nothing first.
func (d *Stream) Opening(shown []*x509.Certificate) (first []byte, known any) {
	if d.cfg.Certificates == nil {
		return nil, nil
	}
	b, ok := d.cfg.Certificates.Bearer(shown)
	switch {
	case !ok:
		return nil, nil
	case b.Default:
		return nil, b
	}
	return opening, b
}

// opening stands for what such a connector does not say.
var opening = func() []byte {
	w := write(nil, kindOpening)
	w.headed()
	w.part(nil)
	return w.done()
}()

const kindOpening = "_certificate"

// Review ends the sessions of those that are not let in any more. It is for whoever changes that, after the change. Several that come
// together become one.
func (d *Stream) Review() {
	wanted := d.reviews.Add(1)
	d.reviewing.Lock()
	defer d.reviewing.Unlock()
	if d.reviewed >= wanted { // by one that has begun since
		return
	}
	done := d.reviews.Load()
	for c, end := range d.live.all() {
		if !c.admitted() {
			end()
		}
	}
	d.reviewed = done
}

// Connected is a connector that has a session.
type Connected struct {
	Name    string
	Address netip.AddrPort
}

// Connected are those that have a session here, in no order.
func (d *Stream) Connected() (all []Connected) {
	for c := range d.live.all() {
		all = append(all, Connected{c.name, c.from})
	}
	return all
}

var (
	_ dialect.Stream = (*Stream)(nil)
	_ dialect.Opener = (*Stream)(nil)
)
