package poll

import (
	"context"
	"errors"
	"net"
	"testing"
)

// housed is a connection and its handler in one.
type housed struct {
	fake
	socket Conn
}

func TestAConnectionMayBeAPartOfItsHandler(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		cfg := k.config
		cfg.New = func() (*Conn, Handler) {
			h := &housed{fake: fake{closed: make(chan error, 1)}}
			h.conn = &h.socket
			return h.conn, h
		}
		g, err := NewGroup(cfg)
		must(t, err)
		ran := make(chan error, 1)
		go func() { ran <- g.Run(context.Background()) }()
		opened := make(chan *housed, 1)
		here, there := net.Pipe()
		must(t, g.Add(here, func(_ *Turn, c *Conn) Handler {
			h, _ := c.Handler().(*housed)
			if h == nil || c != &h.socket {
				t.Error("it is by itself")
			}
			opened <- h
			return h
		}))
		h := want(t, "connection", opened)
		must(t, there.Close())
		_ = want(t, "Closed", h.closed) // how, each kind says in its own way
		g.Close()
		must(t, want(t, "the end", ran))
	})
}

func TestConnsAreThoseThatAreThere(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		g, err := NewGroup(k.config)
		must(t, err)
		ran := make(chan error, 1)
		go func() { ran <- g.Run(context.Background()) }()
		opened := make(chan *fake, 1)
		var all []*fake
		for range 5 {
			here, _ := net.Pipe()
			must(t, g.Add(here, func(_ *Turn, c *Conn) Handler {
				f := &fake{conn: c, closed: make(chan error, 1)}
				opened <- f
				return f
			}))
			all = append(all, want(t, "connection", opened))
		}
		for left := len(all); ; left-- {
			conns := g.Conns()
			seen := map[*Conn]bool{}
			for _, c := range conns {
				seen[c] = true
			}
			if len(conns) != left || len(seen) != left {
				t.Errorf("there are %d, %d of them different, want %d", len(conns), len(seen), left)
			}
			for _, f := range all[:left] {
				if !seen[f.conn] {
					t.Error("one is missing")
				}
			}
			if left == 0 {
				break
			}
			all[left-1].conn.Close(nil)
			if err := want(t, "Closed", all[left-1].closed); err != nil && !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}
		g.Close()
		must(t, want(t, "the end", ran))
	})
}
