package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"limegrove/document"
	"limegrove/lime"
)

// held is the token of an identity that somebody is let in by here, as far as that is known.
type held struct {
	holders    int
	round      uint64 // in which it was told last
	revision   uint64 // of what is known
	credential string // "" when there is none, or none is known
}

// Hold has it be known what becomes of an identity's token, until release is called. counts tells whether a credential counts
// that Verify has returned since then: Run learns when the token is removed. Neither blocks.
func (r *Registry) Hold(id lime.Identity) (counts func(credential string) bool, release func()) {
	key, err := document.Of(id)
	if err != nil {
		return func(string) bool { return false }, func() {}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.held[key]
	if h == nil {
		h = &held{round: r.round}
		r.held[key] = h
	}
	h.holders++
	counts = func(credential string) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return credential == h.credential
	}
	return counts, sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if h.holders--; h.holders == 0 {
			delete(r.held, key)
		}
	})
}

// note takes what the token of an identity is since a revision, and tells whether that ends what was let in by another one.
func (r *Registry) note(key document.Key, revision uint64, credential string) (ends bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.held[key]
	if h == nil {
		return false
	}
	h.round = r.round
	if revision < h.revision { // it was told late
		return false
	}
	ends = h.credential != "" && h.credential != credential
	h.revision, h.credential = revision, credential
	return ends
}

// learn takes a change. One that is news may free a place.
func (r *Registry) learn(c *document.Change, news bool) {
	credential := ""
	if !c.Removed {
		var k kept
		if json.Unmarshal(c.Value, &k) == nil { // what cannot be read lets nobody in
			credential = k.credential()
		}
	}
	if c.Removed && news {
		r.freed(c.Key)
	}
	if r.note(c.Key, c.Revision, credential) {
		r.changed()
	}
}

// recheck looks at those tokens that were not among all that there are: they were removed so long ago that nobody is told.
func (r *Registry) recheck(ctx context.Context) error {
	doubtful := map[document.Key]uint64{}
	r.mu.Lock()
	for key, h := range r.held {
		if h.round < r.round && h.revision > 0 {
			doubtful[key] = h.revision
		}
	}
	r.mu.Unlock()
	ends := false
	for key, revision := range doubtful {
		var k kept
		d, err := r.bucket.Latest(ctx, key)
		switch {
		case errors.Is(err, document.ErrNotFound):
			ends = r.note(key, revision, "") || ends
			continue
		case err != nil:
			return fmt.Errorf("look at a token that is held: %w", err)
		}
		if err := json.Unmarshal(d.Value, &k); err != nil {
			return fmt.Errorf("read a token that is held: %w", err)
		}
		ends = r.note(key, d.Revision, k.credential()) || ends
	}
	if ends {
		r.changed()
	}
	return nil
}
