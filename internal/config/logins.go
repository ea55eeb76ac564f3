package config

import (
	"slices"
	"strings"
	"time"
)

// Logins is how routers check logins, and edges that run one.
type Logins struct {
	// PasswordMemory is for how long a process remembers that a password was right, so
	// that it is not hashed again. Default 15m; 0 for not at all.
	PasswordMemory time.Duration

	// Issuers are those whose tokens let in, from a YAML file. Default none.
	Issuers []Issuer

	// Webhook is the address that decides about logins of WebhookSchemes. Default none.
	Webhook        string
	WebhookSchemes []Scheme
	// WebhookSecret signs what is asked there. Default none.
	WebhookSecret string
	// WebhookTimeout is how long it may take. Default 1.5s; a router that has said nothing
	// for two seconds has another asked, too.
	WebhookTimeout time.Duration
	// WebhookRequests bounds how many are under way. Default 64.
	WebhookRequests int

	issuers string
}

func (b *binder) logins(l *Logins) {
	b.group("Logins, where a router runs")
	b.dur(&l.PasswordMemory, "password-memory", 15*time.Minute, "`time` for which a right password is not hashed again; 0 to hash it each time")
	b.str(&l.issuers, "auth-issuers", "", "YAML `file` with those whose tokens let in, for the scheme external")
	b.str(&l.Webhook, "auth-webhook", "", "`URL` that decides about logins of -auth-webhook-schemes; empty for none")
	bindList(b, &l.WebhookSchemes, "auth-webhook-schemes", "external", "`schemes` that -auth-webhook decides about")
	b.str(&l.WebhookSecret, "auth-webhook-secret", "", "`text` that signs what -auth-webhook is asked; 16 bytes at least")
	b.dur(&l.WebhookTimeout, "auth-webhook-timeout", 1500*time.Millisecond, "`time` that -auth-webhook may take")
	b.num(&l.WebhookRequests, "auth-webhook-requests", 64, "`requests` to -auth-webhook at once")
}

func (l *Logins) validate() error {
	var c check
	c.that(l.PasswordMemory >= 0, "password-memory", "%s is less than nothing", l.PasswordMemory)
	if l.issuers != "" {
		var err error
		l.Issuers, err = readList[Issuer](l.issuers, "issuer")
		if err != nil { // a YAML error may have several lines
			c.that(false, "auth-issuers", "%s", strings.Join(strings.Fields(err.Error()), " "))
		}
		l.issuers = ""
	}
	if l.Webhook != "" {
		c.url("auth-webhook", l.Webhook, "https", "http")
		c.that(len(l.WebhookSchemes) > 0, "auth-webhook-schemes", "needs at least one scheme")
		for _, s := range l.WebhookSchemes {
			c.that(slices.Contains(schemes, s) && s != SchemeTransport, "auth-webhook-schemes", "%q is not one that it can decide about", s)
		}
		c.that(l.WebhookSecret == "" || len(l.WebhookSecret) >= 16, "auth-webhook-secret", "shorter than 16 bytes")
		c.positive("auth-webhook-timeout", l.WebhookTimeout)
		c.atLeast("auth-webhook-requests", l.WebhookRequests, 1)
	}
	return c.err
}

// External tells whether anything here decides about tokens.
func (l *Logins) External() bool {
	return len(l.Issuers) > 0 || l.decides(SchemeExternal)
}

// DecidesAboutGuests tells whether the webhook does.
func (l *Logins) DecidesAboutGuests() bool { return l.decides(SchemeGuest) }

// decides tells whether the webhook decides about logins by a scheme.
func (l *Logins) decides(s Scheme) bool {
	return l.Webhook != "" && slices.Contains(l.WebhookSchemes, s)
}
