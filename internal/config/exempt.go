package config

import "net/netip"

// The words of -admission-exempt beside addresses and networks.
const (
	// ExemptPrivate are loopback, link-local and private networks: whoever comes from there is a proxy, a balancer or a
	// service of one's own rather than a client on its own.
	ExemptPrivate = "private"
	ExemptNone    = "none"
)

// private are the networks of RFC 1918, 6598, 4193, 1122 (loopback), 3927 and 4291 (link-local).
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
}

// Exempt are the networks that AdmissionExempt names.
func (e *Edge) Exempt() (all []netip.Prefix) {
	for _, one := range e.AdmissionExempt {
		networks, _ := exempt(one) // which is checked
		all = append(all, networks...)
	}
	return all
}

// exempt reads one of -admission-exempt.
func exempt(text string) (networks []netip.Prefix, ok bool) {
	switch text {
	case ExemptPrivate:
		return private, true
	case ExemptNone:
		return nil, true
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}, true
	}
	p, err := netip.ParsePrefix(text)
	return []netip.Prefix{p.Masked()}, err == nil
}
