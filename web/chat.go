package web

import (
	"embed"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"strconv"
	"strings"
)

//go:embed chat
var files embed.FS

// Files says where the chat page may send files to, and fetch them from. The zero value is nowhere: the page shows nothing of files then.
type Files struct {
	// URL is under which browsers reach /files, without a slash at its end.
	URL string
	// Size is how long a file may be, in bytes.
	Size int64
}

// noFiles is what the page says where there are none; said takes its place.
const noFiles = `<meta name="limegrove-files" content="">`

func (f Files) said() string {
	return `<meta name="limegrove-files" content="` + html.EscapeString(f.URL) + `" data-size="` + strconv.FormatInt(f.Size, 10) + `">`
}

// origin is what a policy calls the server of files; "" where it has no word for it, as for a literal address of IPv6.
// Content Security Policy Level 3, section 2.3.1.
func (f Files) origin() string {
	u, err := url.Parse(f.URL)
	if err != nil || u.Host == "" || strings.ContainsFunc(u.Host, notInPolicy) {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// notInPolicy tells what a host and its port are not made of in a policy.
func notInPolicy(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':'
}

// Chat returns the chat page: index.html of its folder is /, and every other file has its own name. Browsers let it talk to
// who serves it and to the origin of its files, and to nobody else.
func Chat(kept Files) (*Pages, error) {
	dir, err := fs.Sub(files, "chat")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	p, err := New(dir)
	origin := kept.origin()
	if err != nil || origin == "" {
		return p, err
	}
	text, err := fs.ReadFile(dir, index)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	said := strings.Replace(string(text), noFiles, kept.said(), 1)
	if p.byPath["/"], err = newPage(kinds[".html"], []byte(said)); err != nil {
		return nil, fmt.Errorf("web: %s: %w", index, err)
	}
	p.policy = policyWith(origin)
	return p, nil
}
