package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Scheme is how a client proves who it is. The functions below make those of LIME; a
// program may make its own, for one that goes back and forth.
type Scheme struct {
	// Name is the scheme's on the wire.
	Name string

	// Authenticate returns the JSON object authentication. challenge is nil at first, and then,
	// for each round trip that the server wants, what it sent. It is called at every login, by
	// one goroutine at a time, within ctx; it may not keep challenge. An error is that of the
	// login, which is tried again.
	Authenticate func(ctx context.Context, challenge json.RawMessage) (json.RawMessage, error)
}

// Secret returns a secret whenever a login needs one, so that one that has changed or
// expired is not used again.
type Secret func(ctx context.Context) (string, error)

// Fixed is a secret that does not change.
func Fixed(secret string) Secret {
	return func(context.Context) (string, error) { return secret, nil }
}

// errCredentials matches the refusal to answer a round trip.
var errCredentials = errors.New("the scheme has no answer to a round trip")

// Guest proves nothing.
func Guest() Scheme { return oneShot("guest", nil) }

// Transport proves it by the client certificate in Config.TLS.
func Transport() Scheme { return oneShot("transport", nil) }

// Plain proves it by an account's password.
func Plain(password Secret) Scheme { return secretScheme("plain", "password", password, nil) }

// Key proves it by one of an account's API keys.
func Key(key Secret) Scheme { return secretScheme("key", "key", key, nil) }

// External proves it by a token that somebody else has issued, such as a JWT.
func External(token Secret, issuer string) Scheme {
	return secretScheme("external", "token", token, map[string]string{"issuer": issuer})
}

// secretScheme sends a secret in Base64 as a member of authentication, with what else
// is given: LIME, session.
func secretScheme(name, member string, secret Secret, rest map[string]string) Scheme {
	return oneShot(name, func(ctx context.Context) (map[string]string, error) {
		text, err := secret(ctx)
		if err != nil {
			return nil, fmt.Errorf("get the %s: %w", member, err)
		}
		all := map[string]string{member: base64.StdEncoding.EncodeToString([]byte(text))}
		for key, value := range rest {
			all[key] = value
		}
		return all, nil
	})
}

// oneShot is a scheme without round trips.
func oneShot(name string, members func(context.Context) (map[string]string, error)) Scheme {
	return Scheme{Name: name, Authenticate: func(ctx context.Context, challenge json.RawMessage) (json.RawMessage, error) {
		if challenge != nil {
			return nil, fmt.Errorf("%w: %s", errCredentials, name)
		}
		if members == nil {
			return json.RawMessage("{}"), nil
		}
		all, err := members(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(all)
	}}
}
