package config

import (
	"net/netip"
	"slices"
	"testing"
)

func TestWhoIsExempt(t *testing.T) {
	for _, c := range []struct {
		flag   string
		exempt []string
		not    []string
	}{
		{"private", []string{"10.1.2.3", "172.31.0.1", "192.168.1.1", "127.9.9.9", "::1", "fd00::1", "fe80::1", "100.64.1.1"}, []string{"192.0.2.1", "2001:db8::1", "172.32.0.1"}},
		{"none", nil, []string{"10.1.2.3", "127.0.0.1"}},
		{"192.0.2.1,2001:db8::/32,::ffff:192.0.2.7", []string{"192.0.2.1", "2001:db8:5::9", "192.0.2.7"}, []string{"192.0.2.2", "10.1.2.3"}},
		{"private,192.0.2.99/28", []string{"10.1.2.3", "192.0.2.98"}, []string{"192.0.2.1"}},
	} {
		e := mustParseEdge(t, nil, "-admission-exempt", c.flag)
		is := func(address string) bool {
			return slices.ContainsFunc(e.Exempt(), func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(address)) })
		}
		for _, a := range c.exempt {
			if !is(a) {
				t.Errorf("%s: %s is not exempt", c.flag, a)
			}
		}
		for _, a := range c.not {
			if is(a) {
				t.Errorf("%s: %s is exempt", c.flag, a)
			}
		}
	}
}
