package process

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/certs"
	"limegrove/internal/config"
	"limegrove/router"
)

// Certificates is a process's part in the cluster's own authority. The zero value has none.
type Certificates struct {
	Registry    *certs.Registry
	Revocations *certs.Revocations // on an edge
	service     *certs.Service     // with a router
}

// On tells whether there is an authority.
func (c *Certificates) On() bool { return c.Registry != nil }

// OpenCertificates opens who has which certificate, what was revoked, on an edge, and who issues them, with a router. It waits for JetStream.
func (p *Process) OpenCertificates(ctx context.Context, cfg config.Shared, f *certs.Folder, edge, router bool) (c Certificates, err error) {
	if f == nil {
		return c, nil
	}
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return c, fmt.Errorf("-nats: %w", err)
	}
	where := certs.Config{JetStream: js, Replicas: cfg.Replicas, MaxNames: cfg.Authority.Names}
	err = p.Patiently(ctx, "the certificates", func(ctx context.Context) error {
		var err error
		if c.Registry, err = certs.Open(ctx, where); err != nil || !edge {
			return err
		}
		c.Revocations, err = certs.OpenRevocations(ctx, where, p.Log, p.Metrics)
		return err
	})
	if err != nil {
		return Certificates{}, fmt.Errorf("-nats: %w", err)
	}
	if router {
		if f.Authority == nil {
			p.Log.WithField("folder", cfg.Authority.Folder).Warn("the authority has no key here: this router issues no certificates")
		}
		c.service = certs.NewService(certs.ServiceConfig{
			Registry: c.Registry, Lifetime: cfg.Authority.Lifetime, FirstRate: cfg.Authority.FirstRate, FirstBurst: 10 * cfg.Authority.FirstRate,
			Logger: p.Log, Metrics: p.Metrics,
		}, f)
	}
	return c, nil
}

// For has a router issue certificates.
func (c *Certificates) For(work *router.Config) { work.Certificates = c.service }

// Use puts other files of the authority in force.
func (c *Certificates) Use(f *certs.Folder) {
	if c.service != nil && f != nil {
		c.service.Use(f)
	}
}
