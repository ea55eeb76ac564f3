package main

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"limegrove/cmd/internal/process"
	"limegrove/internal/config"
)

// welcome tells whoever has started the edge where it is, and how to add another.
func welcome(to io.Writer, cfg config.Edge, s stores, p *process.Process, d doors, backends *process.APIListener) {
	scheme := "ws"
	if cfg.TLSCert != "" {
		scheme = "wss"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "edge %s serves %s\n", cfg.ID, strings.Join(cfg.Domains, ", "))
	if cfg.Pages {
		fmt.Fprintf(&b, "  chat    %s://%s/, in two windows with two names\n",
			strings.Replace(scheme, "ws", "http", 1), reachable(d.webSocket.Addr().String()))
	}
	fmt.Fprintf(&b, "  LIME    %s://%s/\n", scheme, reachable(d.webSocket.Addr().String()))
	if d.tcp != nil {
		fmt.Fprintf(&b, "          net.tcp://%s\n", reachable(d.tcp.Addr().String()))
	}
	if admin := p.AdminAddr(); admin != "" {
		fmt.Fprintf(&b, "  status  http://%s/status\n", reachable(admin))
	}
	if d.files != nil {
		fmt.Fprintf(&b, "  files   %s/files\n", cfg.Files.URL)
	}
	if backends != nil {
		scheme := "http"
		if cfg.API.TLSCert != "" {
			scheme = "https"
		}
		fmt.Fprintf(&b, "  API     %s://%s/openapi.json\n", scheme, reachable(backends.Addr().String()))
	}
	if d.connectors != nil {
		fmt.Fprintf(&b, "  aioconnectors  %s\n", reachable(d.connectors.Addr().String()))
	}
	if s.nats != nil {
		fmt.Fprintf(&b, "  NATS    embedded, %s, streams in %s\n", s.nats.URL(), cfg.Data)
	}
	if s.redis != nil {
		fmt.Fprintf(&b, "  Redis   embedded, %s\n", s.redis.URL())
	}
	if s.nats != nil && s.redis != nil {
		fmt.Fprintf(&b, "Add a second edge on this machine:\n  %s\n", secondEdge(cfg, s, p, d, backends))
	}
	// Nobody to tell is no reason not to serve.
	_, _ = io.WriteString(to, b.String())
}

// secondEdge is the command that adds an edge to this one.
func secondEdge(cfg config.Edge, s stores, p *process.Process, d doors, backends *process.APIListener) string {
	web, tcp := d.webSocket.Addr().String(), ""
	// Those of the second edge, and what only the first has.
	moved, kept := []string{web, p.AdminAddr(), p.Cluster.GossipAddr()}, []string{hostOf(s.nats.URL()), hostOf(s.redis.URL())}
	if d.tcp != nil {
		tcp = d.tcp.Addr().String()
		moved = append(moved, tcp)
	}
	if d.files != nil {
		moved = append(moved, d.files.Addr().String())
	}
	if d.connectors != nil {
		moved = append(moved, d.connectors.Addr().String())
	}
	if backends != nil {
		kept = append(kept, backends.Addr().String())
	}
	step := stepFrom(moved, kept)
	args := []string{
		"go run ./cmd/edge",
		"-id " + cfg.ID + "-2",
		"-listen " + laterPort(web, step),
		"-admin " + laterPort(p.AdminAddr(), step),
		"-gossip " + laterPort(p.Cluster.GossipAddr(), step),
		"-join " + p.Cluster.GossipAddr(),
		"-nats " + s.nats.URL(),
		"-redis " + s.redis.URL(),
	}
	if d.tcp != nil {
		args = append(args, "-tcp "+laterPort(tcp, step))
		var options []string
		for _, o := range cfg.TCPEncryption {
			options = append(options, string(o))
		}
		args = append(args, "-tcp-encryption "+strings.Join(options, ","))
	}
	if d.files != nil {
		args = append(args, "-files "+laterPort(d.files.Addr().String(), step))
	}
	if d.tls != nil {
		args = append(args, "-tls-cert "+cfg.TLSCert, "-tls-key "+cfg.TLSKey)
	}
	if strings.Join(cfg.Domains, ",") != "localhost" {
		args = append(args, "-domain "+strings.Join(cfg.Domains, ","))
	}
	if len(cfg.GossipKeys) > 0 {
		args = append(args, "-gossip-key <the same>") // a secret is not for the screen
	}
	if cfg.Pages {
		args = append(args, "-pages")
	}
	if cfg.RoomRules != "" {
		args = append(args, "-room-rules "+cfg.RoomRules)
	}
	args = append(args, cfg.LoginFlags()...)
	args = append(args, cfg.Bachata.Flags()...)
	args = append(args, cfg.HighTemplar.Flags(cfg.HighTemplarRooms)...)
	if d.connectors != nil {
		args = append(args, "-aioconnectors "+laterPort(d.connectors.Addr().String(), step))
		args = append(args, cfg.AioConnectors.Flags()...)
	}
	args = append(args, cfg.StreamFlags()...)
	return strings.Join(args, " ")
}

// stepFrom is how far the ports of a second edge are from those of the first, which it has as well: the smallest distance at which none
// is a port of the first, moved or kept. Whatever their hosts, for one may be all of them.
func stepFrom(moved, kept []string) int {
	taken := map[int]bool{}
	for _, addr := range slices.Concat(moved, kept) {
		taken[portOf(addr)] = true
	}
	for step := 1; ; step++ { // ends, as there are few ports
		if !slices.ContainsFunc(moved, func(addr string) bool { return portOf(addr) >= 0 && taken[portOf(addr)+step] }) {
			return step
		}
	}
}

// hostOf is the host and port of a URL.
func hostOf(at string) string {
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Host
}

// portOf is the port of an address; less than 0 for none.
func portOf(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return -2
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return -2
	}
	return n
}

// laterPort is the address with a port that is a step higher, as a shell wants it: an
// address that has none, of what is switched off, is an empty word.
func laterPort(addr string, step int) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return `""`
	}
	port := portOf(addr) + step
	if port < step || port > 1<<16-1 {
		port = 0 // any free one
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// reachable is a listener's address as one would type it on this machine.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
