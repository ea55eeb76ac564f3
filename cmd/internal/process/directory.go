package process

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"limegrove/account"
	"limegrove/internal/config"
	"limegrove/lime"
	"limegrove/presence"
	"limegrove/roster"
)

// Directory tells routing whom messages may be stored for: accounts, and guests that
// are or were here a moment ago; and who may send to an account.
type Directory struct {
	accounts *account.Store
	contacts *roster.Store
	presence *presence.Store
	anyone   bool     // messages may be stored for everybody
	channels []string // of these domains, whoever is named is known
}

// OpenDirectory opens what a Directory asks. With anyone messages are stored for everybody, and of the
// domains channels, "" for none, whoever is named is known. It waits for JetStream.
func (p *Process) OpenDirectory(ctx context.Context, cfg config.Shared, anyone bool, channels ...string) (d Directory, err error) {
	js, err := jetstream.New(p.NATS)
	if err != nil {
		return d, fmt.Errorf("-nats: %w", err)
	}
	d = Directory{presence: p.Presence, anyone: anyone, channels: channels}
	err = p.Patiently(ctx, "the accounts", func(ctx context.Context) error {
		d.accounts, err = account.Open(ctx, account.Config{JetStream: js, Replicas: cfg.Replicas})
		return err
	})
	if err != nil {
		return d, fmt.Errorf("-nats: %w", err)
	}
	err = p.Patiently(ctx, "the contacts", func(ctx context.Context) error {
		d.contacts, err = roster.Open(ctx, roster.Config{JetStream: js, Replicas: cfg.Replicas})
		return err
	})
	if err != nil {
		return d, fmt.Errorf("-nats: %w", err)
	}
	return d, nil
}

// Account is that of routing.Directory.
func (d Directory) Account(ctx context.Context, i lime.Identity) (p lime.InboxPolicy, found bool, err error) {
	if slices.ContainsFunc(d.channels, func(domain string) bool { return domain != "" && strings.EqualFold(i.Domain, domain) }) {
		return p, true, nil
	}
	a, err := d.accounts.Get(ctx, i)
	switch {
	case err == nil:
		return lime.PolicyOf(a.Properties), true, nil
	case lime.AsReason(err) != nil: // there is none, or can be none
		return p, d.anyone, nil
	}
	return p, false, err
}

// IsContact is that of routing.Directory.
func (d Directory) IsContact(ctx context.Context, owner, i lime.Identity) (bool, error) {
	return d.contacts.Knows(ctx, owner, i)
}

// Instances is that of routing.Directory.
func (d Directory) Instances(ctx context.Context, i lime.Identity) ([]string, error) {
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
