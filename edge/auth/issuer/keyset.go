package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// freshFor is how long fetched keys count without being looked at again. Those that
	// cannot be fetched then go on counting: an issuer that is away revokes nothing.
	freshFor = time.Hour
	// fetchPause is the least time between two fetches, so that tokens with made-up key
	// ids do not become a load for the issuer. A key that is new is known that much later.
	fetchPause = 10 * time.Second
	// fetchWait is how long a fetch is waited for, from its beginning. It takes as long as the
	// client's timeout lets it, but those who check tokens are few, and must not all wait for
	// the keys of tokens that somebody has made up.
	fetchWait = time.Second
	// maxKeySet bounds what an issuer may answer, in bytes, and maxKeys what is kept of it.
	maxKeySet = 1 << 20
	maxKeys   = 100
)

// keySet is the keys of one issuer.
type keySet struct {
	address string // "" when the keys are all there will be
	client  *http.Client

	ctx     context.Context // of fetches
	end     context.CancelFunc
	fetches sync.WaitGroup // one at most

	mu      sync.Mutex
	closed  bool
	keys    []jose.JSONWebKey
	fetched time.Time     // with success
	tried   time.Time     // for the last time
	trying  chan struct{} // closed when the fetch that is under way has ended; nil when none is
	failed  error         // of the last one
}

// errNoKeys says that the issuer's keys could not be fetched. That is not the client's fault.
var errNoKeys = errors.New("the issuer's keys are not known")

// errSlow says that they are being fetched still.
var errSlow = errors.New("the issuer takes long to answer")

func newKeySet(cfg *Config) *keySet {
	s := &keySet{address: cfg.JWKS, client: cfg.Client, keys: cfg.Keys}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s
}

// close ends the fetch that is under way, and waits for it. None begins any more.
func (s *keySet) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.fetches.Wait()
}

// find returns the keys that a token with that key id may be signed with; "" is any. It
// has them fetched when they are old, or have no such, and waits for that as long as fetchWait.
// Old ones count when that takes longer.
func (s *keySet) find(ctx context.Context, id string) ([]jose.JSONWebKey, error) {
	found, wait, until := s.look(id)
	if wait == nil {
		return found, s.missing(found)
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-wait:
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found = s.withLocked(id)
	if s.trying == wait && len(found) == 0 && len(s.unnamedLocked()) == 0 {
		return nil, errors.Join(errNoKeys, errSlow)
	}
	return found, s.missingLocked(found)
}

// look returns what is there, or what to wait for, and until when: a fetch that it has made
// begin, if nobody else has.
func (s *keySet) look(id string) (found []jose.JSONWebKey, wait chan struct{}, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found = s.withLocked(id)
	now := time.Now()
	old := now.Sub(s.fetched) >= freshFor
	switch {
	case s.address == "", s.closed:
		return found, nil, until
	case s.trying != nil && len(found) == 0:
		return nil, s.trying, s.tried.Add(fetchWait)
	case s.trying != nil || len(found) > 0 && !old || now.Sub(s.tried) < fetchPause:
		return found, nil, until
	}
	s.tried, s.trying = now, make(chan struct{})
	s.fetches.Go(func() { s.refresh(now, s.trying) })
	return found, s.trying, now.Add(fetchWait)
}

// refresh fetches the keys. It ends with the client's timeout at the latest.
func (s *keySet) refresh(now time.Time, done chan struct{}) {
	keys, err := fetch(s.ctx, s.client, s.address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed = err; err == nil {
		s.keys, s.fetched = keys, now
	}
	s.trying = nil
	close(done)
}

func (s *keySet) withLocked(id string) (found []jose.JSONWebKey) {
	for _, k := range s.keys {
		if id == "" || k.KeyID == id {
			found = append(found, k)
		}
	}
	return found
}

func (s *keySet) missing(found []jose.JSONWebKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.missingLocked(found)
}

// missingLocked is an error when there were never any keys, and when that what there is to be
// found may be among those that could not be fetched.
func (s *keySet) missingLocked(found []jose.JSONWebKey) error {
	if len(s.keys) > 0 && (s.failed == nil || len(found) > 0 || len(s.unnamedLocked()) > 0) {
		return nil
	}
	return errors.Join(errNoKeys, s.failed)
}

// fetch reads the keys at an address. Its time is the client's, and ends with ctx: a login
// that gives up leaves it to the others who wait.
func fetch(ctx context.Context, client *http.Client, address string) ([]jose.JSONWebKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: %s: %s", address, response.Status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fetch keys: %w", err)
	case len(text) > maxKeySet:
		return nil, fmt.Errorf("fetch keys: %s: more than %d bytes", address, maxKeySet)
	}
	keys, err := parseKeySet(text)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %s: %w", address, err)
	}
	return keys, nil
}

// parseKeySet reads a JWKS. Keys of kinds that are not known, or not for this, are left
// out: RFC 7517, section 5.
func parseKeySet(text []byte) (keys []jose.JSONWebKey, err error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, err
	}
	for _, one := range set.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(one, &k) == nil && checkKey(&k) == nil && len(keys) < maxKeys {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no public key for signatures")
	}
	return keys, nil
}

// unnamed are the keys without a key id.
func (s *keySet) unnamed() []jose.JSONWebKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unnamedLocked()
}

func (s *keySet) unnamedLocked() (found []jose.JSONWebKey) {
	for _, k := range s.keys {
		if k.KeyID == "" {
			found = append(found, k)
		}
	}
	return found
}
