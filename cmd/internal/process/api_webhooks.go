package process

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"

	"limegrove/api"
	"limegrove/routing/events"
	"limegrove/webhook"
)

var _ api.Webhooks = apiWebhooks{}

type apiWebhooks struct {
	store     *events.Store
	endpoints []webhook.Endpoint
}

// List is that of api.Webhooks.
func (w apiWebhooks) List(ctx context.Context) ([]api.Webhook, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	letters, err := w.store.CountDeadLetters(ctx)
	if err != nil {
		return nil, passes(err)
	}
	all := []api.Webhook{}
	for _, e := range w.endpoints {
		one := described(e)
		one.DeadLetters = letters[e.Name]
		if one.Behind, one.Oldest, err = w.store.Backlog(ctx, e.Name); err != nil {
			return nil, passes(err)
		}
		delete(letters, e.Name)
		all = append(all, one)
	}
	for _, name := range slices.Sorted(maps.Keys(letters)) { // of the past
		all = append(all, api.Webhook{Name: name, Events: []string{}, Domains: []string{}, DeadLetters: letters[name]})
	}
	return all, nil
}

// described is what does not change of an endpoint.
func described(e webhook.Endpoint) api.Webhook {
	one := api.Webhook{Name: e.Name, URL: shown(e.URL), Events: []string{}, Domains: append([]string{}, e.Domains...)}
	for _, t := range e.Events {
		one.Events = append(one.Events, string(t))
	}
	return one
}

// shown is an address without what may be secret in it.
func shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// known returns api.ErrNotFound for an endpoint that there is not and never was.
func (w apiWebhooks) known(ctx context.Context, name string) error {
	if slices.ContainsFunc(w.endpoints, func(e webhook.Endpoint) bool { return e.Name == name }) {
		return nil
	}
	letters, err := w.store.CountDeadLetters(ctx)
	if err != nil {
		return passes(err)
	}
	if letters[name] == 0 {
		return api.ErrNotFound
	}
	return nil
}

// Letters is that of api.Webhooks.
func (w apiWebhooks) Letters(ctx context.Context, name string, from uint64, most int) ([]api.DeadLetter, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	if err := w.known(ctx, name); err != nil {
		return nil, 0, err
	}
	letters, next, err := w.store.Letters(ctx, name, from, most)
	all := make([]api.DeadLetter, len(letters))
	for i, l := range letters {
		all[i] = api.DeadLetter{Sequence: l.Sequence, At: l.At, Reason: l.Reason, Event: l.Event}
	}
	return all, next, passes(err)
}

// Replay is that of api.Webhooks.
func (w apiWebhooks) Replay(ctx context.Context, name string, sequence uint64) (int, error) {
	return w.do(ctx, name, sequence, w.store.Replay, w.store.ReplayAll)
}

// Drop is that of api.Webhooks.
func (w apiWebhooks) Drop(ctx context.Context, name string, sequence uint64) (int, error) {
	return w.do(ctx, name, sequence, w.store.Drop, w.store.DropAll)
}

// do does one thing, or all.
func (w apiWebhooks) do(ctx context.Context, name string, sequence uint64,
	one func(ctx context.Context, name string, sequence uint64) error, all func(ctx context.Context, name string) (int, error),
) (n int, err error) {
	if sequence == 0 {
		ctx, cancel := context.WithTimeout(ctx, allLettersTimeout)
		defer cancel()
		if err := w.known(ctx, name); err != nil {
			return 0, err
		}
		n, err = all(ctx, name)
		return n, passes(err)
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	err = one(ctx, name, sequence)
	if errors.Is(err, events.ErrNoLetter) {
		return 0, api.ErrNotFound
	}
	return 1, passes(err)
}

// allLettersTimeout bounds what is done with all dead letters of an endpoint: some ten
// thousand. What was not done can be asked for again.
const allLettersTimeout = 4 * apiTimeout
