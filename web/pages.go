package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

// Pages are files that are served from memory. They do not change once they are made, so that anybody may ask for
// them at any time.
type Pages struct {
	byPath map[string]*page
}

// page is one file, in the forms in which it leaves.
type page struct {
	kind  string // media type
	plain form
	gzip  form // without a body when it would be no shorter
}

// form is a body and what tells it from others.
type form struct {
	body []byte
	tag  string // ETag
}

// kinds are the media types of files, by the ends of their names.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// index is the file that is served for the folder itself.
const index = "index.html"

// New reads all files of a folder, without those in folders below it. A file of a kind that has no media type here
// is an error.
func New(folder fs.FS) (*Pages, error) {
	names, err := fs.Glob(folder, "*.*")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	p := &Pages{byPath: map[string]*page{}}
	for _, name := range names {
		body, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return nil, fmt.Errorf("web: %s: a kind of file that has no media type", name)
		}
		made, err := newPage(kind, body)
		if err != nil {
			return nil, fmt.Errorf("web: %s: %w", name, err)
		}
		if name == index {
			name = ""
		}
		p.byPath["/"+name] = made
	}
	return p, nil
}

// newPage makes the forms of a file.
func newPage(kind string, body []byte) (*page, error) {
	sum := sha256.Sum256(body)
	tag := base64.RawURLEncoding.EncodeToString(sum[:12])
	made := &page{kind: kind, plain: form{body: body, tag: `"` + tag + `"`}}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	if packed.Len() < len(body) {
		made.gzip = form{body: packed.Bytes(), tag: `"` + tag + `-gzip"`}
	}
	return made, nil
}

// policy is what browsers let a page do: to load what is served here and talk to who serves it, and nothing else. No
// text becomes markup, not even by mistake.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// always is in the head of every answer. One connection is for one answer: whoever serves pages has connections for
// something else. The first three headers of the second line are for browsers that do not know the policy.
const always = "Connection: close\r\n" +
	"X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n" +
	"Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n" +
	"Content-Security-Policy: " + policy + "\r\n"

// Answer returns the answer to a request: its status, its head from the status line to the empty line, and its body,
// nil for none. The caller ends the connection behind it, and does not change the body. It borrows r and does not
// read its body.
func (p *Pages) Answer(r *http.Request) (status int, head, body []byte) {
	made := p.byPath[r.URL.Path]
	switch {
	case made == nil:
		return text(r, http.StatusNotFound, "there is no such page\n", "Cache-Control: no-cache\r\n")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return text(r, http.StatusMethodNotAllowed, "a page can be read, and nothing else\n", "Allow: GET, HEAD\r\n")
	}
	f, coding := made.plain, ""
	if made.gzip.body != nil && takesGzip(r.Header.Values("Accept-Encoding")) {
		f, coding = made.gzip, "Content-Encoding: gzip\r\n"
	}
	// Who comes again asks whether something has changed: edges are replaced one by one, and with them the pages.
	const again = "Vary: Accept-Encoding\r\nCache-Control: no-cache\r\n"
	if matches(r.Header.Values("If-None-Match"), f.tag) {
		return http.StatusNotModified, begin(http.StatusNotModified, again, "ETag: ", f.tag, "\r\n\r\n"), nil
	}
	head = begin(http.StatusOK, again, coding, "ETag: ", f.tag, "\r\nContent-Type: ", made.kind,
		"\r\nContent-Length: ", strconv.Itoa(len(f.body)), "\r\n\r\n")
	if r.Method == http.MethodHead {
		return http.StatusOK, head, nil
	}
	return http.StatusOK, head, f.body
}

// text is an answer that is for nobody's eyes.
func text(r *http.Request, status int, what, headers string) (_ int, head, body []byte) {
	head = begin(status, headers, "Content-Type: text/plain; charset=utf-8\r\nContent-Length: ", strconv.Itoa(len(what)), "\r\n\r\n")
	if r.Method != http.MethodHead {
		body = []byte(what)
	}
	return status, head, body
}

// begin begins a head, and goes on with what is given.
func begin(status int, more ...string) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\n"+always...)
	for _, m := range more {
		b = append(b, m...)
	}
	return b
}

// takesGzip tells whether a client accepts gzip. RFC 9110, section 12.5.3; what is no weight counts as none.
func takesGzip(accepts []string) bool {
	star := false
	for _, line := range accepts {
		for one := range strings.SplitSeq(line, ",") {
			coding, parameters, _ := strings.Cut(one, ";")
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return weighs(parameters)
			case "*":
				star = weighs(parameters)
			}
		}
	}
	return star
}

// weighs tells whether a weight is above 0; it is when there is none.
func weighs(parameters string) bool {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return true
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && weight > 0
}

// matches tells whether a client has that form already. RFC 9110, section 13.1.2: weakly.
func matches(lines []string, tag string) bool {
	for _, line := range lines {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimPrefix(strings.TrimSpace(one), "W/"); one == "*" || one == tag {
				return true
			}
		}
	}
	return false
}
