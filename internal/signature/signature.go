// Package signature says to an API of the platform who asks, and when, so that it knows its
// cluster and answers nobody who has recorded a request.
package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// The headers that Set sets.
const (
	TimestampHeader = "Limegrove-Timestamp" // seconds since 1970
	SignatureHeader = "Limegrove-Signature" // sha256= and the hexadecimal HMAC-SHA256 of the timestamp, a dot and the body
)

// Set signs a request's body. It borrows all of them.
func Set(header http.Header, secret, body []byte, now time.Time) {
	at := strconv.FormatInt(now.Unix(), 10)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(at + "."))
	h.Write(body)
	header.Set(TimestampHeader, at)
	header.Set(SignatureHeader, "sha256="+hex.EncodeToString(h.Sum(nil)))
}
