package main

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/account"
	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/routing"
)

// directory tells an edge whom messages may be stored for: accounts, and guests that
// are or were here a moment ago.
type directory struct {
	accounts *account.Store
	presence *presence.Store
}

// openDirectory returns nil when everybody may be stored for. It waits for JetStream.
func openDirectory(ctx context.Context, cfg config.Edge, p *process.Process) (routing.Directory, error) {
	if cfg.Recipients == config.RecipientsAnyone {
		return nil, nil
	}
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	var accounts *account.Store
	err = p.Patiently(ctx, "the accounts", func(ctx context.Context) error {
		accounts, err = account.Open(ctx, account.Config{JetStream: js, Replicas: cfg.Replicas})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("-nats: %w", err)
	}
	return directory{accounts, p.Presence}, nil
}

// HasAccount is that of routing.Directory.
func (d directory) HasAccount(ctx context.Context, i lime.Identity) (bool, error) {
	return d.accounts.Has(ctx, i)
}

// Instances is that of routing.Directory.
func (d directory) Instances(ctx context.Context, i lime.Identity) ([]string, error) {
	w, err := d.presence.Whereabouts(ctx, i)
	if err != nil {
		return nil, err
	}
	all := w.Seen
	for _, r := range w.Registrations {
		all = append(all, r.Node.Instance)
	}
	return all, nil
}
