package account

import (
	"time"

	"limegrove/internal/recent"
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
	matches *recent.Answers[struct{}]
	keep    time.Duration // from the match that was computed; what was found is not kept longer
}

// newMemory knows so many matches at most, each for a time. Less than one is none.
func newMemory(most int, keep time.Duration) *memory {
	if most <= 0 || keep <= 0 {
		return nil
	}
	return &memory{recent.New[struct{}](most), keep}
}

// knows tells whether the password was found to match hash. It borrows password.
func (m *memory) knows(hash string, password []byte) bool {
	if m == nil {
		return false
	}
	_, ok := m.matches.Get(m.of(hash, password))
	return ok
}

// note notes that the password matches hash. It borrows password.
func (m *memory) note(hash string, password []byte) {
	if m == nil {
		return
	}
	m.matches.Put(m.of(hash, password), struct{}{}, time.Now().Add(m.keep))
}

func (m *memory) of(hash string, password []byte) recent.Key {
	return m.matches.KeyOf([]byte(hash), password)
}
