package poll

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
)

// dialKinds are the ways in which a group connects.
func dialKinds() map[string]Config {
	all := map[string]Config{"goroutines": {Goroutines: true}}
	if runtime.GOOS == "linux" {
		all["sockets"] = Config{}
	}
	return all
}

// dialer is a group that connects.
func dialer(t *testing.T, cfg Config) *Group {
	t.Helper()
	g, err := NewGroup(cfg)
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() { must(t, g.Run(context.Background())) })
	t.Cleanup(func() {
		g.Close()
		running.Wait()
	})
	return g
}

func TestDialedConnectionSaysWhatIsQueuedBeforeItIsThere(t *testing.T) {
	for name, cfg := range dialKinds() {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer ln.Close()
			heard, from := make(chan string, 1), make(chan string, 1)
			open := func(turn *Turn, c *Conn) Handler {
				must(t, turn.Batch.Append(c, []byte("hel"), []byte("lo")))
				return &fake{conn: c, closed: make(chan error, 1), data: func(_ *Turn, b []byte) (int, int) {
					heard <- string(b)
					return len(b), 0
				}}
			}
			must(t, dialer(t, cfg).Dial(netip.MustParseAddr("127.9.8.7"), addrPort(ln.Addr()), open))
			nc, err := ln.Accept()
			must(t, err)
			defer nc.Close()
			from <- addrPort(nc.RemoteAddr()).Addr().String()
			b := make([]byte, 5)
			_, err = nc.Read(b)
			must(t, err)
			if _, err := nc.Write([]byte("you")); err != nil || string(b) != "hello" {
				t.Errorf("it says %q, and can be told something: %v", b, err)
			}
			if got := want(t, "an answer", heard); got != "you" {
				t.Errorf("it has heard %q", got)
			}
			if got := <-from; got != "127.9.8.7" {
				t.Errorf("it comes from %s", got)
			}
		})
	}
}

func TestDialedConnectionIsClosedWhenThereIsNobody(t *testing.T) {
	for name, cfg := range dialKinds() {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			nobody := addrPort(ln.Addr())
			must(t, ln.Close())
			f := &fake{closed: make(chan error, 1)}
			must(t, dialer(t, cfg).Dial(netip.Addr{}, nobody, func(_ *Turn, c *Conn) Handler {
				f.conn = c
				return f
			}))
			if err := want(t, "the end", f.closed); err == nil {
				t.Error("it ends without a reason")
			}
		})
	}
}

func TestDialedConnectionCanSpeakTLS(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ln := tlsServer(t, plain)
	defer ln.Close()
	heard := make(chan string, 1)
	open := func(turn *Turn, c *Conn) Handler {
		must(t, turn.Batch.Append(c, []byte("hel"), []byte("lo")))
		return &fake{conn: c, closed: make(chan error, 1), data: func(_ *Turn, b []byte) (int, int) {
			heard <- string(b)
			return len(b), 0
		}}
	}
	must(t, dialer(t, Config{}).DialTLS(netip.Addr{}, addrPort(ln.Addr()), &tls.Config{InsecureSkipVerify: true}, open))
	nc, err := ln.Accept()
	must(t, err)
	defer nc.Close()
	b := make([]byte, 5)
	_, err = io.ReadFull(nc, b)
	must(t, err)
	if _, err := nc.Write([]byte("you")); err != nil || string(b) != "hello" {
		t.Errorf("it says %q, and can be told something: %v", b, err)
	}
	if got := want(t, "an answer", heard); got != "you" {
		t.Errorf("it has heard %q", got)
	}
}

func TestDialedConnectionIsClosedWhenTheHandshakeFails(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ln := tlsServer(t, plain)
	defer ln.Close()
	f := &fake{closed: make(chan error, 1)}
	must(t, dialer(t, Config{}).DialTLS(netip.Addr{}, addrPort(ln.Addr()), &tls.Config{ServerName: "somebody"}, func(_ *Turn, c *Conn) Handler {
		f.conn = c
		return f
	}))
	nc, err := ln.Accept()
	must(t, err)
	defer nc.Close()
	if err := nc.(*tls.Conn).Handshake(); err == nil {
		t.Error("the client takes any certificate")
	}
	var unknown *tls.CertificateVerificationError
	if err := want(t, "the end", f.closed); !errors.As(err, &unknown) {
		t.Errorf("it ends by %v", err)
	}
}

func TestClosedGroupDialsNobody(t *testing.T) {
	for name, cfg := range dialKinds() {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer ln.Close()
			g, err := NewGroup(cfg)
			must(t, err)
			g.Close()
			err = g.Dial(netip.Addr{}, addrPort(ln.Addr()), func(*Turn, *Conn) Handler {
				t.Error("a connection is opened")
				return nil
			})
			if err == nil {
				t.Error("it dials")
			}
		})
	}
}
