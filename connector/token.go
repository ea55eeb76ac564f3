package connector

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

// The errors that callers branch on. Each is also what a client of LIME is told.
var (
	// ErrTaken says that the name has a token.
	ErrTaken error = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The name has a token"}
	// ErrTooMany says that there are as many tokens as there may be.
	ErrTooMany error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "There are too many tokens"}
	// ErrRate says that too many ask for a token at the same time. They may ask again.
	ErrRate error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "Too many ask for a token; try again later"}
	// ErrToken says that the token is not that of the name.
	ErrToken error = &lime.Reason{Code: lime.CodeSessionAuthenticationFailed, Description: "The token is not that of the name"}
	// ErrNotFound says that the name has no token.
	ErrNotFound error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "The name has no token"}
	// ErrHash says that a text is not the hash of a token.
	ErrHash error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "A token's hash is SHA-256 in 64 hexadecimal digits"}
)

// tokenBytes is how many random bytes a token has, in hexadecimal digits; of a longer one the rest does not count.
const tokenBytes = 32

// kept is a token's document.
type kept struct {
	ID   string    `json:"id"`   // tells it from others of the name, before and after
	Hash string    `json:"hash"` // SHA-256 of the token's text, in hexadecimal digits
	Made time.Time `json:"made"`
}

// credential is what sessions are let in by.
func (k *kept) credential() string { return "connector-token:" + k.ID }

// NewToken gives an identity its token, unless it has one. It is not kept, and cannot be told again. When it is not known whether
// it was made, Run takes it back.
func (r *Registry) NewToken(ctx context.Context, id lime.Identity) (token string, err error) {
	var text [tokenBytes]byte
	if _, err := rand.Read(text[:]); err != nil {
		return "", fmt.Errorf("make a token for %s: %w", id, err)
	}
	token = hex.EncodeToString(text[:])
	made, err := r.keep(ctx, id, hash(token), true)
	if err != nil {
		if made {
			r.TakeBack(id, token)
		}
		return "", fmt.Errorf("make a token for %s: %w", id, err)
	}
	return token, nil
}

// Import takes a token by its hash for an identity that has none.
func (r *Registry) Import(ctx context.Context, id lime.Identity, hash string) error {
	hash = strings.ToLower(hash)
	if b, err := hex.DecodeString(hash); err != nil || len(b) != sha256.Size {
		return ErrHash
	}
	if _, err := r.keep(ctx, id, hash, false); err != nil {
		return fmt.Errorf("import a token of %s: %w", id, err)
	}
	return nil
}

// keep keeps a token. After an error made tells that it may be kept all the same.
func (r *Registry) keep(ctx context.Context, id lime.Identity, hash string, limited bool) (made bool, err error) {
	key, err := document.Of(id)
	if err != nil {
		return false, err
	}
	below, err := document.Key("").Part(id.Fold().Domain)
	if err != nil {
		return false, err
	}
	// Before it is looked whether there is room: who has a token is told that, also when there is none. And it takes nothing of what
	// others may.
	switch _, err := r.bucket.Latest(ctx, key); {
	case err == nil:
		return false, ErrTaken
	case !errors.Is(err, document.ErrNotFound):
		return false, err
	case limited && !r.first.Allow():
		return false, ErrRate
	}
	if r.cfg.Tokens > 0 {
		switch room, err := r.room(below).Take(ctx); {
		case err != nil:
			return false, err
		case !room:
			return false, ErrTooMany
		}
	}
	text, err := json.Marshal(kept{ID: strings.ToLower(rand.Text()[:16]), Hash: hash, Made: time.Now().UTC().Truncate(time.Millisecond)})
	if err != nil {
		return false, err
	}
	err = r.bucket.Change(ctx, key, func(old document.Document) ([]byte, error) {
		if old.Revision > 0 {
			return nil, ErrTaken
		}
		return text, nil
	})
	if err == nil || errors.Is(err, ErrTaken) {
		return false, err
	}
	// The answer may be lost, and nothing else.
	if d, unread := r.bucket.Latest(ctx, key); unread == nil {
		if isKept(d.Value, hash) {
			return true, nil
		}
		return false, ErrTaken
	}
	return true, err
}

// Verify tells by which credential a token lets an identity in, or returns ErrToken. A session that is let in by it ends
// when the token is removed.
func (r *Registry) Verify(ctx context.Context, id lime.Identity, token string) (credential string, err error) {
	k, revision, err := r.token(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return "", ErrToken
	case err != nil:
		return "", fmt.Errorf("verify a token of %s: %w", id, err)
	}
	shown := hash(token[:min(len(token), 2*tokenBytes)])
	if subtle.ConstantTimeCompare([]byte(shown), []byte(k.Hash)) != 1 {
		return "", ErrToken
	}
	if key, err := document.Of(id); err == nil {
		r.note(key, revision, k.credential())
	}
	return k.credential(), nil
}

func (r *Registry) token(ctx context.Context, id lime.Identity) (k kept, revision uint64, err error) {
	key, err := document.Of(id)
	if err != nil {
		return k, 0, err
	}
	d, err := r.bucket.Latest(ctx, key)
	if errors.Is(err, document.ErrNotFound) {
		return k, 0, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(d.Value, &k)
	}
	return k, d.Revision, err
}

// Made tells since when an identity has a token, or returns ErrNotFound.
func (r *Registry) Made(ctx context.Context, id lime.Identity) (time.Time, error) {
	k, _, err := r.token(ctx, id)
	if err != nil {
		return time.Time{}, fmt.Errorf("find a token of %s: %w", id, err)
	}
	return k.Made, nil
}

// Remove removes the token of an identity, or returns ErrNotFound. Whoever is let in by the credential is to be cut off.
func (r *Registry) Remove(ctx context.Context, id lime.Identity) (credential string, err error) {
	key, err := document.Of(id)
	if err != nil {
		return "", err
	}
	var k kept
	_, err = r.bucket.RemoveIf(ctx, key, func(old document.Document) error {
		k = kept{}
		return json.Unmarshal(old.Value, &k)
	})
	if errors.Is(err, document.ErrNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("remove the token of %s: %w", id, err)
	}
	r.freed(key)
	return k.credential(), nil
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
