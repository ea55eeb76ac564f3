package hightemplar

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
)

// Header is one that the API is sent about a client. A source without a value leaves it out.
type Header struct {
	Name string // canonical
	from source
	key  string // where its value is, or the value
}

// source is where the value of a header comes from.
type source string

const (
	fromHeader source = "header" // of the client's request
	fromParam  source = "param"  // of its query
	fromCookie source = "cookie"
	fromFixed  source = "fixed" // nowhere: it is always the same
)

// errHeader is the one about a text of no header.
var errHeader = errors.New("no Name=source:key with a source of header, param, cookie or fixed")

// ParseHeader returns the header of a text, such as X-Session-Token=param:session_token. An error does not repeat the text,
// which may have a secret.
func ParseHeader(text string) (h Header, err error) {
	name, value, ok := strings.Cut(text, "=")
	from, key, is := strings.Cut(value, ":")
	h = Header{Name: textproto.CanonicalMIMEHeaderKey(name), from: source(from), key: key}
	switch h.from {
	case fromHeader, fromParam, fromCookie, fromFixed:
	default:
		ok = false
	}
	switch h.Name {
	case "Host", "Connection", "Upgrade", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Content-Length":
		return Header{}, fmt.Errorf("%w: the call has its own %s", errHeader, h.Name)
	}
	if !ok || !is || key == "" || !isToken(name) || h.from == fromFixed && !sendable(key) {
		return Header{}, errHeader
	}
	return h, nil
}

// usual are the headers that the original sends: H-02, H-03, H-04. That the client has sent
// any other, or an Authorization of its own, is nothing to the API.
func usual() []Header {
	return []Header{
		{"Cookie", fromHeader, "Cookie"},
		{"User-Agent", fromHeader, "User-Agent"},
		{"X-Real-Ip", fromHeader, "X-Real-Ip"},
		{"X-Csrftoken", fromCookie, "csrftoken"},
	}
}

// headers are those that the API is sent about the client of a request: H-05.
func (c *Config) headers(r *http.Request) http.Header {
	all := http.Header{}
	query := r.URL.Query()
	if token := query.Get("token"); token != "" && sendable(token) {
		all.Set("Authorization", "Token "+token)
	}
	for _, h := range append(usual(), c.Headers...) {
		var value string
		switch h.from {
		case fromHeader:
			value = strings.Join(r.Header.Values(h.key), joint(h.key))
		case fromParam:
			value = query.Get(h.key)
		case fromCookie:
			if cookie, err := r.Cookie(h.key); err == nil {
				value = cookie.Value
			}
		case fromFixed:
			value = h.key
		}
		all.Del(h.Name)
		if value != "" && sendable(value) {
			all.Set(h.Name, value)
		}
	}
	return all
}

// joint is what several headers of a name are joined by. RFC 9113, section 8.2.3.
func joint(name string) string {
	if strings.EqualFold(name, "Cookie") {
		return "; "
	}
	return ", "
}

// isToken tells whether a text may be the name of a header. RFC 9110, section 5.6.2.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

// sendable tells whether a text may be the value of a header: it ends no line.
func sendable(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// keepCookies makes the cookies that the API sets those of its later calls.
func keepCookies(headers, answer http.Header) {
	set := (&http.Response{Header: answer}).Cookies()
	if len(set) == 0 {
		return
	}
	kept := (&http.Request{Header: http.Header{"Cookie": headers.Values("Cookie")}}).Cookies()
	jar := http.Request{Header: http.Header{}}
	for _, c := range kept {
		if !holds(set, c.Name) {
			jar.AddCookie(c)
		}
	}
	for _, c := range set {
		if c.MaxAge >= 0 { // else it is taken back
			jar.AddCookie(c)
		}
	}
	headers.Del("Cookie")
	if text := jar.Header.Get("Cookie"); text != "" {
		headers.Set("Cookie", text)
	}
}

func holds(all []*http.Cookie, name string) bool {
	for _, c := range all {
		if c.Name == name {
			return true
		}
	}
	return false
}
