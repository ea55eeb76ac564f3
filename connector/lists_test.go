package connector

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestWhoIsLetIn(t *testing.T) {
	names := func(all ...string) List { return List{Names: all} }
	addresses := func(all ...string) (l List) {
		for _, a := range all {
			l.Addresses = append(l.Addresses, netip.MustParseAddr(a))
		}
		return l
	}
	networks := func(all ...string) (l List) {
		for _, n := range all {
			l.Networks = append(l.Networks, netip.MustParsePrefix(n))
		}
		return l
	}
	for _, row := range []struct {
		what  string
		lists Lists
		in    bool
	}{
		{"no lists", Lists{}, true},
		{"a white name", Lists{White: names("x", "kiosk7")}, true},
		{"a white beginning", Lists{White: names("kio")}, true},
		{"none but its end", Lists{White: names("osk7")}, false},
		{"either of an expression", Lists{White: names("x|osk7")}, false},
		{"none of two", Lists{White: names("x", "y")}, false},
		{"a white address", Lists{White: addresses("10.0.0.9")}, true},
		{"another one", Lists{White: addresses("10.0.0.8")}, false},
		{"a white network", Lists{White: networks("10.0.0.0/8")}, true},
		{"another one", Lists{White: networks("10.1.0.0/16")}, false},
		{"a white name, elsewhere", Lists{White: List{Names: []string{"kiosk"}, Networks: networks("10.1.0.0/16").Networks}}, false},
		{"a black name", Lists{Black: names("kiosk")}, false},
		{"a black expression", Lists{Black: names("k.*7$")}, false},
		{"another one", Lists{Black: names("k$", "iosk")}, true},
		{"a black address", Lists{Black: addresses("10.0.0.9")}, false},
		{"a black network", Lists{Black: networks("10.0.0.0/24")}, false},
		{"white and black", Lists{White: names("kiosk7"), Black: networks("10.0.0.0/24")}, false},
	} {
		f, err := NewFilter(row.lists)
		if err != nil {
			t.Errorf("%s: %v", row.what, err)
			continue
		}
		for _, from := range []string{"10.0.0.9", "::ffff:10.0.0.9"} {
			if in := f.Admits("kiosk7", netip.MustParseAddr(from)); in != row.in {
				t.Errorf("%s, from %s: it is let in: %t", row.what, from, in)
			}
		}
	}
	for _, row := range []struct{ listed, from string }{
		{"10.0.0.9", "::ffff:10.0.0.9"},
		{"::ffff:10.0.0.9", "10.0.0.9"},
		{"::ffff:10.0.0.9", "::ffff:10.0.0.9"},
		{"fe80::1", "fe80::1%eth0"},
		{"fe80::1%eth0", "fe80::1"},
		{"fe80::1%eth0", "fe80::1%eth1"},
		{"::ffff:10.0.0.0/112", "10.0.0.9"},
		{"fe80::/10", "fe80::2%eth0"},
		{"::ffff:0.0.0.0/96", "192.0.2.1"},
	} {
		list := addresses
		if strings.Contains(row.listed, "/") {
			list = networks
		}
		l := list(row.listed)
		f, err := NewFilter(Lists{Black: l})
		if err != nil {
			t.Errorf("%s: %v", row.listed, err)
			continue
		}
		if f.Admits("kiosk7", netip.MustParseAddr(row.from)) {
			t.Errorf("%s is black, and %s is let in", row.listed, row.from)
		}
		if !f.Admits("kiosk7", netip.MustParseAddr("2001:db8::1")) {
			t.Errorf("%s is black, and another one is kept out", row.listed)
		}
	}
	f, err := NewFilter(Lists{White: addresses("10.0.0.9")})
	if err != nil {
		t.Fatal(err)
	}
	if f.Admits("kiosk7", netip.Addr{}) {
		t.Error("who has no address is on the white list")
	}
}

// Each name stands for itself, though one expression is made of all.
func TestNamesDoNotChangeEachOther(t *testing.T) {
	f, err := NewFilter(Lists{Black: List{Names: []string{`(?i)kiosk`, `(?P<one>depot)$`, `(?P<one>x)y`, `a|b$`, `\Qq.\E`, `^z`}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]bool{
		"KIOSK7": false, "depot": false, "DEPOT": true, "depots": true, "xy": false, "xz": true, "ab": false, "b": false, "bc": true,
		"q.": false, "qx": true, "z1": false, "y": true, "": true,
	} {
		if f.Admits(name, netip.Addr{}) != in {
			t.Errorf("%q is let in: %t", name, !in)
		}
	}
}

// Thousands of connectors are looked at when the lists change: what many names have in common is looked at once.
func BenchmarkAdmits(b *testing.B) {
	l := Lists{}
	for i := range maxListed {
		l.Black.Names = append(l.Black.Names, fmt.Sprintf("kiosk%d-.*x$", i))
	}
	f, err := NewFilter(l)
	if err != nil {
		b.Fatal(err)
	}
	name, from := "kiosk77-"+strings.Repeat("a", 100), netip.MustParseAddr("10.0.0.1")
	b.ReportAllocs()
	for b.Loop() {
		f.Admits(name, from)
	}
}

func TestWhoIsIgnored(t *testing.T) {
	for _, row := range []struct {
		ignored Ignored
		is      bool
	}{
		{Ignored{}, false},
		{Ignored{All: true}, true},
		{Ignored{Names: []string{"kiosk7"}}, true},
		{Ignored{Names: []string{"kiosk"}}, false},
	} {
		f, err := NewFilter(Lists{Ignored: row.ignored})
		if err != nil {
			t.Fatal(err)
		}
		if is := f.Ignores("kiosk7"); is != row.is {
			t.Errorf("by %+v it is ignored: %t", row.ignored, is)
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	many := make([]string, maxListed+1)
	repeated := slices.Repeat([]string{"(?:[a-z]{500}[^a]{500})"}, maxListed)
	for what, l := range map[string]Lists{
		"names":            {White: List{Names: many}},
		"black names":      {Black: List{Names: many}},
		"addresses":        {Black: List{Addresses: make([]netip.Addr, maxListed+1)}},
		"ignored":          {Ignored: Ignored{Names: many}},
		"a long name":      {White: List{Names: []string{strings.Repeat("x", maxText+1)}}},
		"a long ignored":   {Ignored: Ignored{Names: []string{strings.Repeat("x", maxText+1)}}},
		"a back reference": {Black: List{Names: []string{`(a)\1`}}},
		"half a group":     {Black: List{Names: []string{`a)|(b`}}},
		"repetitions":      {Black: List{Names: repeated}},
		"no address":       {Black: List{Addresses: []netip.Addr{{}}}},
		"no network":       {Black: List{Networks: []netip.Prefix{{}}}},
		"half of IPv4":     {Black: List{Networks: []netip.Prefix{netip.MustParsePrefix("::ffff:0.0.0.0/80")}}},
	} {
		if _, err := NewFilter(l); err == nil {
			t.Errorf("%s: they are taken", what)
		}
	}
}
