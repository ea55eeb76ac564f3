package router

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

var errSchemes = errors.New("the schemes that are served, and who decides about guests, cannot change")

// Change returns what puts another configuration in force while the router runs, or says what is wrong with it. It may be
// called from anywhere, by one at a time, and so may apply, which cannot fail. MaxContacts, MaxGroupMembers, MaxGroups,
// PasswordMemory, Issuers, Webhook and WebhookSchemes count. Everything else stays what it was, and so has what can be used to log in.
func (r *Router) Change(cfg Config) (apply func(), err error) {
	will := r.inForce
	will.MaxContacts, will.MaxGroupMembers, will.MaxGroups = cfg.MaxContacts, cfg.MaxGroupMembers, cfg.MaxGroups
	will.PasswordMemory, will.Issuers, will.Webhook, will.WebhookSchemes = cfg.PasswordMemory, cfg.Issuers, cfg.Webhook, cfg.WebhookSchemes
	// What issuers and webhooks have in memory is worth keeping.
	changed := !reflect.DeepEqual(r.inForce.Issuers, will.Issuers) || !reflect.DeepEqual(r.inForce.Webhook, will.Webhook) || !slices.Equal(r.inForce.WebhookSchemes, will.WebhookSchemes)
	served := *r.logins.by.Load()
	if changed {
		if served, err = schemes(will, r.accounts, r.owners); err != nil {
			return nil, fmt.Errorf("router: %w", err)
		}
		_, guests := served.Guests()
		_, had := r.logins.by.Load().Guests()
		if guests != had || !slices.Equal(namesOf(served), r.logins.names) {
			return nil, fmt.Errorf("router: %w", errSchemes)
		}
	}
	return func() {
		r.people.SetMaxContacts(will.MaxContacts)
		r.groups.SetBounds(will.MaxGroupMembers, will.MaxGroups)
		if will.PasswordMemory != r.inForce.PasswordMemory {
			r.accounts.SetRemember(will.PasswordMemory)
		}
		if changed {
			r.logins.use(served)
		}
		r.inForce = will
	}, nil
}
