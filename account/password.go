package account

import "github.com/alexedwards/argon2id"

// MaxPassword is how many bytes a password may have; it has at least one.
const MaxPassword = 1024

// Hasher turns passwords into hashes that say themselves how they were made.
// A single Hasher is used by many goroutines at once.
type Hasher interface {
	// Hash borrows password and salts it, so that the result differs each time.
	Hash(password []byte) (hash string, err error)

	// Matches borrows password and tells whether hash was made of it. It does
	// the same work in either case.
	Matches(password []byte, hash string) (bool, error)
}

// argon2 is the default Hasher: Argon2id in the PHC string format.
type argon2 struct{}

// params are the OWASP Password Storage Cheat Sheet's for Argon2id with little
// memory: 19 MiB, two passes, one lane. A stored hash names its own, so that
// they can be raised; but then a login with an older hash takes another time
// than one with an unknown name, until the password is set anew.
var params = argon2id.Params{
	Memory:      19 << 10, // KiB
	Iterations:  2,
	Parallelism: 1,
	SaltLength:  16,
	KeyLength:   32,
}

// Hash is that of Hasher.
func (argon2) Hash(password []byte) (string, error) {
	p := params
	return argon2id.CreateHash(string(password), &p)
}

// Matches is that of Hasher.
func (argon2) Matches(password []byte, hash string) (bool, error) {
	return argon2id.ComparePasswordAndHash(string(password), hash)
}
