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
	policy string
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
	p := &Pages{byPath: map[string]*page{}, policy: policy}
	if err := p.add(folder, names...); err != nil {
		return nil, err
	}
	return p, nil
}

// add adds files of a folder.
func (p *Pages) add(folder fs.FS, names ...string) error {
	for _, name := range names {
		body, err := fs.ReadFile(folder, name)
		if err != nil {
			return fmt.Errorf("web: %w", err)
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return fmt.Errorf("web: %s: a kind of file that has no media type", name)
		}
		made, err := newPage(kind, body)
		if err != nil {
			return fmt.Errorf("web: %s: %w", name, err)
		}
		at := "/" + path.Base(name)
		if name == index {
			at = "/"
		}
		p.byPath[at] = made
	}
	return nil
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
var policy = policyWith("")

// policyWith also lets a page talk to an origin, and show its pictures; "" is none.
func policyWith(origin string) string {
	if origin != "" {
		origin = " " + origin
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'" + origin + "; connect-src 'self'" + origin + "; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// always is in the head of every answer, beside the policy. The first three headers of the second line are for browsers that do not know the
// policy.
var always = []string{
	"X-Content-Type-Options", "nosniff", "X-Frame-Options", "DENY", "Referrer-Policy", "no-referrer",
	"Cross-Origin-Opener-Policy", "same-origin", "Cross-Origin-Resource-Policy", "same-origin",
}

const policyHeader = "Content-Security-Policy"

// reply is an answer: headers are names and values in turn.
type reply struct {
	status  int
	headers []string
	body    []byte // nil for none
}

// Answer returns the answer to a request: its status, its head from the status line to the empty line, and its body,
// nil for none. The caller ends the connection behind it, as the head says: whoever serves pages beside sessions has
// connections for something else. The caller does not change the body. It borrows r and does not read its body.
func (p *Pages) Answer(r *http.Request) (status int, head, body []byte) {
	a := p.reply(r)
	return a.status, a.head(p.policy), a.body
}

// ServeHTTP answers a request whose path begins with that of the folder.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := p.reply(r)
	w.Header().Set(policyHeader, p.policy)
	for _, some := range [][]string{always, a.headers} {
		for i := 0; i < len(some); i += 2 {
			w.Header().Set(some[i], some[i+1])
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // who went away needs nothing
}

func (p *Pages) reply(r *http.Request) reply {
	made := p.byPath[r.URL.Path]
	switch {
	case made == nil:
		return text(r, http.StatusNotFound, "there is no such page\n", "Cache-Control", "no-cache")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return text(r, http.StatusMethodNotAllowed, "a page can be read, and nothing else\n", "Allow", "GET, HEAD")
	}
	f := made.plain
	// Who comes again asks whether something has changed: processes are replaced one by one, and with them the pages.
	headers := []string{"Vary", "Accept-Encoding", "Cache-Control", "no-cache"}
	packed := made.gzip.body != nil && takesGzip(r.Header.Values("Accept-Encoding"))
	if packed {
		f = made.gzip
	}
	headers = append(headers, "ETag", f.tag)
	if matches(r.Header.Values("If-None-Match"), f.tag) {
		return reply{http.StatusNotModified, headers, nil}
	}
	if packed {
		headers = append(headers, "Content-Encoding", "gzip")
	}
	return full(r, http.StatusOK, f.body, append(headers, "Content-Type", made.kind)...)
}

// text is an answer that is for nobody's eyes.
func text(r *http.Request, status int, what string, headers ...string) reply {
	return full(r, status, []byte(what), append(headers, "Content-Type", "text/plain; charset=utf-8")...)
}

// full is an answer with a body, unless the head alone was asked for.
func full(r *http.Request, status int, body []byte, headers ...string) reply {
	a := reply{status, append(headers, "Content-Length", strconv.Itoa(len(body))), body}
	if r.Method == http.MethodHead {
		a.body = nil
	}
	return a
}

// head is the head from the status line to the empty line.
func (a *reply) head(policy string) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(a.status)...)
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	b = append(b, "\r\nConnection: close\r\n"...)
	for _, some := range [][]string{always, {policyHeader, policy}, a.headers} {
		for i := 0; i < len(some); i += 2 {
			b = append(append(append(append(b, some[i]...), ": "...), some[i+1]...), "\r\n"...)
		}
	}
	return append(b, "\r\n"...)
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
