package client

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// port is LIME's own, over TCP.
const port = "55321"

// address is where a server listens.
type address struct {
	url   *url.URL
	text  string
	proxy *url.URL // through which it is reached; nil for none
}

func parseAddress(text string) (address, error) {
	u, err := url.Parse(text)
	if err != nil {
		return address{}, fmt.Errorf("server %q: %w", text, err)
	}
	switch u.Scheme {
	case "ws", "wss", "net.tcp":
	default:
		return address{}, fmt.Errorf("server %q: the scheme is none of ws, wss and net.tcp", text)
	}
	if u.Hostname() == "" {
		return address{}, fmt.Errorf("server %q: no host", text)
	}
	if u.Path == "" && u.Scheme != "net.tcp" {
		u.Path = "/"
	}
	return address{url: u, text: text}, nil
}

// overTCP tells whether LIME is spoken without WebSocket.
func (a address) overTCP() bool { return a.url.Scheme == "net.tcp" }

// isHere tells whether the way to it does not leave this host. Whose loopback address it is
// that a proxy connects to is not known.
func (a address) isHere() bool {
	if a.proxy != nil {
		return false
	}
	host := a.url.Hostname()
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// hostPort is what to dial over TCP.
func (a address) hostPort() string {
	return net.JoinHostPort(a.url.Hostname(), cmp.Or(a.url.Port(), port))
}
