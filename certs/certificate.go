package certs

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"limegrove/lime"
)

// Certificate is what is known of one that an identity has, or had.
type Certificate struct {
	Identity    lime.Identity `json:"identity"`
	Serial      Serial        `json:"serial"`
	Fingerprint string        `json:"fingerprint"`         // see [Fingerprint]
	Authority   string        `json:"authority,omitempty"` // see [Authority.ID]; "" for one that is signed by itself
	KeyHash     string        `json:"keyHash,omitempty"`   // SHA-256 of its public key, in lower-case hexadecimal digits
	Issued      time.Time     `json:"issued"`
	Expires     time.Time     `json:"expires"`
	Revoked     time.Time     `json:"revoked,omitzero"`
}

// describe tells of a certificate what is kept.
func describe(i lime.Identity, c *x509.Certificate, by *Authority) Certificate {
	known := Certificate{
		Identity: i, Serial: SerialOf(c), Fingerprint: Fingerprint(c), Issued: time.Now().UTC().Truncate(time.Second), Expires: c.NotAfter.UTC(),
	}
	known.KeyHash = hashOf(c.RawSubjectPublicKeyInfo)
	if by != nil {
		known.Authority = by.ID()
	}
	return known
}

func hashOf(public []byte) string {
	sum := sha256.Sum256(public)
	return hex.EncodeToString(sum[:])
}

// KeyHash is how a key is known of which there is a certificate: see [Certificate].
func KeyHash(public crypto.PublicKey) (string, error) {
	text, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("know a key: %w", err)
	}
	return hashOf(text), nil
}

// Good tells whether the certificate counts at a time.
func (c *Certificate) Good(now time.Time) bool { return c.Revoked.IsZero() && now.Before(c.Expires) }

// holder is the document of an identity. It is there as long as the identity is taken.
type holder struct {
	// Free says that the operator gives the name to whoever asks for it first, though somebody had it.
	Free         bool          `json:"free,omitempty"`
	Certificates []Certificate `json:"certificates"`
}

// MaxEach is how many certificates that count an identity may have: a client that renews its own has two for a while.
const MaxEach = 8

// good is how many of them count.
func (h *holder) good(now time.Time) (n int) {
	for i := range h.Certificates {
		if h.Certificates[i].Good(now) {
			n++
		}
	}
	return n
}

// isOf tells whether one that counts is of a key: then whoever asks with that is its holder, and asks again because the answer was lost.
func (h *holder) isOf(keyHash string, now time.Time) bool {
	return slices.ContainsFunc(h.Certificates, func(c Certificate) bool { return c.KeyHash == keyHash && c.Good(now) })
}

// lapseAfter is how long the last certificate of a name has to be over before another one has it: clocks may differ.
const lapseAfter = time.Hour

// lapsed tells whether all of them are over.
func (h *holder) lapsed(now time.Time) bool {
	return len(h.Certificates) > 0 && !slices.ContainsFunc(h.Certificates, func(c Certificate) bool { return now.Sub(c.Expires) < lapseAfter })
}

// tidy forgets those that have expired, but the last: it tells since when nobody has the name.
func (h *holder) tidy(now time.Time) {
	last := len(h.Certificates) - 1
	n := -1
	h.Certificates = slices.DeleteFunc(h.Certificates, func(c Certificate) bool {
		n++
		return n != last && !now.Before(c.Expires)
	})
}

// lastRevoked is when one was revoked last.
func (h *holder) lastRevoked() (last time.Time) {
	for i := range h.Certificates {
		if at := h.Certificates[i].Revoked; at.After(last) {
			last = at
		}
	}
	return last
}
