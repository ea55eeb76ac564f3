package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/sirupsen/logrus"

	"limegrove/api"
	"limegrove/document"
	"limegrove/internal/complaint"
)

// KeysBucket is the name of the bucket of keys.
const KeysBucket = "apikeys"

const (
	// keySize is how many random bytes a key has. Their plain hash is what is stored: they are not to be
	// guessed, so that a slow one would keep nothing safe that this does not.
	keySize = 32

	// keyPrefix begins the text of a key, for those who look for such in what should hold none.
	keyPrefix = "lg_"

	// maxKeys is how many keys there may be. Each router has all of them in memory.
	maxKeys = 1024

	// readAgain is after what time all keys are read anew, whatever was told of changes.
	readAgain = time.Minute

	// askTimeout bounds what is asked of JetStream for one request.
	askTimeout = 5 * time.Second

	// followPause is the pause before they are read anew after an error.
	followPause = time.Second
)

// KeysConfig is what Keys are made of. JetStream is required.
type KeysConfig struct {
	JetStream jetstream.JetStream // it stays the caller's
	Replicas  int                 // of the bucket, where it is made. Default 1

	// Bootstrap is a key that is in no bucket, and has all scopes for all domains. Default none.
	Bootstrap string

	Logger logrus.FieldLogger // required
}

// BootstrapID is the id of the bootstrap key.
const BootstrapID = "bootstrap"

// Keys are the keys of the API. Its methods may be called from anywhere.
type Keys struct {
	cfg       KeysConfig
	warn      complaint.Log
	bucket    *document.Bucket
	bootstrap atomic.Pointer[[sha256.Size]byte] // nil for none

	mu    sync.RWMutex
	whole bool // known has all of them
	known map[document.Key]api.Key
}

var _ api.Keys = (*Keys)(nil)

// OpenKeys makes the bucket when it is missing. After an error of JetStream that passes it may be called
// again.
func OpenKeys(ctx context.Context, cfg KeysConfig) (*Keys, error) {
	bucket, err := document.Open(ctx, document.Config{JetStream: cfg.JetStream, Name: KeysBucket, Replicas: cfg.Replicas})
	if err != nil {
		return nil, fmt.Errorf("open the keys of the API: %w", err)
	}
	k := &Keys{cfg: cfg, warn: complaint.Log{Logger: cfg.Logger}, bucket: bucket, known: map[document.Key]api.Key{}}
	k.SetBootstrap(cfg.Bootstrap)
	return k, nil
}

// SetBootstrap puts another Bootstrap in the place of the one that there is, "" for none.
func (k *Keys) SetBootstrap(secret string) {
	if secret == "" {
		k.bootstrap.Store(nil)
		return
	}
	sum := sha256.Sum256([]byte(secret))
	k.bootstrap.Store(&sum)
}

// Run learns of the keys until ctx is done. Without it the bootstrap key is the only one that counts.
func (k *Keys) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := k.follow(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		k.warn.Warn("changes of the API's keys cannot be followed; trying on", err)
		select {
		case <-ctx.Done():
		case <-time.After(followPause):
		}
	}
}

// follow reads all keys, and takes changes for a while.
func (k *Keys) follow(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readAgain)
	defer cancel()
	fresh := map[document.Key]api.Key{} // until all are read
	return k.bucket.Follow(ctx, func(c document.Change) {
		k.mu.Lock()
		defer k.mu.Unlock()
		into := fresh
		if fresh == nil {
			into = k.known
		}
		switch {
		case c.All:
			k.known, k.whole, fresh = fresh, true, nil
		case c.Removed:
			delete(into, c.Key)
		default:
			var one api.Key
			if json.Unmarshal(c.Value, &one) == nil {
				into[c.Key] = one
			}
		}
	})
}

// place is where a key is whose text is given: under its hash.
func place(secret string) document.Key {
	sum := sha256.Sum256([]byte(secret))
	return document.Key(hex.EncodeToString(sum[:]))
}

// Verify is that of api.Keys. A key is found by its hash, of which nobody learns from how long that takes
// what the key would have to be.
func (k *Keys) Verify(secret string) (api.Key, bool, error) {
	sum := sha256.Sum256([]byte(secret))
	if own := k.bootstrap.Load(); own != nil && subtle.ConstantTimeCompare(sum[:], own[:]) == 1 {
		return bootstrap(), true, nil
	}
	k.mu.RLock()
	one, ok := k.known[document.Key(hex.EncodeToString(sum[:]))]
	whole := k.whole
	k.mu.RUnlock()
	switch {
	case !ok && !whole:
		return api.Key{}, false, api.ErrUnavailable
	case !ok, !one.Expires.IsZero() && !time.Now().Before(one.Expires):
		return api.Key{}, false, nil
	}
	return one, true, nil
}

func bootstrap() api.Key {
	return api.Key{ID: BootstrapID, Name: BootstrapID, Scopes: api.Scopes()}
}

// Add is that of api.Keys.
func (k *Keys) Add(ctx context.Context, made api.Key) (api.Key, string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, err := k.all(ctx)
	if err != nil {
		return api.Key{}, "", err
	}
	if len(all) >= maxKeys {
		return api.Key{}, "", fmt.Errorf("add a key of the API: %w", api.ErrTooMany)
	}
	random := make([]byte, keySize)
	_, _ = rand.Read(random) // it never fails
	secret := keyPrefix + base64.RawURLEncoding.EncodeToString(random)
	made.ID, made.Created = rand.Text(), time.Now().UTC().Truncate(time.Millisecond)
	value, err := json.Marshal(made)
	if err != nil {
		return api.Key{}, "", fmt.Errorf("add a key of the API: %w", err)
	}
	at := place(secret)
	err = k.bucket.Change(ctx, at, func(document.Document) ([]byte, error) { return value, nil })
	if err != nil {
		return api.Key{}, "", fmt.Errorf("add a key of the API: %w", unavailable(err))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known[at] = made // before the watch tells
	return made, secret, nil
}

// List is that of api.Keys.
func (k *Keys) List(ctx context.Context) ([]api.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, err := k.all(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]api.Key, 0, len(all))
	for _, one := range all {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b api.Key) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Revoke is that of api.Keys.
func (k *Keys) Revoke(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	all, err := k.all(ctx)
	if err != nil {
		return err
	}
	for at, one := range all {
		if one.ID != id {
			continue
		}
		if err := k.bucket.Remove(ctx, at); err != nil && !errors.Is(err, document.ErrNotFound) {
			return fmt.Errorf("revoke a key of the API: %w", unavailable(err))
		}
		k.mu.Lock()
		delete(k.known, at)
		k.mu.Unlock()
		return nil
	}
	return fmt.Errorf("revoke a key of the API: %w", api.ErrNotFound)
}

// all reads all keys from the bucket.
func (k *Keys) all(ctx context.Context) (map[document.Key]api.Key, error) {
	all := map[document.Key]api.Key{}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	whole := false
	err := k.bucket.Follow(ctx, func(c document.Change) {
		var one api.Key
		switch {
		case c.All:
			whole = true
			stop()
		case !c.Removed && !whole && json.Unmarshal(c.Value, &one) == nil:
			all[c.Key] = one
		}
	})
	if err == nil && !whole {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("list the keys of the API: %w", unavailable(err))
	}
	return all, nil
}

// unavailable marks an error of JetStream, which passes.
func unavailable(err error) error { return fmt.Errorf("%w: %w", api.ErrUnavailable, err) }
