package config

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// check keeps the first thing that is wrong.
type check struct{ err error }

func (c *check) that(ok bool, flag, format string, args ...any) {
	if c.err == nil && !ok {
		c.err = fmt.Errorf("-%s: %s", flag, fmt.Sprintf(format, args...))
	}
}

func (c *check) atLeast(flag string, v, least int) {
	c.that(v >= least, flag, "%d is less than %d", v, least)
}

// leastStream has room for several of the largest envelopes: one for which there never
// is any holds up what comes behind it.
const leastStream = 16 << 20

// streamBytes checks the bound of a stream; 0 is none.
func (c *check) streamBytes(flag string, n int) {
	c.that(n == 0 || n >= leastStream, flag, "%d is less than %d, and not 0 for no bound", n, leastStream)
}

func (c *check) positive(flag string, d time.Duration) {
	c.that(d > 0, flag, "%s is not more than nothing", d)
}

// url checks the shape only. It never prints the URL, which may hold a password.
func (c *check) url(flag, s string, schemes ...string) {
	u, err := url.Parse(s)
	if err != nil {
		c.that(false, flag, "not a URL")
		return
	}
	c.that(slices.Contains(schemes, u.Scheme), flag, "the URL must begin with %s://", strings.Join(schemes, ":// or "))
	c.that(u.Host != "" || u.Scheme == "unix" && u.Path != "", flag, "the URL names no host")
}

// listen checks an address to bind; empty is left to the caller.
func (c *check) listen(flag, addr string) {
	if addr == "" {
		return
	}
	_, port, err := net.SplitHostPort(addr)
	c.that(err == nil, flag, "%q is not host:port", addr)
	if err == nil {
		c.port(flag, addr, port)
	}
}

// hostPort checks an address to reach.
func (c *check) hostPort(flag, addr string) {
	host, port, err := net.SplitHostPort(addr)
	c.that(err == nil && host != "", flag, "%q is not host:port", addr)
	if err == nil {
		c.port(flag, addr, port)
		c.that(port != "0", flag, "%q has no port to reach", addr)
	}
}

// advertise checks host or host:port.
func (c *check) advertise(flag, addr string) {
	if net.ParseIP(addr) != nil || !strings.Contains(addr, ":") {
		c.name(flag, addr)
		return
	}
	c.hostPort(flag, addr)
}

func (c *check) port(flag, addr, port string) {
	_, err := strconv.ParseUint(port, 10, 16)
	c.that(err == nil, flag, "%q has no port between 0 and 65535", addr)
}

// name checks a word that people and metrics will see.
func (c *check) name(flag, s string) {
	c.that(len(s) <= 128, flag, "longer than 128 bytes")
	c.that(!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }),
		flag, "%q has a space or a character that cannot be printed", s)
}

// domain checks what LIME allows (no slash, no at sign) and what a DNS name
// needs: labels of 1 to 63 letters, digits, hyphens and underscores, 253 bytes in
// all. Letters outside ASCII are given in their xn-- form.
func (c *check) domain(flag, d string) {
	c.that(d != "" && len(d) <= 253, flag, "a domain has 1 to 253 bytes")
	for label := range strings.SplitSeq(d, ".") {
		ok := label != "" && len(label) <= 63 && !strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
		})
		c.that(ok, flag, "%q is not a domain name", d)
	}
}
