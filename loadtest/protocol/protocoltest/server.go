package protocoltest

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// Fate is what becomes of a message.
type Fate int

// The fates.
const (
	Deliver Fate = iota
	Drop
	Double  // it is delivered twice
	Delay   // it is delivered behind the next one that comes
	Pervert // its number is one that was never sent
)

// Server is a server of Plain, on this machine, until its test ends. It listens at several addresses,
// as if there were several of it.
type Server struct {
	fate     func(n int64) Fate
	refuse   atomic.Int64 // so many clients are told that it is busy
	messages atomic.Int64
	serving  sync.WaitGroup

	mu      sync.Mutex
	clients map[string]*peer
	rooms   map[string][]*peer
	delayed func()

	addresses []netip.AddrPort

	stall sync.RWMutex // held for writing while nothing is done
}

// peer is a client as the server has it.
type peer struct {
	mu   sync.Mutex
	conn net.Conn
}

// Serve starts a server. fate decides about the n-th message, from 0 on; nil delivers all.
func Serve(t testing.TB, fate func(n int64) Fate) *Server {
	t.Helper()
	s := &Server{fate: fate, clients: map[string]*peer{}, rooms: map[string][]*peer{}}
	var all []net.Listener
	for range listeners {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.addresses = append(s.addresses, listener.Addr().(*net.TCPAddr).AddrPort())
		all = append(all, listener)
		s.serving.Go(func() { s.accept(listener) })
	}
	t.Cleanup(func() {
		for _, listener := range all {
			_ = listener.Close()
		}
		s.Cut()
		s.serving.Wait()
	})
	return s
}

// listeners is at how many addresses it listens.
const listeners = 3

// Addresses are where it listens.
func (s *Server) Addresses() []netip.AddrPort { return s.addresses }

// Refuse has it tell the next n clients that it is busy.
func (s *Server) Refuse(n int64) { s.refuse.Store(n) }

// Stall has it do nothing until the function that it returns is called.
func (s *Server) Stall() (resume func()) {
	s.stall.Lock()
	return s.stall.Unlock
}

// Cut ends all connections.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.clients {
		_ = p.conn.Close()
	}
}

func (s *Server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.serving.Go(func() {
			defer conn.Close()
			s.serve(&peer{conn: conn})
		})
	}
}

func (s *Server) serve(p *peer) {
	upgrader := ws.Upgrader{Protocol: func(name []byte) bool { return string(name) == "plain" }}
	if _, err := upgrader.Upgrade(p.conn); err != nil {
		return
	}
	for {
		text, _, err := wsutil.ReadClientData(p.conn)
		if err != nil {
			return
		}
		s.stall.RLock()
		s.take(p, text)
		s.stall.RUnlock()
	}
}

// take does what a client says.
func (s *Server) take(p *peer, text []byte) {
	word, rest, _ := bytes.Cut(text, []byte{' '})
	to, what, _ := bytes.Cut(rest, []byte{' '})
	switch string(word) {
	case "hello":
		if s.refuse.Add(-1) >= 0 {
			p.say("busy")
			return
		}
		s.mu.Lock()
		s.clients[string(to)] = p
		s.mu.Unlock()
		p.say("welcome")
	case "to":
		s.deliver(s.who(to), what)
	case "keep":
		p.say("kept " + string(what))
		s.deliver(s.who(to), what)
	case "read":
		s.say(s.who(to), "read "+string(what))
	case "ask":
		p.say("answer")
	case "join":
		s.mu.Lock()
		s.rooms[string(to)] = append(s.rooms[string(to)], p)
		s.mu.Unlock()
		p.say("joined")
	case "all":
		s.mu.Lock()
		members := s.rooms[string(to)]
		s.mu.Unlock()
		s.deliver(members, what)
	}
}

func (s *Server) who(number []byte) []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.clients[string(number)]; ok {
		return []*peer{p}
	}
	return nil
}

// deliver delivers a message, or what has been decided about it.
func (s *Server) deliver(to []*peer, what []byte) {
	text := "got " + string(what)
	fate := Deliver
	if n := s.messages.Add(1) - 1; s.fate != nil {
		fate = s.fate(n)
	}
	s.mu.Lock()
	before := s.delayed
	s.delayed = nil
	if fate == Delay {
		s.delayed = func() { s.say(to, text) }
	}
	s.mu.Unlock()
	switch fate {
	case Deliver:
		s.say(to, text)
	case Double:
		s.say(to, text)
		s.say(to, text)
	case Pervert:
		s.say(to, text[:len("got ")+8]+"ffff"+strconv.Itoa(1000)+text[len("got ")+16:])
	}
	if before != nil {
		before()
	}
}

func (s *Server) say(to []*peer, text string) {
	for _, p := range to {
		p.say(text)
	}
}

// say tells a client something. One that is gone has ended its goroutine.
func (p *peer) say(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = ws.WriteFrame(p.conn, ws.NewTextFrame([]byte(text)))
}
