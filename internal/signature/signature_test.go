package signature_test

import (
	"net/http"
	"testing"
	"time"

	"limegrove/internal/signature"
)

// TestSignature has what OpenSSL says: printf '1767323045.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
func TestSignature(t *testing.T) {
	h := http.Header{}
	signature.Set(h, []byte("0123456789abcdef"), []byte(`{"a":1}`), time.Unix(1767323045, 999))
	if got := h.Get("Limegrove-Timestamp"); got != "1767323045" {
		t.Errorf("at %s", got)
	}
	if got := h.Get("Limegrove-Signature"); got != "sha256=4c32cf781f3565724c268f18d7bc9ba04dd466529b0127d152f7e9f20a8ea5e0" {
		t.Errorf("signed by %s", got)
	}
}
