package connector

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"

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
)

// Filter is Lists that are ready. It does not change, and may be used from anywhere.
type Filter struct {
	lists        Lists
	white, black []*regexp.Regexp
	ignored      map[string]struct{}
}

// NewFilter makes lists ready. An error is a *lime.Reason.
func NewFilter(l Lists) (*Filter, error) {
	f := &Filter{lists: l, ignored: map[string]struct{}{}}
	var err error
	if f.white, err = compiled("white", &l.White); err != nil {
		return nil, err
	}
	if f.black, err = compiled("black", &l.Black); err != nil {
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

func compiled(what string, l *List) (all []*regexp.Regexp, err error) {
	if max(len(l.Names), len(l.Addresses), len(l.Networks)) > maxListed {
		return nil, invalid(what, "has more than %d of a kind", maxListed)
	}
	for _, name := range l.Names {
		if len(name) > maxText {
			return nil, invalid(what, "has a name of more than %d bytes", maxText)
		}
		r, err := regexp.Compile(`\A(?:` + name + `)`)
		if err != nil {
			return nil, invalid(what, "has %q, which is no regular expression", name)
		}
		all = append(all, r)
	}
	return all, nil
}

func invalid(what, format string, args ...any) error {
	return lime.NewReason(lime.CodeCommandInvalidArgument, "The list %s %s", what, fmt.Sprintf(format, args...))
}

// Lists are what the filter was made of. Nobody changes them.
func (f *Filter) Lists() Lists { return f.lists }

// Admits tells whether a connector is let in. An address that is not valid is that of nobody's list.
func (f *Filter) Admits(name string, from netip.Addr) bool {
	from = from.Unmap()
	w, b := &f.lists.White, &f.lists.Black
	switch {
	case len(w.Addresses) > 0 && !slices.Contains(w.Addresses, from),
		len(w.Networks) > 0 && !within(w.Networks, from),
		len(f.white) > 0 && !matches(f.white, name):
		return false
	}
	return !slices.Contains(b.Addresses, from) && !within(b.Networks, from) && !matches(f.black, name)
}

// Ignores tells whether nothing is taken of a connector.
func (f *Filter) Ignores(name string) bool {
	if f.lists.Ignored.All {
		return true
	}
	_, is := f.ignored[name]
	return is
}

func within(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
}

func matches(all []*regexp.Regexp, name string) bool {
	return slices.ContainsFunc(all, func(r *regexp.Regexp) bool { return r.MatchString(name) })
}
