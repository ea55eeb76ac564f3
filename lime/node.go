package lime

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPart is how many characters (code points) a name, a domain or an instance
// may have.
const MaxPart = 1023

// ErrAddress matches every error about text that is no address.
var ErrAddress = errors.New("malformed address")

// What can be wrong with an address. They are made once, since a hostile
// sender decides how often they are returned.
var (
	errNobody    = fmt.Errorf("%w: neither a name nor a domain", ErrAddress)
	errNoDomain  = fmt.Errorf("%w: nothing after the @", ErrAddress)
	errSecondAt  = fmt.Errorf("%w: a second @ before the instance", ErrAddress)
	errNameRune  = fmt.Errorf("%w: a name has none of \" & ' / : < > @", ErrAddress)
	errControl   = fmt.Errorf("%w: a control character or a line break", ErrAddress)
	errNotUTF8   = fmt.Errorf("%w: not UTF-8", ErrAddress)
	errPartLong  = fmt.Errorf("%w: a part has more than %d characters", ErrAddress, MaxPart)
	errInstanced = fmt.Errorf("%w: an identity has no instance", ErrAddress)
)

// Identity is a person, a service or a group: name@domain. The zero Identity
// is nobody.
type Identity struct {
	Name   string
	Domain string
}

// Node is the address of one session of an identity: name@domain/instance.
// An absent instance is "".
type Node struct {
	Identity
	Instance string
}

// NodeView is a Node whose parts alias the bytes that it was parsed from. An
// absent part is empty.
type NodeView struct {
	Name, Domain, Instance []byte
}

// ParseNode parses [name[@domain]][/instance] or @domain[/instance]. A bare
// word is a name, and an empty instance an absent one; the empty string is an
// error. The parts are substrings of s. An error matches ErrAddress.
func ParseNode(s string) (Node, error) {
	name, domain, instance, err := cutNode(s)
	if err != nil {
		return Node{}, err
	}
	return Node{Identity{name, domain}, instance}, nil
}

// ParseNodeView is ParseNode for bytes. It does not allocate; the view aliases b.
func ParseNodeView(b []byte) (NodeView, error) {
	name, domain, instance, err := cutNode(b)
	if err != nil {
		return NodeView{}, err
	}
	return NodeView{name, domain, instance}, nil
}

// ParseIdentity parses name[@domain] or @domain. An error matches ErrAddress.
func ParseIdentity(s string) (Identity, error) {
	name, domain, instance, err := cutNode(s)
	if err != nil {
		return Identity{}, err
	}
	if instance != "" || strings.HasSuffix(s, "/") {
		return Identity{}, errInstanced
	}
	return Identity{name, domain}, nil
}

// MustParseNode is ParseNode for addresses that are known to be right; it
// panics otherwise.
func MustParseNode(s string) Node {
	n, err := ParseNode(s)
	if err != nil {
		panic(fmt.Sprintf("lime: %q: %v", s, err))
	}
	return n
}

// MustParseIdentity is ParseIdentity for addresses that are known to be right;
// it panics otherwise.
func MustParseIdentity(s string) Identity {
	i, err := ParseIdentity(s)
	if err != nil {
		panic(fmt.Sprintf("lime: %q: %v", s, err))
	}
	return i
}

// IsZero tells whether i is nobody.
func (i Identity) IsZero() bool { return i == Identity{} }

// IsZero tells whether n is nobody's node.
func (n Node) IsZero() bool { return n == Node{} }

// Complete tells whether name, domain and instance are all there, as they must
// be in the node of an established session.
func (n Node) Complete() bool {
	return n.Name != "" && n.Domain != "" && n.Instance != ""
}

// WithDefaults returns n with domain in place of an absent one. A sender may
// leave out the domain, and means its own.
func (n Node) WithDefaults(domain string) Node {
	if n.Domain == "" {
		n.Domain = domain
	}
	return n
}

// Node copies the parts of v.
func (v NodeView) Node() Node {
	return Node{Identity{string(v.Name), string(v.Domain)}, string(v.Instance)}
}

// String returns name@domain, @domain when there is no name, name when there
// is no domain, and "" for nobody.
func (i Identity) String() string {
	if i.Domain == "" {
		return i.Name
	}
	return i.Name + "@" + i.Domain
}

// String returns name@domain/instance, without the slash when there is no
// instance.
func (n Node) String() string {
	if n.Instance == "" {
		return n.Identity.String()
	}
	if n.Domain == "" {
		return n.Name + "/" + n.Instance
	}
	return n.Name + "@" + n.Domain + "/" + n.Instance
}

// AppendIdentity appends the text of i to dst.
func AppendIdentity(dst []byte, i Identity) []byte {
	dst = append(dst, i.Name...)
	if i.Domain != "" {
		dst = append(dst, '@')
		dst = append(dst, i.Domain...)
	}
	return dst
}

// AppendNode appends the text of n to dst.
func AppendNode(dst []byte, n Node) []byte {
	dst = AppendIdentity(dst, n.Identity)
	if n.Instance != "" {
		dst = append(dst, '/')
		dst = append(dst, n.Instance...)
	}
	return dst
}

// MarshalText returns the text of i, which is empty for nobody.
func (i Identity) MarshalText() ([]byte, error) { return AppendIdentity(nil, i), nil }

// MarshalText returns the text of n, which is empty for nobody.
func (n Node) MarshalText() ([]byte, error) { return AppendNode(nil, n), nil }

// UnmarshalText is ParseIdentity, but reads the empty text as nobody.
func (i *Identity) UnmarshalText(b []byte) (err error) {
	*i = Identity{}
	if len(b) > 0 {
		*i, err = ParseIdentity(string(b))
	}
	return err
}

// UnmarshalText is ParseNode, but reads the empty text as nobody.
func (n *Node) UnmarshalText(b []byte) (err error) {
	*n = Node{}
	if len(b) > 0 {
		*n, err = ParseNode(string(b))
	}
	return err
}

// cutNode splits s at its first slash, and what is before it at its @.
func cutNode[S string | []byte](s S) (name, domain, instance S, err error) {
	head := s
	slash, at := -1, -1
	for i := 0; i < len(s) && slash < 0; i++ {
		switch s[i] {
		case '/':
			slash, head, instance = i, s[:i], s[i+1:]
		case '@':
			if at >= 0 {
				return name, domain, instance, errSecondAt
			}
			at = i
		}
	}
	switch {
	case len(head) == 0 || at == 0 && len(head) == 1:
		return name, domain, instance, errNobody
	case at < 0:
		name = head
	case at == len(head)-1:
		return name, domain, instance, errNoDomain
	default:
		name, domain = head[:at], head[at+1:]
	}
	if err = checkPart(name, true); err == nil {
		if err = checkPart(domain, false); err == nil {
			err = checkPart(instance, false)
		}
	}
	return name, domain, instance, err
}

// checkPart holds one part against the grammar. Control characters are
// refused in all of them, which LIME's grammar would allow in most: keys and
// subjects are made of addresses.
func checkPart[S string | []byte](s S, name bool) error {
	n := 0
	for i := 0; i < len(s); n++ {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return errControl
			}
			if name {
				switch c {
				case '"', '&', '\'', '/', ':', '<', '>', '@':
					return errNameRune
				}
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 {
			return errNotUTF8
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return errControl
		}
		i += size
	}
	if n > MaxPart {
		return errPartLong
	}
	return nil
}
