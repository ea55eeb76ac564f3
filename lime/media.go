package lime

import (
	"bytes"
	"strings"
)

// The media types that the server itself reads and writes. Those that end in
// +json, and MediaJSON, are objects; the others are strings.
const (
	MediaText       = "text/plain"
	MediaJSON       = "application/json"
	MediaIdentity   = "application/vnd.lime.identity"
	MediaNode       = "application/vnd.lime.node"
	MediaCollection = "application/vnd.lime.collection+json"
	MediaContainer  = "application/vnd.lime.container+json"
	MediaAccount    = "application/vnd.lime.account+json"
	MediaContact    = "application/vnd.lime.contact+json"
	MediaGroup      = "application/vnd.lime.group+json"
	MediaMember     = "application/vnd.lime.groupmember+json"
	MediaDelegation = "application/vnd.lime.delegation+json"
	MediaPing       = "application/vnd.lime.ping+json"
	MediaPresence   = "application/vnd.lime.presence+json"
	MediaReceipt    = "application/vnd.lime.receipt+json"
	MediaCapability = "application/vnd.lime.capability+json"
	MediaQuota      = "application/vnd.lime.quota+json"
)

// MediaType is type/subtype+suffix, in the sender's spelling. An absent suffix
// is "".
type MediaType struct {
	Type    string
	Subtype string // without the suffix
	Suffix  string
}

// ParseMediaType parses s, whose parts alias it. LIME knows no parameters; they
// are cut off, as the reference implementation does. An error is a *Reason with
// CodeValidationInvalidResource.
func ParseMediaType(s string) (MediaType, error) {
	s, _, _ = strings.Cut(s, ";")
	s = strings.Trim(s, " \t")
	kind, sub, _ := strings.Cut(s, "/")
	m := MediaType{Type: kind, Subtype: sub}
	if i := strings.LastIndexByte(sub, '+'); i >= 0 {
		m.Subtype, m.Suffix = sub[:i], sub[i+1:]
		if m.Suffix == "" || !restricted(m.Suffix) {
			return MediaType{}, badMediaType
		}
	}
	if m.Type == "" || m.Subtype == "" || !restricted(m.Type) || !restricted(m.Subtype) {
		return MediaType{}, badMediaType
	}
	return m, nil
}

var badMediaType = &Reason{CodeValidationInvalidResource, "The type is no media type"}

// restricted tells whether s has only the characters of RFC 6838, section 4.2,
// which are more than those that LIME's pattern names.
func restricted(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9':
		case strings.IndexByte("-_.+!#$&^", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// String returns type/subtype+suffix, and "" for the zero MediaType.
func (m MediaType) String() string {
	switch {
	case m.Type == "":
		return ""
	case m.Suffix == "":
		return m.Type + "/" + m.Subtype
	}
	return m.Type + "/" + m.Subtype + "+" + m.Suffix
}

// EqualFold tells whether m and n are the same type, in whatever case.
func (m MediaType) EqualFold(n MediaType) bool {
	return strings.EqualFold(m.Type, n.Type) &&
		strings.EqualFold(m.Subtype, n.Subtype) &&
		strings.EqualFold(m.Suffix, n.Suffix)
}

// Is tells whether m is the media type s, such as MediaPresence, in whatever
// case.
func (m MediaType) Is(s string) bool {
	n, err := ParseMediaType(s)
	return err == nil && m.EqualFold(n)
}

// IsJSON tells whether documents of this type are JSON rather than strings.
func (m MediaType) IsJSON() bool {
	return strings.EqualFold(m.Suffix, "json") || m.Suffix == "" && strings.EqualFold(m.Subtype, "json")
}

// fits tells whether all implementations can read a document of a type by the byte
// with which it begins. lime-go takes +json and application/json for objects and all
// else for strings, and has an eye to case; the reference implementation takes any
// type with json for an object.
func fits(mediaType []byte, first byte) bool {
	slash := bytes.IndexByte(mediaType, '/')
	if slash < 1 || slash == len(mediaType)-1 {
		return false
	}
	switch first {
	case '{':
		return string(mediaType) == MediaJSON || bytes.HasSuffix(mediaType[slash:], []byte("+json"))
	case '"':
		sub, _, _ := bytes.Cut(mediaType[slash+1:], []byte(";"))
		sub = bytes.TrimRight(sub, " \t")
		return !isFold(sub, "json") && !(len(sub) > 5 && isFold(sub[len(sub)-5:], "+json"))
	}
	return false
}

// isFold tells whether b is the lower-case s in whatever case.
func isFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if c := b[i]; c != s[i] && (c < 'A' || 'Z' < c || c|0x20 != s[i]) {
			return false
		}
	}
	return true
}
