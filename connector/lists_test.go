package connector

import (
	"net/netip"
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
	f, err := NewFilter(Lists{White: addresses("10.0.0.9")})
	if err != nil {
		t.Fatal(err)
	}
	if f.Admits("kiosk7", netip.Addr{}) {
		t.Error("who has no address is on the white list")
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
	for what, l := range map[string]Lists{
		"names":            {White: List{Names: many}},
		"black names":      {Black: List{Names: many}},
		"addresses":        {Black: List{Addresses: make([]netip.Addr, maxListed+1)}},
		"ignored":          {Ignored: Ignored{Names: many}},
		"a long name":      {White: List{Names: []string{strings.Repeat("x", maxText+1)}}},
		"a long ignored":   {Ignored: Ignored{Names: []string{strings.Repeat("x", maxText+1)}}},
		"a back reference": {Black: List{Names: []string{`(a)\1`}}},
	} {
		if _, err := NewFilter(l); err == nil {
			t.Errorf("%s: they are taken", what)
		}
	}
}
