package lime

import "math"

// Packed is a complete node in one text, and behind it a tag and another one: for those who keep very
// many, at a quarter of what a Node, its text and the others take. The zero Packed has empty parts.
type Packed struct {
	text                    string
	name, domain, node, tag uint16 // where each ends
}

// Pack packs a node with a tag and what is behind it, either of which may be "". It keeps text when that
// is all of it already, and makes one otherwise. It is not ok when they have 64 KiB or more.
func Pack(text string, n Node, tag, behind string) (p Packed, ok bool) {
	name := len(n.Name)
	domain := name + 1 + len(n.Domain)
	node := domain + 1 + len(n.Instance)
	if node+len(tag)+len(behind) > math.MaxUint16 {
		return Packed{}, false
	}
	p = Packed{text: text, name: uint16(name), domain: uint16(domain), node: uint16(node), tag: uint16(node + len(tag))}
	if len(text) != node+len(tag)+len(behind) || text[name] != '@' || text[domain] != '/' ||
		p.Node() != n || p.Tag() != tag || p.Behind() != behind {
		p.text = n.Name + "@" + n.Domain + "/" + n.Instance + tag + behind
	}
	return p, true
}

// Tagged is a tag without a node.
func Tagged(tag string) Packed {
	if len(tag) > math.MaxUint16 {
		tag = tag[:math.MaxUint16]
	}
	return Packed{text: tag, tag: uint16(len(tag))}
}

// IsZero tells whether there is no node.
func (p *Packed) IsZero() bool { return p.node == 0 }

// Node returns the node, whose parts are parts of p.
func (p *Packed) Node() Node {
	if p.node == 0 {
		return Node{}
	}
	return Node{Identity: Identity{Name: p.Name(), Domain: p.Domain()}, Instance: p.Instance()}
}

// Identity returns the identity of the node.
func (p *Packed) Identity() Identity { return p.Node().Identity }

// Name returns the node's name.
func (p *Packed) Name() string { return p.text[:p.name] }

// Domain returns the node's domain.
func (p *Packed) Domain() string {
	if p.node == 0 {
		return ""
	}
	return p.text[p.name+1 : p.domain]
}

// Instance returns the node's instance.
func (p *Packed) Instance() string {
	if p.node == 0 {
		return ""
	}
	return p.text[p.domain+1 : p.node]
}

// String returns the node's text, or "".
func (p *Packed) String() string { return p.text[:p.node] }

// Tag returns the tag.
func (p *Packed) Tag() string { return p.text[p.node:p.tag] }

// Behind returns what is behind the tag.
func (p *Packed) Behind() string { return p.text[p.tag:] }

// Text returns all of it, as Pack takes it.
func (p *Packed) Text() string { return p.text }
