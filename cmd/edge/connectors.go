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
func openConnectors(ctx context.Context, cfg config.Edge, p *process.Process, folder *certs.Folder) (c connectors, err error) {
	if cfg.AioConnectors.Address == "" {
		return c, nil
	}
	c.domain = cfg.AioConnectors.Domain
	c.known, err = openStore(ctx, p, "what is known of connectors", func(ctx context.Context, js jetstream.JetStream) (*connector.Registry, error) {
		return connector.Open(ctx, connector.Config{JetStream: js, Replicas: cfg.Replicas, Tokens: cfg.AioConnectors.MaxTokens, Logger: p.Log})
	})
	if err != nil || folder == nil {
		return c, err
	}
	c.certificates, err = openStore(ctx, p, "the certificates of connectors", func(ctx context.Context, js jetstream.JetStream) (*ownCertificates, error) {
		where := certs.Config{JetStream: js, Replicas: cfg.Replicas}
		registry, err := certs.Open(ctx, where)
		if err != nil {
			return nil, err
		}
		revoked, err := certs.OpenRevocations(ctx, where, p.Log, nil)
		if err != nil {
			return nil, err
		}
		return &ownCertificates{
			trust: certs.NewTrust(folder, nil, revoked), revoked: revoked,
			issuer: certs.NewService(certs.ServiceConfig{Registry: registry, Logger: p.Log}, folder),
		}, nil
	})
	return c, err
}

// use tells the dialect of what changes.
func (c *connectors) use(s *aioconnectors.Stream) {
	c.stream = s
	c.known.OnChange(s.Review)
	if c.certificates != nil {
		c.certificates.revoked.Notify(func(certs.Revocation) { s.Review() }) // as long as the process
	}
}

// run follows what others change, until ctx is done.
func (c *connectors) run(ctx context.Context, p *process.Process, parts *process.Group) {
	if c.known != nil {
		parts.Go("lists of connectors", func() error { c.known.Run(ctx); return nil })
		parts.Go("connected connectors", func() error {
			return p.AnswerConnected(ctx, func() []api.Connector { return c.connected(p.Cluster.Self().ID) })
		})
	}
	if c.certificates != nil {
		parts.Go("revoked certificates of connectors", func() error { c.certificates.revoked.Run(ctx); return nil })
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
			c.certificates.trust.Server(cfg)
			// Who is resumed would not be looked at again.
			cfg.ClientAuth, cfg.SessionTicketsDisabled = tls.RequireAndVerifyClientCert, true
			return cfg, nil
		},
	})
}

// ownCertificates are those that the cluster's authority gives to connectors.
type ownCertificates struct {
	trust   *certs.Trust
	revoked *certs.Revocations
	issuer  certs.Issuer
}

// byCertificate begins the credentials of those who are let in by one.
const byCertificate = "certificate:"

// Bearer is that of aioconnectors.Certificates.
func (o *ownCertificates) Bearer(shown []*x509.Certificate) (id lime.Identity, byDefault bool, credential string, ok bool) {
	b, err := o.trust.Identify(shown)
	return b.Identity, b.Default, byCertificate + string(b.Serial), err == nil
}

// Counts is that of aioconnectors.Certificates.
func (o *ownCertificates) Counts(credential string) bool {
	serial, is := strings.CutPrefix(credential, byCertificate)
	return is && !o.revoked.Revoked(certs.Serial(serial))
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
