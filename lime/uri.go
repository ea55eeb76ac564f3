package lime

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// URI names a resource: /path?query of the requester, or
// lime://owner/path?query of somebody else.
type URI struct {
	// Owner has only a domain in a directory of that domain. It is zero in a
	// relative URI, which belongs to the identity in the envelope's from.
	Owner Identity

	// Path has the segments between the slashes, unescaped, in the sender's
	// spelling; none of them is empty. It is empty for / itself.
	Path []string

	// Query is nil when there is none.
	Query url.Values
}

// What can be wrong with a URI. Shared, and never changed.
var (
	badScheme = &Reason{CodeValidationInvalidURI, "The URI is neither relative nor lime://"}
	badOwner  = &Reason{CodeValidationInvalidURI, "The URI's owner is no identity"}
	badPath   = &Reason{CodeValidationInvalidURI, "The URI's path is malformed"}
	badQuery  = &Reason{CodeValidationInvalidURI, "The URI's query is malformed"}
)

// ParseURI parses s. One slash at the end of the path is cut off. An error is
// a *Reason with CodeValidationInvalidURI.
func ParseURI(s string) (URI, error) {
	var u URI
	path, query, _ := strings.Cut(s, "?")
	const scheme = "lime://"
	switch {
	case strings.HasPrefix(path, "/"):
	case len(path) >= len(scheme) && strings.EqualFold(path[:len(scheme)], scheme):
		owner, rest, slash := strings.Cut(path[len(scheme):], "/")
		var err error
		if u.Owner, err = parseOwner(owner); err != nil {
			return URI{}, badOwner
		}
		path = ""
		if slash {
			path = "/" + rest
		}
	default:
		return URI{}, badScheme
	}
	if path = strings.TrimSuffix(path, "/"); path != "" {
		for segment := range strings.SplitSeq(path[1:], "/") {
			segment, ok := unescape(segment)
			if !ok || segment == "." || segment == ".." {
				return URI{}, badPath
			}
			u.Path = append(u.Path, segment)
		}
	}
	if query != "" {
		var err error
		if u.Query, err = url.ParseQuery(query); err != nil {
			return URI{}, badQuery
		}
	}
	return u, nil
}

// parseOwner parses the authority of a URI. Here a bare word is a domain.
func parseOwner(s string) (Identity, error) {
	s, ok := unescape(s)
	if !ok {
		return Identity{}, badOwner
	}
	if !strings.Contains(s, "@") {
		s = "@" + s
	}
	return ParseIdentity(s)
}

// unescape decodes the percent-escapes of s, and refuses what is empty or
// could not stand in an address either.
func unescape(s string) (string, bool) {
	s, err := url.PathUnescape(s)
	ok := err == nil && s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
	return s, ok
}

// String returns the URI with what needs it escaped, and the query sorted by
// name.
func (u URI) String() string {
	var b strings.Builder
	if !u.Owner.IsZero() {
		b.WriteString("lime://")
		if u.Owner.Name != "" {
			b.WriteString(url.PathEscape(u.Owner.Name))
			b.WriteByte('@')
		}
		b.WriteString(url.PathEscape(u.Owner.Domain))
	}
	for _, segment := range u.Path {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(segment))
	}
	if len(u.Path) == 0 {
		b.WriteByte('/')
	}
	if len(u.Query) > 0 {
		b.WriteByte('?')
		b.WriteString(u.Query.Encode())
	}
	return b.String()
}

// HasPath tells whether the path is the one given, such as "/contacts", in
// whatever case. What is given has no escapes.
func (u URI) HasPath(path string) bool {
	i := 0
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if segment == "" && i == 0 {
			break
		}
		if i == len(u.Path) || !strings.EqualFold(u.Path[i], segment) {
			return false
		}
		i++
	}
	return i == len(u.Path)
}

// EqualFold tells whether u and v name the same resource: the path and the
// query are compared without regard to case, as the reference implementation
// does.
func (u URI) EqualFold(v URI) bool {
	if !u.Owner.EqualFold(v.Owner) || len(u.Path) != len(v.Path) {
		return false
	}
	for i := range u.Path {
		if !strings.EqualFold(u.Path[i], v.Path[i]) {
			return false
		}
	}
	return strings.EqualFold(u.Query.Encode(), v.Query.Encode())
}

// Param returns the first value of the query's name, also when it is written
// with the dollar that some clients put before it: take or $take (L-RES-11).
func (u URI) Param(name string) string {
	if u.Query.Has(name) {
		return u.Query.Get(name)
	}
	return u.Query.Get("$" + name)
}
