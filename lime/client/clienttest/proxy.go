package clienttest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is an HTTP proxy on a port of this machine's, which knows CONNECT alone.
type Proxy struct {
	address string
	secure  bool
	user    *url.Userinfo // whom it serves; nil for everybody
	server  *http.Server
	running sync.WaitGroup
	opened  atomic.Int64

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// NewProxy starts a proxy that serves who shows these credentials, nil for everybody, and
// speaks TLS when it is given a configuration with a certificate. It panics as New does.
func NewProxy(user *url.Userinfo, secure *tls.Config) *Proxy {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("clienttest: %v", err))
	}
	p := &Proxy{address: l.Addr().String(), secure: secure != nil, user: user, conns: map[net.Conn]struct{}{}}
	if p.secure {
		l = tls.NewListener(l, secure)
	}
	p.server = &http.Server{Handler: http.HandlerFunc(p.serve), ReadHeaderTimeout: patience}
	p.running.Go(func() { _ = p.server.Serve(l) }) // until it is closed
	return p
}

// URL is the proxy's, with the credentials that it wants.
func (p *Proxy) URL() *url.URL {
	u := &url.URL{Scheme: "http", Host: p.address, User: p.user}
	if p.secure {
		u.Scheme = "https"
	}
	return u
}

// Tunnels tells how many were opened so far.
func (p *Proxy) Tunnels() int { return int(p.opened.Load()) }

// Close ends the proxy and all its tunnels, and waits for that.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.server.Close() // what it closes is gone either way
	p.mu.Lock()
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.running.Add(1)
	}
	p.mu.Unlock()
	if closed {
		return
	}
	defer p.running.Done()
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	if !p.knows(r) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="test"`)
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
		return
	}
	there, err := (&net.Dialer{Timeout: patience}).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, "nobody is there", http.StatusBadGateway)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	if err := here.SetDeadline(time.Time{}); err == nil {
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n") // else the copy below ends at once
	}
	p.join(here, there)
}

// knows tells whether a request has the credentials, in the place where those for a proxy are.
func (p *Proxy) knows(r *http.Request) bool {
	if p.user == nil {
		return true
	}
	asked := &http.Request{Header: http.Header{"Authorization": r.Header.Values("Proxy-Authorization")}}
	name, password, _ := asked.BasicAuth()
	want, _ := p.user.Password()
	return name == p.user.Username() && password == want
}

// join copies both ways until one ends.
func (p *Proxy) join(a, b net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		a.Close()
		b.Close()
		return
	}
	p.conns[a], p.conns[b] = struct{}{}, struct{}{}
	p.opened.Add(1)
	end := func() {
		a.Close()
		b.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, a)
		delete(p.conns, b)
	}
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		p.running.Go(func() {
			defer end()
			_, _ = io.Copy(way[0], way[1]) // how it ends is the peers' matter
		})
	}
}
