package subject

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"limegrove/lime"
)

// Max is the longest subject that is made of an address, in bytes. A NATS
// protocol line holds 4,096 and carries the subject, a reply subject and sizes;
// an envelope that JetStream republishes carries a second one.
const Max = 1400

// ErrTooLong is for an address that LIME's grammar allows and a NATS
// protocol line would not hold.
var ErrTooLong = errors.New("address too long for a subject")

// Roots of the subjects that are made of an address.
const (
	rootTo  = "to."
	rootCmd = "cmd."
)

// Tokens in the place of an instance. Labels made of addresses never start with an
// underscore, so an instance cannot be taken for one of these.
const (
	Identity = "_"        // the bare identity
	View     = "_view"    // a change of the identity's registrations
	Account  = "_account" // the identity's account was made or deleted
	Here     = "_here"    // a question: who of the identity is in session
	Acked    = "_acked"   // what sessions of the identity that share have acknowledged
	Working  = "_working" // what one of them has, and is at work on
	Observe  = "_observe" // what the identity's sessions are told of the presence of others

	Delegation = "_delegation" // the identity was given something, or it was taken back
	Policy     = "_policy"     // who may send to the identity has changed
	Granted    = "_granted"    // what the identity may do with rooms
	Hosts      = "_hosts"      // which edges have sessions of the identity
)

// Key is what an identity's hub is known by: its folded domain, label by
// label in reverse, and its folded name, as they stand in subjects.
type Key string

// MakeKey returns the key of an identity that has a name and a domain.
func MakeKey(i lime.Identity) (Key, error) {
	b := AppendKey(make([]byte, 0, len(i.Name)+len(i.Domain)+8), i, &Scratch{})
	if len(b) > Max {
		return "", ErrTooLong
	}
	return Key(b), nil
}

// AppendKey appends the key of an identity, however long.
func AppendKey(dst []byte, i lime.Identity, s *Scratch) []byte {
	return appendIdentity(dst, i.Domain, i.Name, s)
}

// Token returns the last token of the subjects of a session's node.
func Token(instance string) string { return string(AppendToken(nil, instance, &Scratch{})) }

// AppendToken appends that token.
func AppendToken(dst []byte, instance string, s *Scratch) []byte {
	s.part = lime.AppendFold(s.part[:0], instance)
	return appendLabel(dst, s.part)
}

// A hub subscribes to BeforeHub, its identity's key, and BehindHub.
const (
	BeforeHub = rootTo
	BehindHub = ".*"
)

// View is where changes of that identity's registrations are told.
func (k Key) View() string { return rootTo + string(k) + "." + View }

// Acked is where edges tell what their sessions that share have acknowledged.
func (k Key) Acked() string { return rootTo + string(k) + "." + Acked }

// Working is where edges tell what one of their sessions that share has, and is at work on.
func (k Key) Working() string { return rootTo + string(k) + "." + Working }

// Account is where it is told that the identity's account was made or deleted.
func (k Key) Account() string { return rootTo + string(k) + "." + Account }

// Delegation is where it is told what that identity was given by others.
func (k Key) Delegation() string { return rootTo + string(k) + "." + Delegation }

// Policy is where it is told that others may send to that identity than before.
func (k Key) Policy() string { return rootTo + string(k) + "." + Policy }

// Granted is where it is told what that identity was granted for rooms.
func (k Key) Granted() string { return rootTo + string(k) + "." + Granted }

// Hosts is where edges that have sessions of that identity find out about each other.
func (k Key) Hosts() string { return rootTo + string(k) + "." + Hosts }

// Observe is where the identity's sessions are told of the presence of others.
func (k Key) Observe() string { return rootTo + string(k) + "." + Observe }

// Node is the subject of one address of that identity: an instance's token, or
// Identity.
func (k Key) Node(token string) string { return rootTo + string(k) + "." + token }

// LenNode is the length of what k.Node returns for a token of so many bytes.
func LenNode(k Key, token int) int { return len(rootTo) + len(k) + len(".") + token }

// Identity returns the identity of a key, in its folded spelling.
func (k Key) Identity() (lime.Identity, error) {
	domain, name, ok := strings.Cut(string(k), ".@.")
	if !ok {
		return lime.Identity{}, fmt.Errorf("the key %q: %w", string(k), lime.ErrAddress)
	}
	labels := strings.Split(domain, ".")
	slices.Reverse(labels)
	for i, l := range labels {
		labels[i] = unescape(l)
	}
	return lime.Identity{Name: unescape(name), Domain: strings.Join(labels, ".")}, nil
}

// unescape is the inverse of appendLabel.
func unescape(label string) string {
	if label == "%" {
		return ""
	}
	i := strings.IndexByte(label, '%')
	if i < 0 {
		return label
	}
	b := []byte(label[:i])
	for ; i < len(label); i++ {
		if label[i] == '%' && i+2 < len(label) {
			if c, err := strconv.ParseUint(label[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(c))
				i += 2
				continue
			}
		}
		b = append(b, label[i])
	}
	return string(b)
}

// SplitTo takes a subject that a hub's subscription matched apart, without allocating.
func SplitTo(subject string) (key Key, token string, ok bool) {
	rest, ok := strings.CutPrefix(subject, rootTo)
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return "", "", false
	}
	return Key(rest[:i]), rest[i+1:], true
}

// Scratch holds the folded parts of an address while its subject is built.
type Scratch struct{ domain, part []byte }

// AppendTo appends the subject of an address whose parts are as they were spelled;
// no instance addresses the bare identity.
func AppendTo(dst, domain, name, instance []byte, s *Scratch) []byte {
	dst = append(dst, rootTo...)
	dst = appendIdentity(dst, domain, name, s)
	dst = append(dst, '.')
	if len(instance) == 0 {
		return append(dst, Identity...)
	}
	s.part = lime.AppendFold(s.part[:0], instance)
	return appendLabel(dst, s.part)
}

// appendIdentity appends the key of an identity.
func appendIdentity[S string | []byte](dst []byte, domain, name S, s *Scratch) []byte {
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

// Command is where the routers take the commands to a domain's server.
func Command(domain string) string {
	return string(appendDomain([]byte(rootCmd), lime.AppendFold(nil, []byte(domain))))
}

// Commands are those of all domains.
const Commands = rootCmd + ">"
