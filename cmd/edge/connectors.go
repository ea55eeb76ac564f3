package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"iter"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/api"
	"limegrove/certs"
	"limegrove/cmd/internal/process"
	"limegrove/connector"
	"limegrove/edge/dialect/aioconnectors"
	"limegrove/internal/complaint"
	"limegrove/internal/config"
	"limegrove/lime"
)

// connectors is what an edge knows of connectors of aioconnectors.
type connectors struct {
	known        *connector.Registry
	certificates *ownCertificates // nil where there are none

	domain string
	stream *aioconnectors.Stream // set by use
}

// openConnectors opens what is known of connectors. There is nothing where none are served.
func openConnectors(ctx context.Context, cfg config.Edge, p *process.Process, d doors, issuer certs.Remote) (c connectors, err error) {
	if cfg.AioConnectors.Address == "" {
		return c, nil
	}
	c.domain = cfg.AioConnectors.Domain
	c.known, err = openStore(ctx, p, "what is known of connectors", func(ctx context.Context, js jetstream.JetStream) (*connector.Registry, error) {
		return connector.Open(ctx, connector.Config{JetStream: js, Replicas: cfg.Replicas, Tokens: cfg.AioConnectors.MaxTokens, Logger: p.Log})
	})
	if err == nil && cfg.AioConnectors.Certificates {
		c.certificates = &ownCertificates{
			inForce: d.inForce, issuer: issuer, log: p.Log, warn: complaint.Log{Logger: p.Log}, back: make(chan takenBack, maxTakenBack),
		}
	}
	return c, err
}

// use tells the dialect of what changes. Whose certificate is revoked is cut as others are.
func (c *connectors) use(s *aioconnectors.Stream) {
	c.stream = s
	c.known.OnChange(s.Review)
}

// run follows what others change, until ctx is done.
func (c *connectors) run(ctx context.Context, p *process.Process, parts *process.Group) {
	if c.known != nil {
		parts.Go("lists of connectors", func() error { c.known.Run(ctx); return nil })
	}
	parts.Go("connected connectors", func() error { return p.AnswerConnected(ctx, c.connected(p.Cluster.Self().ID)) })
	if c.certificates != nil {
		parts.Go("certificates of connectors", func() error { c.certificates.run(ctx); return nil })
	}
}

// connected are those that are connected here.
func (c *connectors) connected(edge string) iter.Seq[api.Connector] {
	return func(yield func(api.Connector) bool) {
		if c.stream == nil { // none are served
			return
		}
		for _, one := range c.stream.Connected() {
			id := lime.Identity{Name: string(lime.AppendEscapedName(nil, one.Name)), Domain: c.domain}
			if !yield(api.Connector{Name: one.Name, Identity: id.String(), Address: one.Address.String(), Edge: edge}) {
				return
			}
		}
	}
}

// door has connectors come in by their certificates, if they are to.
func (c *connectors) door(d doors) net.Listener {
	if c.certificates == nil || d.connectors == nil {
		return d.connectors
	}
	return tls.NewListener(d.connectors, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			cfg := &tls.Config{Certificates: d.inForce.tcp.Load().Certificates, MinVersion: tls.VersionTLS12}
			d.inForce.trust.Load().Server(cfg)
			// Who is resumed would not be looked at again.
			cfg.ClientAuth, cfg.SessionTicketsDisabled = tls.RequireAndVerifyClientCert, true
			return cfg, nil
		},
	})
}

// ownCertificates are those that the cluster's authority gives to connectors.
type ownCertificates struct {
	inForce *inForce
	issuer  certs.Remote
	log     logrus.FieldLogger
	warn    complaint.Log
	back    chan takenBack
}

// byCertificate begins the credentials of those who are let in by one.
const byCertificate = "certificate:"

// Bearer is that of aioconnectors.Certificates.
func (o *ownCertificates) Bearer(shown []*x509.Certificate) (aioconnectors.Bearer, bool) {
	b, err := o.inForce.trust.Load().Identify(shown)
	return aioconnectors.Bearer{Identity: b.Identity, Default: b.Default, Credential: byCertificate + string(b.Serial), Expires: b.Expires}, err == nil
}

// Counts is that of aioconnectors.Certificates.
func (o *ownCertificates) Counts(credential string) bool {
	serial, is := strings.CutPrefix(credential, byCertificate)
	known := o.inForce.revoked.known.Load()
	return is && known != nil && !known.Revoked(certs.Serial(serial))
}

// Issue is that of aioconnectors.Certificates. The key is made here, by which a router knows who asks again: nobody else
// learns it.
func (o *ownCertificates) Issue(ctx context.Context, id lime.Identity) (certificate, key string, back func(), err error) {
	made, err := certs.NewKey()
	if err != nil {
		return "", "", nil, err
	}
	text, err := certs.EncodeKey(made)
	if err != nil {
		return "", "", nil, err
	}
	csr, err := certs.NewRequest(id.String(), made)
	if err != nil {
		return "", "", nil, err
	}
	hash, err := certs.KeyHash(made.Public())
	if err != nil {
		return "", "", nil, err
	}
	back = func() { o.takenBack(takenBack{id, hash}) }
	i, err := o.issuer.Issue(ctx, certs.Request{Identity: id, First: true, Lapses: true, CSR: string(csr), Lifetime: connectorLifetime})
	if err != nil {
		if lime.AsReason(err) == nil || errors.Is(err, certs.ErrFault) { // the answer may be lost, and nothing else
			back()
		}
		return "", "", nil, err
	}
	return i.PEM, string(text), back, nil
}

// connectorLifetime is for how long a connector's certificate is good, as the original's: a connector never asks for another one.
// The authority's end comes first.
const connectorLifetime = 3650 * 24 * time.Hour

// maxTakenBack bounds those whose certificate is to be taken back.
const maxTakenBack = 1024

// takenBack is who was not told of the certificate of a key.
type takenBack struct {
	id      lime.Identity
	keyHash string
}

func (o *ownCertificates) takenBack(t takenBack) {
	select {
	case o.back <- t:
	default:
		o.log.WithField("identity", t.id.String()).Warn("a certificate that its connector was not told is not taken back: too many wait; revoke it")
	}
}

// run takes certificates back until ctx is done.
func (o *ownCertificates) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-o.back:
			o.takeBack(ctx, t)
		}
	}
}

// takeBack takes one back, as often as it has to.
func (o *ownCertificates) takeBack(ctx context.Context, t takenBack) {
	const patience, pause = 5 * time.Second, time.Second
	for {
		trying, cancel := context.WithTimeout(ctx, patience)
		err := o.issuer.TakeBack(trying, t.id, t.keyHash)
		cancel()
		if err == nil || lime.AsReason(err) != nil && !errors.Is(err, certs.ErrFault) {
			return
		}
		o.warn.Warn("a certificate that its connector was not told cannot be taken back", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

var (
	_ aioconnectors.Registry     = (*connector.Registry)(nil)
	_ aioconnectors.Certificates = (*ownCertificates)(nil)
)
