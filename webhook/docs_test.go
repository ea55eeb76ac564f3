package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"limegrove/event"
	"limegrove/internal/signature"
)

// verify tells whether a request is ours, and not one of long ago.
func verify(r *http.Request, body, secret []byte) bool {
	at, err := strconv.ParseInt(r.Header.Get("Limegrove-Timestamp"), 10, 64)
	if err != nil || time.Since(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write(fmt.Appendf(nil, "%d.%s", at, body))
	want := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(r.Header.Get("Limegrove-Signature")))
}

func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestExamplesOfEventsAreEvents(t *testing.T) {
	all, err := event.ParseTypes([]string{event.All})
	if err != nil {
		t.Fatal(err)
	}
	missing := map[event.Type]bool{}
	for _, one := range all {
		missing[one] = true
	}
	delete(missing, event.RoomLeft) // is like the other
	for i, part := range strings.Split(documented(t), "```json\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		var e event.Event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatalf("example %d: %v", i, err)
		}
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := e.MarshalJSON(); err != nil || string(got) != want.String() {
			t.Errorf("example %d is\n%s, %v, and is written\n%s", i, want.String(), err, got)
		}
		delete(missing, e.Type)
	}
	if len(missing) > 0 {
		t.Errorf("there is no example of %v", missing)
	}
}

func TestDocumentedVerification(t *testing.T) {
	own, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(documented(t), "```go\n")
	if text, _, _ = strings.Cut(text, "```"); text == "" || !bytes.Contains(own, []byte(text)) {
		t.Error("what is documented is not what is tested")
	}
	body, secret := []byte(`{"events":[]}`), []byte("0123456789abcdef")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	signature.Set(r.Header, secret, body, time.Now())
	if !verify(r, body, secret) || verify(r, body[1:], secret) || verify(r, body, secret[1:]) {
		t.Error("what is ours is not told from what is not")
	}
	signature.Set(r.Header, secret, body, time.Now().Add(-time.Hour))
	if verify(r, body, secret) {
		t.Error("an old one is believed")
	}
}
