package process

import (
	"fmt"
	"os"

	"limegrove/edge/auth"
	"limegrove/edge/auth/issuer"
	"limegrove/internal/config"
	"limegrove/router"
)

// Logins maps the command line's part about logins to a router's. An error is bad usage.
func Logins(cfg config.Shared, r *router.Config) error {
	l := cfg.Logins
	r.PasswordMemory = l.PasswordMemory
	if r.PasswordMemory == 0 { // none
		r.PasswordMemory = -1
	}
	for _, i := range l.Issuers {
		one := issuer.Config{
			Name: i.Issuer, JWKS: i.JWKS, Audience: i.Audience, Domains: i.Domains, Identity: i.Identity,
			Algorithms: i.Algorithms, Leeway: i.Leeway, TakeOver: i.TakeOver, Escape: i.Escape,
		}
		if one.Domains == nil {
			one.Domains = cfg.Domains
		}
		for _, file := range i.Keys {
			text, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("%w: -auth-issuers: %q: %w", ErrUsage, i.Issuer, err)
			}
			keys, err := issuer.ParseKeys(text)
			if err != nil {
				return fmt.Errorf("%w: -auth-issuers: %q: %s: %w", ErrUsage, i.Issuer, file, err)
			}
			one.Keys = append(one.Keys, keys...)
		}
		r.Issuers = append(r.Issuers, one)
	}
	if err := issuer.Check(r.Issuers); err != nil {
		return fmt.Errorf("%w: -auth-issuers: %w", ErrUsage, err)
	}
	if l.Webhook != "" {
		r.Webhook.URL, r.Webhook.Timeout, r.Webhook.Requests = l.Webhook, l.WebhookTimeout, l.WebhookRequests
		if l.WebhookSecret != "" {
			r.Webhook.Secret = []byte(l.WebhookSecret)
		}
		for _, s := range l.WebhookSchemes {
			r.WebhookSchemes = append(r.WebhookSchemes, auth.Scheme(s))
		}
	}
	return nil
}
