package connector

import (
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"limegrove/lime"
)

// List names connectors by what they are called and by where they are.
type List struct {
	// Names are regular expressions that a name begins with, as those of Python's re.match, in RE2's syntax.
	Names []string `json:"names,omitempty"`
	// Addresses are IP addresses.
	Addresses []netip.Addr `json:"addresses,omitempty"`
	// Networks are those of addresses, such as 10.0.0.0/8.
	Networks []netip.Prefix `json:"networks,omitempty"`
}

// Ignored are the connectors of which nothing is taken, and which are told nothing; they stay connected.
type Ignored struct {
	All   bool     `json:"all,omitempty"`
	Names []string `json:"names,omitempty"`
}

// Lists say who is let in, and who is heard. The zero value lets everybody in.
type Lists struct {
	// White lets in those alone that each of its kinds names which has anything.
	White List `json:"white,omitzero"`
	// Black keeps those out that any of its kinds names.
	Black   List    `json:"black,omitzero"`
	Ignored Ignored `json:"ignored,omitzero"`
}

// Bounds of a list, each kind of which may have so many.
const (
	maxListed = 1000
	maxText   = 256 // bytes
	// maxProgram bounds what the regular expressions of a list become together, in instructions. As many as may be, of 200
	// characters each, are less; repetitions of repetitions are not.
	maxProgram = 200_000
)

// Filter is Lists that are ready. It does not change, and may be used from anywhere.
type Filter struct {
	lists        Lists
	white, black kinds
	ignored      map[string]struct{}
}

// kinds is a List that is ready.
type kinds struct {
	names     *regexp.Regexp // one of all; nil for none
	addresses map[netip.Addr]struct{}
	networks  []netip.Prefix
}

// NewFilter makes lists ready. An error is a *lime.Reason.
func NewFilter(l Lists) (*Filter, error) {
	f := &Filter{lists: l, ignored: map[string]struct{}{}}
	var err error
	if f.white, err = ready("white", &l.White); err != nil {
		return nil, err
	}
	if f.black, err = ready("black", &l.Black); err != nil {
		return nil, err
	}
	if len(l.Ignored.Names) > maxListed {
		return nil, invalid("ignored", "has more than %d names", maxListed)
	}
	for _, name := range l.Ignored.Names {
		if len(name) > maxText {
			return nil, invalid("ignored", "has a name of more than %d bytes", maxText)
		}
		f.ignored[name] = struct{}{}
	}
	return f, nil
}

func ready(what string, l *List) (k kinds, err error) {
	if max(len(l.Names), len(l.Addresses), len(l.Networks)) > maxListed {
		return k, invalid(what, "has more than %d of a kind", maxListed)
	}
	if k.names, err = alternation(what, l.Names); err != nil {
		return k, err
	}
	k.addresses = make(map[netip.Addr]struct{}, len(l.Addresses))
	for _, a := range l.Addresses {
		if !a.IsValid() {
			return k, invalid(what, "has an address that is none")
		}
		k.addresses[plain(a)] = struct{}{}
	}
	for _, n := range l.Networks {
		if !n.IsValid() {
			return k, invalid(what, "has a network that is none")
		}
		// Addresses are compared as those of IPv4 that they are.
		const mapped = 96 // bits before such an address
		if n.Addr().Is4In6() {
			if n.Bits() < mapped {
				return k, invalid(what, "has the network %s, which is neither one of IPv4 nor of IPv6", n)
			}
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-mapped)
		}
		k.networks = append(k.networks, n.Masked())
	}
	return k, nil
}

// alternation is one regular expression of all, nil of none: a name is looked at once, and what several begin with
// once, too.
func alternation(what string, names []string) (*regexp.Regexp, error) {
	if len(names) == 0 {
		return nil, nil //nolint:nilnil // there is none
	}
	var all strings.Builder
	all.WriteString(`\A(?:`)
	program := 0
	for i, name := range names {
		if len(name) > maxText {
			return nil, invalid(what, "has a name of more than %d bytes", maxText)
		}
		r, err := syntax.Parse(name, syntax.Perl)
		if err != nil {
			return nil, invalid(what, "has %q, which is no regular expression", name)
		}
		p, err := syntax.Compile(r.Simplify())
		if err != nil {
			return nil, invalid(what, "has %q, which is no regular expression", name)
		}
		if program += len(p.Inst); program > maxProgram {
			return nil, invalid(what, "has names that are too much to look for, up to %q", name)
		}
		if i > 0 {
			all.WriteByte('|')
		}
		all.WriteString(`(?:` + withoutCaptures(r).String() + `)`)
	}
	all.WriteByte(')')
	r, err := regexp.Compile(all.String())
	if err != nil {
		return nil, invalid(what, "has names that are too much to look for: %s", err)
	}
	return r, nil
}

// withoutCaptures takes names of groups away, of which two may not be the same, and changes r.
func withoutCaptures(r *syntax.Regexp) *syntax.Regexp {
	r.Name = ""
	for _, sub := range r.Sub {
		withoutCaptures(sub)
	}
	return r
}

func invalid(what, format string, args ...any) error {
	return lime.NewReason(lime.CodeCommandInvalidArgument, "The list %s %s", what, fmt.Sprintf(format, args...))
}

// Lists are what the filter was made of. Nobody changes them.
func (f *Filter) Lists() Lists { return f.lists }

// Admits tells whether a connector is let in. An address that is not valid is that of nobody's list.
func (f *Filter) Admits(name string, from netip.Addr) bool {
	from = plain(from)
	w, b := &f.white, &f.black
	switch {
	case len(w.addresses) > 0 && !w.has(from),
		len(w.networks) > 0 && !w.within(from),
		w.names != nil && !w.matches(name):
		return false
	}
	return !b.has(from) && !b.within(from) && !b.matches(name)
}

// Ignores tells whether nothing is taken of a connector.
func (f *Filter) Ignores(name string) bool {
	if f.lists.Ignored.All {
		return true
	}
	_, is := f.ignored[name]
	return is
}

// plain is an address as it is compared: one of IPv4 whatever it is written as, and without the interface that it is at.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func (k *kinds) has(a netip.Addr) bool {
	_, is := k.addresses[a]
	return is
}

func (k *kinds) within(a netip.Addr) bool {
	return slices.ContainsFunc(k.networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

func (k *kinds) matches(name string) bool { return k.names != nil && k.names.MatchString(name) }
