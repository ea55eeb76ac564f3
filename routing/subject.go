package routing

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"limegrove/lime"
	"limegrove/presence"
)

// MaxSubject is the longest subject that is made of an address, in bytes. A NATS
// protocol line holds 4,096 and carries the subject, a reply subject and sizes;
// an envelope that JetStream republishes carries a second one.
const MaxSubject = 1400

// errSubjectTooLong is for an address that LIME's grammar allows and a NATS
// protocol line would not hold.
var errSubjectTooLong = errors.New("address too long for a subject")

// Roots of subjects, and the tokens that are ours. Labels made of addresses never
// start with an underscore, so an instance cannot be taken for one of these.
const (
	rootTo   = "to."
	rootCmd  = "cmd."
	rootAuth = "auth."
	rootEdge = "edge."

	tokenIdentity = "_"        // in the place of an instance: the bare identity
	tokenView     = "_view"    // in the place of an instance: a change of the identity's registrations
	tokenAccount  = "_account" // in the place of an instance: the identity's account was made or deleted
)

// identityKey is what an identity's hub is known by: its folded domain, label by
// label in reverse, and its folded name, as they stand in subjects.
type identityKey string

// makeIdentityKey returns the key of an identity that has a name and a domain.
func makeIdentityKey(i lime.Identity) (identityKey, error) {
	b := appendIdentity(make([]byte, 0, len(i.Name)+len(i.Domain)+8), []byte(i.Domain), []byte(i.Name), &foldScratch{})
	if len(b) > MaxSubject {
		return "", errSubjectTooLong
	}
	return identityKey(b), nil
}

// instanceToken returns the last token of the subjects of a session's node.
func instanceToken(instance string) string {
	return string(appendLabel(nil, lime.AppendFold(nil, []byte(instance))))
}

// subject is what a hub of that identity subscribes to.
func (k identityKey) subject() string { return rootTo + string(k) + ".*" }

// view is where changes of that identity's registrations are told.
func (k identityKey) view() string { return rootTo + string(k) + "." + tokenView }

// account is where it is told that the identity's account was made or deleted.
func (k identityKey) account() string { return rootTo + string(k) + "." + tokenAccount }

// splitTo takes a subject that subject matched apart, without allocating.
func splitTo(subject string) (key identityKey, token string, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootTo)
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return "", "", false
	}
	return identityKey(rest[:i]), rest[i+1:], true
}

// foldScratch holds the folded parts of an address while its subject is built.
type foldScratch struct{ domain, part []byte }

// appendTo appends the subject of an address whose parts are as they were spelled;
// no instance addresses the bare identity.
func appendTo(dst, domain, name, instance []byte, s *foldScratch) []byte {
	dst = append(dst, rootTo...)
	dst = appendIdentity(dst, domain, name, s)
	dst = append(dst, '.')
	if len(instance) == 0 {
		return append(dst, tokenIdentity...)
	}
	s.part = lime.AppendFold(s.part[:0], instance)
	return appendLabel(dst, s.part)
}

// appendIdentity appends the key of an identity.
func appendIdentity(dst, domain, name []byte, s *foldScratch) []byte {
	s.domain = lime.AppendFold(s.domain[:0], domain)
	dst = appendDomain(dst, s.domain)
	dst = append(dst, '.', '@', '.')
	s.part = lime.AppendFold(s.part[:0], name)
	return appendLabel(dst, s.part)
}

// appendDomain appends the labels of a folded domain in reverse, so that a
// wildcard behind a domain covers its sub-domains.
func appendDomain(dst, domain []byte) []byte {
	for {
		dot := bytes.LastIndexByte(domain, '.')
		dst = appendLabel(dst, domain[dot+1:])
		if dot < 0 {
			return dst
		}
		domain = domain[:dot]
		dst = append(dst, '.')
	}
}

// appendLabel appends one token: what would mean something to NATS, or be taken
// for a token of ours, is written as %XX, and an empty label as a lone %.
func appendLabel(dst, label []byte) []byte {
	const hex = "0123456789ABCDEF"
	if len(label) == 0 {
		return append(dst, '%')
	}
	for i, c := range label {
		switch {
		case c <= ' ' || c == 0x7f || c == '.' || c == '*' || c == '>' || c == '@' || c == '%' || c == '_' && i == 0:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// commandSubject is where the routers take the commands to a domain's server.
func commandSubject(domain string) string {
	return string(appendDomain([]byte(rootCmd), lime.AppendFold(nil, []byte(domain))))
}

// authSubject is where the routers take the logins of a scheme.
func authSubject(scheme string) string { return rootAuth + string(appendLabel(nil, []byte(scheme))) }

// controlSubject is where one edge is told something.
func controlSubject(e presence.EdgeID) string { return rootEdge + string(e) + ".ctl" }

// replyPrefix begins the reply subjects of one edge; see appendReply.
func replyPrefix(e presence.EdgeID) string { return rootEdge + string(e) + ".re." }

// noReply is the sequence of a publication whose fate nobody is told.
const noReply = 0

// appendReply appends edge.<incarnation>.re.<hops>.<sequence>: where the fate of an
// envelope is told. It also says to every hub where the envelope came from and how
// often it has been forwarded, at the price of no header.
func appendReply(dst []byte, prefix string, hops int, sequence uint64) []byte {
	dst = append(dst, prefix...)
	dst = strconv.AppendInt(dst, int64(hops), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, sequence, 36)
}

// origin is what a reply subject tells of a publication.
type origin struct {
	edge     presence.EdgeID
	hops     int
	sequence uint64
}

// parseReply takes a reply subject apart.
func parseReply(subject string) (o origin, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootEdge)
	if !ok {
		return origin{}, false
	}
	edge, rest, ok := strings.Cut(rest, ".re.")
	if !ok {
		return origin{}, false
	}
	hops, sequence, ok := strings.Cut(rest, ".")
	if !ok {
		return origin{}, false
	}
	h, err := strconv.ParseUint(hops, 10, 16)
	if err != nil {
		return origin{}, false
	}
	s, err := strconv.ParseUint(sequence, 36, 64)
	if err != nil {
		return origin{}, false
	}
	return origin{presence.EdgeID(edge), int(h), s}, true
}
