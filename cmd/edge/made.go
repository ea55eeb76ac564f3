package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"limegrove/cmd/internal/process"
	"limegrove/edge"
	"limegrove/edge/dialect/hightemplar"
	"limegrove/internal/config"
	"limegrove/lime"
)

// made is what an edge's configuration names, read.
type made struct {
	process.Made
	tls      *credentials // nil without TLS
	pages    edge.Pages   // nil for none
	headers  []hightemplar.Header
	service  lime.Identity // of connectors; zero for none
	sessions int           // -max-sessions, or what there is room for
}

// credentials are an edge's certificate and whom it asks for theirs.
type credentials struct {
	certificate tls.Certificate
	clients     *x509.CertPool // nil for nobody
}

// makeOf reads what a configuration names, and connects to nobody. An error is bad usage.
func makeOf(cfg config.Edge) (m made, err error) {
	if m.Made, err = process.Make(cfg.Shared, cfg.API, cfg.RunRouter); err != nil {
		return m, err
	}
	if m.Rules, err = roomRules(cfg); err != nil {
		return m, err
	}
	if m.pages, err = openPages(cfg); err != nil {
		return m, err
	}
	if cfg.TLSCert != "" {
		if m.tls, err = readCredentials(cfg); err != nil {
			return m, fmt.Errorf("%w: %w", process.ErrUsage, err)
		}
	}
	if a := cfg.AioConnectors; a.Address != "" && a.Service != "" {
		if m.service, err = lime.ParseIdentity(a.Service); err != nil {
			return m, fmt.Errorf("%w: -aioconnectors-service: %w", process.ErrUsage, err)
		}
	}
	if cfg.HighTemplar.Path != "" {
		for _, text := range cfg.HighTemplar.Headers {
			header, err := hightemplar.ParseHeader(text)
			if err != nil {
				return m, fmt.Errorf("%w: -hightemplar-header: %w", process.ErrUsage, err)
			}
			m.headers = append(m.headers, header)
		}
	}
	m.sessions, err = maxSessions(cfg.MaxSessions)
	return m, err
}

func readCredentials(cfg config.Edge) (*credentials, error) {
	var c credentials
	var err error
	if c.certificate, err = tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey); err != nil {
		return nil, fmt.Errorf("-tls-cert: %w", err)
	}
	if cfg.TLSClientCA != "" {
		if c.clients, err = authorities(cfg.TLSClientCA); err != nil {
			return nil, fmt.Errorf("-tls-client-ca: %w", err)
		}
	}
	return &c, nil
}
