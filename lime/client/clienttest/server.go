package clienttest

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"limegrove/lime"
)

const (
	domain   = "localhost"
	patience = 10 * time.Second // for a client that does not read
)

// address is the server's own.
var address = lime.Node{Identity: lime.Identity{Name: lime.Postmaster, Domain: domain}, Instance: "#test"}

// Server serves guests of the domain localhost.
type Server struct {
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{}
	count int // of connections, so far
	leave func(*lime.Command) bool
}

// New starts a server on a port of this machine's. It panics when there is none, as
// net/http/httptest does, so that examples need no error.
func New() *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(fmt.Sprintf("clienttest: %v", err))
	}
	s := &Server{listener: l, conns: map[*conn]struct{}{}}
	s.running.Go(s.accept)
	return s
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	s := New()
	t.Cleanup(s.Close)
	return s
}

// Leave has the server leave some of the requests to it without an answer, from now on.
func (s *Server) Leave(which func(*lime.Command) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave = which
}

// URL is what to dial.
func (s *Server) URL() string { return "ws://" + s.listener.Addr().String() + "/" }

// Close ends the server and all connections, and waits for that. It may be called twice.
func (s *Server) Close() {
	s.listener.Close()
	s.Cut()
	s.running.Wait()
}

// Cut ends all connections without a word, as a crash would. Clients may come back.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.nc.Close()
	}
}

func (s *Server) accept() {
	for {
		nc, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.count++
		c := &conn{server: s, nc: nc, id: fmt.Sprintf("session-%d", s.count)}
		s.conns[c] = struct{}{}
		s.mu.Unlock()
		s.running.Go(c.serve)
	}
}

// conn is a client's connection.
type conn struct {
	server *Server
	nc     net.Conn
	id     string

	// Guarded by the server.
	node lime.Node // zero while it is not in session

	writing sync.Mutex
}

// serve reads until the end.
func (c *conn) serve() {
	defer func() {
		c.nc.Close()
		c.server.mu.Lock()
		defer c.server.mu.Unlock()
		delete(c.server.conns, c)
	}()
	if _, err := (ws.Upgrader{Protocol: func(b []byte) bool { return string(b) == "lime" }}).Upgrade(c.nc); err != nil {
		return
	}
	var h lime.Header
	for {
		b, _, err := wsutil.ReadClientData(locked{c})
		if err != nil {
			return
		}
		if _, err := h.Scan(b); err != nil {
			return
		}
		if !c.take(&h, b) {
			return
		}
	}
}

// locked writes the answers to pings between what others write.
type locked struct{ *conn }

// Read is that of io.Reader.
func (l locked) Read(b []byte) (int, error) { return l.nc.Read(b) }

// Write is that of io.Writer.
func (l locked) Write(b []byte) (int, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.nc.Write(b)
}

// say sends an envelope. A client that does not read is cut off.
func (c *conn) say(envelope []byte) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.nc.SetWriteDeadline(time.Now().Add(patience)); err == nil {
		err = wsutil.WriteServerText(c.nc, envelope)
		if err == nil {
			return
		}
	}
	c.nc.Close()
}
