package routing

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"limegrove/routing/interest"
)

// link is what lies between one edge and a broker, which others reach without it.
type link struct {
	t      testing.TB
	listen net.Listener
	broker string // its address
	all    sync.WaitGroup

	mu    sync.Mutex
	what  linkState
	moved chan struct{} // closed when what is another
	conns []net.Conn
}

type linkState int

const (
	whole     linkState = iota
	hanging             // takes what is sent to the broker and brings it nowhere
	forgetful           // of what is sent to the broker it brings the greeting; the rest it brings when it is whole
	cut                 // what was there is broken, and nothing new comes
)

// newLink returns a whole link to a broker.
func newLink(t testing.TB, b *broker) *link {
	t.Helper()
	u, err := url.Parse(b.srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{t: t, listen: listen, broker: u.Host, moved: make(chan struct{})}
	l.all.Go(l.accept)
	t.Cleanup(func() {
		listen.Close()
		l.Set(cut)
		l.all.Wait()
	})
	return l
}

// connect is a connection of an edge over the link. While that is cut it tries on.
func (l *link) connect() *nats.Conn {
	l.t.Helper()
	closed := make(chan struct{})
	nc, err := nats.Connect("nats://"+l.listen.Addr().String(), interest.Option(), nats.MaxReconnects(-1),
		nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		nc.Close()
		<-closed
	})
	return nc
}

// Set changes the link.
func (l *link) Set(what linkState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.what = what
	close(l.moved)
	l.moved = make(chan struct{})
	if what == cut {
		for _, c := range l.conns {
			c.Close()
		}
		l.conns = nil
	}
}

func (l *link) state() (what linkState, moved <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.what, l.moved
}

// keep notes connections, unless the link is cut, which ends them.
func (l *link) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.what != cut {
		l.conns = append(l.conns, conns...)
		return true
	}
	for _, c := range conns {
		c.Close()
	}
	return false
}

func (l *link) accept() {
	for {
		edge, err := l.listen.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", l.broker)
		if err != nil {
			edge.Close()
			continue
		}
		if l.keep(edge, broker) {
			l.all.Go(func() { l.bring(edge, broker, true) })
			l.all.Go(func() { l.bring(broker, edge, false) })
		}
	}
}

// bring brings what comes from one to the other, until either is closed.
func (l *link) bring(from, to net.Conn, toBroker bool) {
	defer from.Close()
	defer to.Close()
	greeted := !toBroker
	for b := make([]byte, 64<<10); ; {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		what, moved := l.state()
		for what == forgetful && greeted && toBroker {
			<-moved
			what, moved = l.state()
		}
		if what == hanging && toBroker {
			continue
		}
		greeted = greeted || bytes.HasSuffix(b[:n], []byte("PING\r\n"))
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}
