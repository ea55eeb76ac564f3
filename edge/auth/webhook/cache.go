package webhook

import (
	"encoding/json"
	"time"

	"limegrove/edge/auth"
	"limegrove/internal/recent"
)

// maxTTL bounds how long a grant is remembered, whatever the API says: until then one that
// it would take back lets in again.
const maxTTL = 10 * time.Minute

// cache remembers grants.
type cache struct{ *recent.Answers[auth.Grant] }

func newCache(most int) cache { return cache{recent.New[auth.Grant](most)} }

// keyOf is of all that the API decides by, but for the instance and where the client comes from.
func (c cache) keyOf(q question) (k recent.Key, err error) {
	q.Instance, q.Remote = "", ""
	text, err := json.Marshal(q)
	if err != nil {
		return k, err
	}
	defer clear(text)
	return c.KeyOf(text), nil
}

// remember remembers a grant for a time, and no longer than it lasts.
func (c cache) remember(k recent.Key, g auth.Grant, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	until := time.Now().Add(min(ttl, maxTTL))
	if !g.Expires.IsZero() && g.Expires.Before(until) {
		until = g.Expires
	}
	c.Put(k, g, until)
}
