// Package recent remembers a bounded number of answers to questions that hold secrets, each
// until its time. Of a question only a key is kept: HMAC-SHA256 by a secret of this process,
// which is nowhere else, so that what is remembered says nothing to who does not have that.
package recent

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// Key stands for a question.
type Key [sha256.Size]byte

// Answers are what is remembered. Its methods may be called by several goroutines.
type Answers[V any] struct {
	secret [sha256.Size]byte

	mu    sync.Mutex
	known map[Key]answer[V]
	order []Key // a ring of those in known: the next one takes the place of the oldest
	next  int
}

type answer[V any] struct {
	value V
	until time.Time
}

// New remembers so many answers at most, one at least.
func New[V any](most int) *Answers[V] {
	a := &Answers[V]{known: map[Key]answer[V]{}, order: make([]Key, 0, max(most, 1))}
	_, _ = rand.Read(a.secret[:]) // it never fails
	return a
}

// KeyOf returns the key of a question in parts, which it borrows. Other parts with the
// same text together have another one.
func (a *Answers[V]) KeyOf(parts ...[]byte) (k Key) {
	h := hmac.New(sha256.New, a.secret[:])
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write(p)
	}
	h.Sum(k[:0])
	return k
}

// Get returns the answer, if there is one whose time is not over.
func (a *Answers[V]) Get(k Key) (v V, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one, ok := a.known[k]
	if !ok || !time.Now().Before(one.until) {
		return v, false
	}
	return one.value, true
}

// Put remembers an answer until a time. When there is no room the oldest is forgotten.
func (a *Answers[V]) Put(k Key, v V, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, known := a.known[k]
	a.known[k] = answer[V]{v, until}
	switch {
	case known:
	case len(a.order) < cap(a.order):
		a.order = append(a.order, k)
	default:
		delete(a.known, a.order[a.next])
		a.order[a.next] = k
		a.next = (a.next + 1) % len(a.order)
	}
}
