package lime

import (
	"fmt"
	"strings"
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
