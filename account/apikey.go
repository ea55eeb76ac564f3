package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"limegrove/lime"
)

const (
	// MaxAPIKeys is how many keys an account may have. All are compared at a login.
	MaxAPIKeys = 32

	// MaxAPIKeyName is how many characters the name of a key may have.
	MaxAPIKeyName = 64

	// apiKeySize is how many random bytes a key has.
	apiKeySize = 32

	// usedAgain is how old the note of a key's last use may be. Each costs a write.
	usedAgain = time.Hour

	// noteTimeout bounds that write, so that a login does not wait for it longer.
	noteTimeout = 500 * time.Millisecond
)

// The errors of keys that callers branch on.
var (
	// ErrNoAPIKey says that the account has no key of that name.
	ErrNoAPIKey error = &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: "The account has no key of that name"}

	// ErrAPIKeyExists says that the account has a key of that name.
	ErrAPIKeyExists error = &lime.Reason{Code: lime.CodeCommandNotAllowed, Description: "The account has a key of that name already"}

	// ErrTooManyAPIKeys says that the account has MaxAPIKeys.
	ErrTooManyAPIKeys error = &lime.Reason{Code: lime.CodeAuthorizationQuotaThresholdExceeded, Description: "The account has 32 keys already"}

	// ErrAPIKeyName says that a key cannot have that name.
	ErrAPIKeyName error = &lime.Reason{Code: lime.CodeCommandInvalidArgument, Description: "A key's name has 1 to 64 letters, digits, dots, hyphens and underscores"}
)

// APIKey is what is known of a key of an account, but for the key itself.
type APIKey struct {
	ID       string    `json:"id"`   // another one for each key that there ever was
	Name     string    `json:"name"` // one of its kind in the account, in any case
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"lastUsed,omitzero"` // to the hour
}

// storedKey is a key as it lies in the bucket.
//
// Its hash is plain SHA-256. What slow and salted hashes are for, that people choose
// passwords which can be guessed, is not the case for 256 random bits; and a hash that
// needs a secret of all routers besides would keep nothing safe that this does not. So
// a login by key costs a look-up and no more.
type storedKey struct {
	APIKey
	Hash []byte `json:"hash"`
}

// AddKey makes a key of that name for an account, and returns it with its secret,
// which is nowhere else. Nobody may choose a secret: that it is random is what its
// hash relies on.
func (s *Store) AddKey(ctx context.Context, id lime.Identity, name string) (k APIKey, secret string, err error) {
	if !isKeyName(name) {
		return APIKey{}, "", fmt.Errorf("add a key to %s: %w", id, ErrAPIKeyName)
	}
	random := make([]byte, apiKeySize)
	_, _ = rand.Read(random) // it never fails
	hash := sha256.Sum256(random)
	made := storedKey{APIKey{ID: rand.Text(), Name: name, Created: time.Now().UTC().Truncate(time.Millisecond)}, hash[:]}
	err = s.alter(ctx, id, func(r *record) error {
		switch {
		case r.findKey(name) >= 0:
			return ErrAPIKeyExists
		case len(r.keys) >= MaxAPIKeys:
			return ErrTooManyAPIKeys
		}
		r.keys = append(r.keys, made)
		return nil
	})
	if err != nil {
		return APIKey{}, "", fmt.Errorf("add a key to %s: %w", id, err)
	}
	return made.APIKey, base64.StdEncoding.EncodeToString(random), nil
}

// Keys returns the keys of an account, the oldest first, or ErrNotFound.
func (s *Store) Keys(ctx context.Context, id lime.Identity) ([]APIKey, error) {
	r, err := s.read(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list the keys of %s: %w", id, err)
	}
	all := make([]APIKey, len(r.keys))
	for i, k := range r.keys {
		all[i] = k.APIKey
	}
	return all, nil
}

// RemoveKey revokes a key, and returns it. Sessions that were let in by it are not
// ended by that.
func (s *Store) RemoveKey(ctx context.Context, id lime.Identity, name string) (k APIKey, err error) {
	err = s.alter(ctx, id, func(r *record) error {
		i := r.findKey(name)
		if i < 0 {
			return ErrNoAPIKey
		}
		k = r.keys[i].APIKey
		r.keys = slices.Delete(r.keys, i, i+1)
		return nil
	})
	if err != nil {
		return APIKey{}, fmt.Errorf("revoke a key of %s: %w", id, err)
	}
	return k, nil
}

// VerifyKey returns the key of the account that given is, decoded from Base64 once,
// and ErrCredentials when it has none such. It borrows given.
//
// An unknown name, one without keys and a wrong key cost the same: one look-up and as
// many comparisons as an account can have keys (L-SES-16).
func (s *Store) VerifyKey(ctx context.Context, id lime.Identity, given []byte) (APIKey, error) {
	k, err := s.verifyKey(ctx, id, given)
	s.stats.keyVerified(err)
	if err != nil {
		return APIKey{}, fmt.Errorf("verify a key of %s: %w", id, err)
	}
	return k, nil
}

func (s *Store) verifyKey(ctx context.Context, id lime.Identity, given []byte) (APIKey, error) {
	r, err := s.read(ctx, id)
	if err != nil && lime.AsReason(err) == nil {
		return APIKey{}, err
	}
	hash := sha256.Sum256(random(given))
	found := -1
	for i := range MaxAPIKeys {
		var stored [sha256.Size]byte // of no key
		if i < len(r.keys) {
			copy(stored[:], r.keys[i].Hash)
		}
		if subtle.ConstantTimeCompare(stored[:], hash[:]) == 1 && i < len(r.keys) {
			found = i
		}
	}
	if found < 0 {
		return APIKey{}, ErrCredentials
	}
	k := r.keys[found].APIKey
	if time.Since(k.LastUsed) > usedAgain {
		s.noteUse(ctx, id, k)
	}
	return k, nil
}

// random returns the bytes of a key as it was given. Some libraries encode whatever
// they are given, also what is encoded already.
func random(given []byte) []byte {
	if len(given) == base64.StdEncoding.EncodedLen(apiKeySize) {
		if twice, err := base64.StdEncoding.AppendDecode(nil, given); err == nil {
			return twice
		}
	}
	return given
}

// noteUse notes that a key was used just now. A login does not fail for it: of many at
// once one notes it, and one that cannot is counted.
func (s *Store) noteUse(ctx context.Context, id lime.Identity, k APIKey) {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	now := time.Now().UTC().Truncate(time.Second)
	err := s.alter(ctx, id, func(r *record) error {
		i := slices.IndexFunc(r.keys, func(o storedKey) bool { return o.ID == k.ID })
		if i < 0 || now.Sub(r.keys[i].LastUsed) <= usedAgain {
			return errNoted
		}
		r.keys[i].LastUsed = now
		return nil
	})
	if err != nil && !errors.Is(err, errNoted) {
		s.stats.unnoted.Inc()
	}
}

// errNoted says that somebody else has noted a use, or that the key is gone.
var errNoted = errors.New("noted already")

func (r *record) findKey(name string) int {
	return slices.IndexFunc(r.keys, func(k storedKey) bool { return strings.EqualFold(k.Name, name) })
}

func isKeyName(s string) bool {
	return s != "" && len(s) <= MaxAPIKeyName && s != "." && s != ".." && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	})
}
