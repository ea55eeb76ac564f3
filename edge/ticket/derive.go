package ticket

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

// derive makes the key of a period: RFC 5869.
func derive(secret []byte, period int64) (key [32]byte, err error) {
	b, err := hkdf.Key(sha256.New, secret, nil, fmt.Sprintf("limegrove TLS session ticket %d", period), len(key))
	if err != nil {
		return key, fmt.Errorf("ticket: %w", err)
	}
	return [32]byte(b), nil
}
