package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/api"
	"limegrove/certs"
	"limegrove/cmd/internal/process"
	"limegrove/connector"
	"limegrove/edge/dialect/aioconnectors"
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
func openConnectors(ctx context.Context, cfg config.Edge, p *process.Process, d doors, issuer certs.Issuer) (c connectors, err error) {
	if cfg.AioConnectors.Address == "" {
		return c, nil
	}
	c.domain = cfg.AioConnectors.Domain
	c.known, err = openStore(ctx, p, "what is known of connectors", func(ctx context.Context, js jetstream.JetStream) (*connector.Registry, error) {
		return connector.Open(ctx, connector.Config{JetStream: js, Replicas: cfg.Replicas, Tokens: cfg.AioConnectors.MaxTokens, Logger: p.Log})
	})
	if err == nil && cfg.AioConnectors.Certificates {
		c.certificates = &ownCertificates{d.inForce, issuer}
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
		parts.Go("connected connectors", func() error {
			return p.AnswerConnected(ctx, func() []api.Connector { return c.connected(p.Cluster.Self().ID) })
		})
	}
}

// connected are those that are connected here.
func (c *connectors) connected(edge string) []api.Connector {
	all := []api.Connector{}
	for _, one := range c.stream.Connected() {
		id := lime.Identity{Name: string(lime.AppendEscapedName(nil, one.Name)), Domain: c.domain}
		all = append(all, api.Connector{Name: one.Name, Identity: id.String(), Address: one.Address.String(), Edge: edge})
	}
	return all
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
	issuer  certs.Issuer
}

// byCertificate begins the credentials of those who are let in by one.
const byCertificate = "certificate:"

// Bearer is that of aioconnectors.Certificates.
func (o *ownCertificates) Bearer(shown []*x509.Certificate) (id lime.Identity, byDefault bool, credential string, ok bool) {
	b, err := o.inForce.trust.Load().Identify(shown)
	return b.Identity, b.Default, byCertificate + string(b.Serial), err == nil
}

// Counts is that of aioconnectors.Certificates.
func (o *ownCertificates) Counts(credential string) bool {
	serial, is := strings.CutPrefix(credential, byCertificate)
	known := o.inForce.revoked.known.Load()
	return is && known != nil && !known.Revoked(certs.Serial(serial))
}

// Issue is that of aioconnectors.Certificates.
func (o *ownCertificates) Issue(ctx context.Context, id lime.Identity) (certificate, key string, err error) {
	i, err := o.issuer.Issue(ctx, certs.Request{Identity: id, First: true})
	if err != nil {
		return "", "", err
	}
	return i.PEM, i.Key, nil
}

var (
	_ aioconnectors.Registry     = (*connector.Registry)(nil)
	_ aioconnectors.Certificates = (*ownCertificates)(nil)
)
