package edge

import (
	"bytes"
	"net/http"
	"slices"
	"strings"

	"limegrove/edge/auth"
)

// forward is which parts of the request for a WebSocket go to a router with the login.
// Together they are shorter than maxRequest.
type forward struct {
	headers []string // by their canonical names
	cookies []string
}

// newForward returns nil when there are none.
func newForward(headers, cookies []string) *forward {
	if len(headers)+len(cookies) == 0 {
		return nil
	}
	f := &forward{cookies: cookies}
	for _, name := range headers {
		f.headers = append(f.headers, http.CanonicalHeaderKey(name))
	}
	return f
}

// noter returns what takes each header, and notes in u what is to be passed on.
func (f *forward) noter(u *auth.Upgrade) func(name, value []byte) error {
	return func(name, value []byte) error {
		f.note(u, string(name), value)
		return nil
	}
}

// note notes one header. It borrows value.
func (f *forward) note(u *auth.Upgrade, name string, value []byte) {
	name = http.CanonicalHeaderKey(name)
	if slices.Contains(f.headers, name) {
		if u.Headers == nil {
			u.Headers = map[string][]string{}
		}
		u.Headers[name] = append(u.Headers[name], string(bytes.TrimSpace(value)))
	}
	if name != "Cookie" || len(f.cookies) == 0 {
		return
	}
	for pair := range strings.SplitSeq(string(value), ";") { // RFC 6265, section 4.2.1
		cookie, text, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if _, known := u.Cookies[cookie]; known || !slices.Contains(f.cookies, cookie) {
			continue
		}
		if u.Cookies == nil {
			u.Cookies = map[string]string{}
		}
		u.Cookies[cookie] = text
	}
}
