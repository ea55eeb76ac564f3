package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"limegrove/edge/auth"
)

// maxTTL bounds how long a grant is remembered, whatever the API says: until then one that
// it would take back lets in again.
const maxTTL = 10 * time.Minute

// cache remembers grants. Its keys are made of credentials by a key of this process, which
// is nowhere else.
type cache struct {
	secret [sha256.Size]byte

	mu     sync.Mutex
	grants map[cacheKey]kept
	order  []cacheKey // a ring: the next one takes the place of the oldest
	next   int
}

// cacheKey is HMAC-SHA256 of a question.
type cacheKey [sha256.Size]byte

type kept struct {
	grant auth.Grant
	until time.Time
}

func newCache(most int) *cache {
	c := &cache{grants: map[cacheKey]kept{}, order: make([]cacheKey, 0, most)}
	_, _ = rand.Read(c.secret[:]) // it never fails
	return c
}

// keyOf is of all that the API decides by, but for the instance and where the client comes from.
func (c *cache) keyOf(q question) (k cacheKey, err error) {
	q.Instance, q.Remote = "", ""
	text, err := json.Marshal(q)
	if err != nil {
		return k, err
	}
	defer clear(text)
	h := hmac.New(sha256.New, c.secret[:])
	h.Write(text)
	h.Sum(k[:0])
	return k, nil
}

func (c *cache) get(k cacheKey) (auth.Grant, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.grants[k]
	return g.grant, ok && time.Now().Before(g.until)
}

// put remembers a grant for a time, and no longer than it lasts.
func (c *cache) put(k cacheKey, g auth.Grant, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	until := time.Now().Add(min(ttl, maxTTL))
	if !g.Expires.IsZero() && g.Expires.Before(until) {
		until = g.Expires
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.grants[k]
	c.grants[k] = kept{g, until}
	switch {
	case known:
	case len(c.order) < cap(c.order):
		c.order = append(c.order, k)
	default:
		delete(c.grants, c.order[c.next])
		c.order[c.next] = k
		c.next = (c.next + 1) % len(c.order)
	}
}
