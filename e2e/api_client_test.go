package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// bootstrapKey is the key of -api-key in these tests.
const bootstrapKey = "bootstrap-key-of-the-tests"

// caller is a platform's own backend at one router.
type caller struct {
	t   testing.TB
	at  *process
	url string
	key string
}

// startBackend starts one more router, with an API.
func (c *cluster) startBackend(t testing.TB, id string, flags ...string) *caller {
	t.Helper()
	args := c.shared(id, append(flags, "-gossip", address(0), "-join", c.gossip, "-api", address(0), "-api-key", bootstrapKey)...)
	p := startProcess(t, id, t.TempDir(), routerProgram, args...)
	where := p.wantPrinted(t, `the HTTP API serves" address="([^"]+)"`)
	p.wantPrinted(t, "the router works")
	return &caller{t, p, "http://" + where[1], bootstrapKey}
}

// said is an answer.
type said struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// do makes a request. The body is JSON, "" for none.
func (b *caller) do(method, path, body string, headers ...string) (a said, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, b.url+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Close = true // no connection outlives the test
	r.Header.Set("Authorization", "Bearer "+b.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	a = said{status: response.StatusCode, header: response.Header, text: string(text)}
	if len(text) > 0 {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(&a.body)
	}
	return a, err
}

// want makes a request and wants a status.
func (b *caller) want(what string, status int, method, path, body string, headers ...string) said {
	b.t.Helper()
	a, err := b.do(method, path, body, headers...)
	if err != nil || a.status != status {
		b.t.Fatalf("%s: %s %s at %s: %d %s %v, want %d", what, method, path, b.at.name, a.status, a.text, err, status)
	}
	return a
}

// posts wants a status of a POST of JSON.
func (b *caller) posts(what string, status int, path, body string, headers ...string) said {
	b.t.Helper()
	return b.want(what, status, http.MethodPost, path, body, headers...)
}

// begins makes a POST, and returns what hands out its answer.
func (b *caller) begins(path, body string) func(what string, status int) said {
	type result struct {
		said
		err error
	}
	done := make(chan result, 1)
	go func() {
		a, err := b.do(http.MethodPost, path, body)
		done <- result{a, err}
	}()
	return func(what string, status int) said {
		b.t.Helper()
		r := <-done
		if r.err != nil || r.status != status {
			b.t.Fatalf("%s: %d %s %v, want %d", what, r.status, r.text, r.err, status)
		}
		return r.said
	}
}

// message is the body of one.
func message(to, text, more string) string {
	return fmt.Sprintf(`{"to":%q,"type":"text/plain","content":%q%s}`, to, text, more)
}
