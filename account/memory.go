package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// memory knows which passwords have matched which hashes a moment ago, so that those who
// come back, as all of an edge do after it was replaced, are not hashed for again. Slow
// hashes keep passwords safe that were stolen from the store; nothing here is stored.
//
// What is known is HMAC-SHA256, by a key that is as old as this process and random, of
// the stored hash and the password that has matched it. So a new password, which has
// another hash, makes it void, and it says nothing to who does not have the key. That is
// less than a hash of Argon2id would keep from who reads this process's memory, for those
// who have logged in within the time; but that one reads the passwords of all who log in.
type memory struct {
	key  [sha256.Size]byte
	keep time.Duration // from the match that was computed; what was found is not kept longer

	mu    sync.Mutex
	until map[match]time.Time
	order []match // a ring of those in until; the next one takes the place of the oldest
	next  int
}

// match is that a password fits a hash.
type match [sha256.Size]byte

// newMemory knows so many matches at most, each for a time. Less than one is none.
func newMemory(most int, keep time.Duration) *memory {
	if most <= 0 || keep <= 0 {
		return nil
	}
	m := &memory{keep: keep, until: map[match]time.Time{}, order: make([]match, 0, most)}
	_, _ = rand.Read(m.key[:]) // it never fails
	return m
}

// knows tells whether the password was found to match hash. It borrows password.
func (m *memory) knows(hash string, password []byte) bool {
	if m == nil {
		return false
	}
	one := m.of(hash, password)
	m.mu.Lock()
	defer m.mu.Unlock()
	until, ok := m.until[one]
	return ok && time.Now().Before(until)
}

// note notes that the password matches hash. It borrows password.
func (m *memory) note(hash string, password []byte) {
	if m == nil {
		return
	}
	one := m.of(hash, password)
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.until[one]
	m.until[one] = time.Now().Add(m.keep)
	switch {
	case known:
	case len(m.order) < cap(m.order):
		m.order = append(m.order, one)
	default:
		delete(m.until, m.order[m.next])
		m.order[m.next] = one
		m.next = (m.next + 1) % len(m.order)
	}
}

func (m *memory) of(hash string, password []byte) (one match) {
	h := hmac.New(sha256.New, m.key[:])
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(hash)))
	h.Write(length[:])
	h.Write([]byte(hash))
	h.Write(password)
	h.Sum(one[:0])
	return one
}
