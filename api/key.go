package api

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Scope is a part of what the API does.
type Scope string

// The scopes.
const (
	ScopeSend     Scope = "send"     // messages and notifications to anybody but groups
	ScopeCommands Scope = "commands" // any LIME command in the name of any identity of the domain
	ScopeRooms    Scope = "rooms"    // publish to rooms
	ScopeGroups   Scope = "groups"   // messages to groups
	ScopePresence Scope = "presence" // see presence and sessions
	ScopeSessions Scope = "sessions" // end sessions
	ScopeGrants   Scope = "grants"   // what identities may do with rooms
	ScopeInbox    Scope = "inbox"    // read and purge inboxes
	ScopeAccounts Scope = "accounts" // accounts and their keys
	ScopeKeys     Scope = "keys"     // keys of this API
	ScopeWebhooks Scope = "webhooks" // how endpoints do, and what they did not take

	ScopeConnectors Scope = "connectors" // who of the connectors of aioconnectors is let in, and how
)

// Scopes are all of them.
func Scopes() []Scope {
	return []Scope{
		ScopeSend, ScopeCommands, ScopeRooms, ScopeGroups, ScopePresence, ScopeSessions, ScopeGrants, ScopeInbox, ScopeAccounts, ScopeKeys,
		ScopeWebhooks, ScopeConnectors,
	}
}

// Key is what is known of a key, but for the key itself.
type Key struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Scopes  []Scope   `json:"scopes"`  // empty for none
	Domains []string  `json:"domains"` // in lower case; empty for all that are served
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"` // zero for never
}

// Keys is where keys are kept.
type Keys interface {
	// Verify returns the key that a text is, and false when it is none, or none any more. It does not
	// block. ErrUnavailable says that nobody can tell yet.
	Verify(secret string) (Key, bool, error)
	// Add makes a key, whose ID and Created it sets, and returns the text of it, which is nowhere else.
	// ErrTooMany says that there are as many as there may be.
	Add(ctx context.Context, k Key) (made Key, secret string, err error)
	// List returns all keys, the oldest first.
	List(ctx context.Context) ([]Key, error)
	// Revoke ends a key, here at once and within seconds everywhere, or returns ErrNotFound.
	Revoke(ctx context.Context, id string) error
}

// May tells whether the key has a scope.
func (k *Key) May(s Scope) bool { return slices.Contains(k.Scopes, s) }

// For tells whether the key is for a domain.
func (k *Key) For(domain string) bool {
	return len(k.Domains) == 0 || slices.ContainsFunc(k.Domains, func(d string) bool { return strings.EqualFold(d, domain) })
}

// within tells whether k can do nothing that another key cannot.
func (k *Key) within(of *Key) bool {
	for _, s := range k.Scopes {
		if !of.May(s) {
			return false
		}
	}
	if len(of.Domains) > 0 && len(k.Domains) == 0 {
		return false
	}
	for _, d := range k.Domains {
		if !of.For(d) {
			return false
		}
	}
	return true
}

type callerKey struct{}

// CallerOf is the key of a request that a mounted handler is given.
func CallerOf(ctx context.Context) Key {
	k, _ := ctx.Value(callerKey{}).(Key)
	return k
}
