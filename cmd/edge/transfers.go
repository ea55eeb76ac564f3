package main

import (
	"errors"

	"limegrove/cmd/internal/process"
	"limegrove/files/transfer"
	"limegrove/internal/config"
)

// openTransfers makes what serves -files, or returns nil without that.
func openTransfers(cfg config.Edge, p *process.Process, kept process.Files) (*transfer.Server, error) {
	if cfg.Files.Listen == "" {
		return nil, nil
	}
	if kept.Store == nil {
		return nil, errors.New("-files: there is no -files-url")
	}
	return transfer.New(transfer.Config{
		Store: kept.Store, URL: cfg.Files.URL, Transfers: cfg.Files.Transfers, IdleTimeout: cfg.Files.IdleTimeout,
		Logger: p.Log, Metrics: p.Metrics,
	})
}

// filesURL is -files-url, or else what -files is on this machine.
func (d doors) filesURL(cfg config.Edge) string {
	if cfg.Files.URL != "" || d.files == nil {
		return cfg.Files.URL
	}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + reachable(d.files.Addr().String())
}
