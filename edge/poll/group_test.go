package poll

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"
)

func TestRunEndsWithTheLastConnection(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		g, err := NewGroup(k.config)
		must(t, err)
		here, there := net.Pipe()
		opened := make(chan *fake, 2)
		open := func(_ *Turn, c *Conn) Handler {
			f := &fake{conn: c, closed: make(chan error, 1)}
			opened <- f
			return f
		}
		must(t, g.Add(here, open))
		ctx, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- g.Run(ctx) }()
		f := want(t, "connection", opened)
		cancel()

		late, lateThere := net.Pipe()
		for { // the group is told soon
			if err := g.Add(late, open); err != nil {
				if !errors.Is(err, ErrClosed) {
					t.Errorf("Add while ending: %v", err)
				}
				break
			}
			f := want(t, "connection", opened)
			f.conn.Close(nil)
			if errors.Is(want(t, "Closed", f.closed), ErrClosed) {
				break
			}
			late, lateThere = net.Pipe()
		}
		if _, err := lateThere.Read(make([]byte, 1)); err == nil {
			t.Error("a connection is served after the end")
		}
		select {
		case err := <-ran:
			t.Fatalf("Run returned %v before the last connection ended", err)
		default:
		}
		must(t, there.Close())
		if err := want(t, "Closed", f.closed); !errors.Is(err, io.EOF) {
			t.Errorf("closed with %v", err)
		}
		must(t, want(t, "Run", ran))
		if err := g.Add(here, open); !errors.Is(err, ErrClosed) {
			t.Errorf("Add after the end: %v", err)
		}
		if err := g.Run(ctx); !errors.Is(err, ErrClosed) {
			t.Errorf("a second Run: %v", err)
		}
	})
}

func TestCloseEndsEveryConnection(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		const clients = 20
		ends := make(chan error, clients)
		opened := make(chan *Conn, clients)
		s := serve(t, k, nil, func(f *fake) {
			f.closed = ends
			opened <- f.conn
		})
		for range clients {
			handshake(t, s.dial(t))
			_ = want(t, "connection", opened)
		}
		s.group.Close()
		s.group.Close()
		for range clients {
			if err := want(t, "Closed", ends); !errors.Is(err, ErrClosed) {
				t.Errorf("closed with %v", err)
			}
		}
	})
}

func TestGroupThatNeverRanReleasesEverything(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		before := openFiles(t)
		g, err := NewGroup(k.config)
		must(t, err)
		here, there := net.Pipe()
		must(t, g.Add(here, func(*Turn, *Conn) Handler { return &fake{closed: make(chan error, 1)} }))
		g.Close()
		if _, err := there.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still there")
		}
		if n := openFiles(t); n > before {
			t.Errorf("%d descriptors are left", n-before)
		}
	})
}

func TestEndedConnectionsLeaveNoDescriptors(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		before := 0
		t.Run("", func(t *testing.T) {
			ends := make(chan error, 100)
			s := serve(t, k, nil, func(f *fake) { f.closed = ends })
			_ = s.dial(t).Close()
			_ = want(t, "Closed", ends)
			before = openFiles(t)
			for i := range 100 {
				nc := s.dial(t)
				if i%2 == 0 {
					handshake(t, nc)
				}
				must(t, nc.Close())
				_ = want(t, "Closed", ends)
			}
		})
		if n := openFiles(t); n > before {
			t.Errorf("%d descriptors are left", n-before)
		}
	})
}

// openFiles is how many descriptors this process has; 0 where one cannot tell.
func openFiles(t *testing.T) int {
	if runtime.GOOS != "linux" {
		return 0
	}
	files, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(files)
}

func TestConnectionsAreSpreadOverTheLoops(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		opened := make(chan *Conn, 20)
		s := serve(t, k, func(cfg *Config) { cfg.Loops = 4 }, func(f *fake) { opened <- f.conn })
		for range 20 {
			handshake(t, s.dial(t))
			_ = want(t, "connection", opened)
		}
		for i, l := range s.group.loops {
			if n := l.load.Load(); n != 5 {
				t.Errorf("loop %d has %d of 20 connections", i, n)
			}
		}
	})
}

// A client that has already sent its request gets the refusal, not a reset.
func TestRefusedConnectionGetsTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		answers := make(chan []byte, 1)
		s := serveHandlers(t, k, k.config, func(netip.AddrPort) (Opener, []byte) { return nil, <-answers })
		answers <- []byte("503")
		nc := s.dial(t)
		_, err := nc.Write(make([]byte, 10_000))
		must(t, err)
		if got, err := io.ReadAll(nc); err != nil || string(got) != "503" {
			t.Errorf("got %q, %v", got, err)
		}
		answers <- nil
		nc = s.dial(t)
		if got, err := io.ReadAll(nc); len(got) > 0 {
			t.Errorf("without an answer: %q, %v", got, err)
		}
	})
}

func TestAcceptIsToldThePeersAddress(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		told, opened := make(chan netip.AddrPort, 1), make(chan netip.AddrPort, 1)
		s := serveHandlers(t, k, k.config, func(remote netip.AddrPort) (Opener, []byte) {
			told <- remote
			return func(_ *Turn, c *Conn) Handler {
				opened <- c.RemoteAddr()
				return &fake{closed: make(chan error, 1)}
			}, nil
		})
		local := s.dial(t).LocalAddr().(*net.TCPAddr).AddrPort()
		if got := want(t, "accept", told); got != local {
			t.Errorf("accept is told %v of %v", got, local)
		}
		if got := want(t, "open", opened); got != local {
			t.Errorf("the connection is from %v, not %v", got, local)
		}
	})
}

// poorListener has no descriptors left at first.
type poorListener struct {
	net.Listener
	mu    sync.Mutex
	left  int
	asked int
}

func (l *poorListener) Accept() (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	if l.left == 0 {
		return nil, net.ErrClosed
	}
	l.left--
	return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
}

func (l *poorListener) Close() error   { return nil }
func (l *poorListener) Addr() net.Addr { return &net.TCPAddr{} }

func TestAcceptingPausesWhenThereAreNoDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, logged := logtest.NewNullLogger()
		g, err := NewGroup(Config{Goroutines: true, Logger: logger})
		must(t, err)
		defer g.Close()
		ln, start := &poorListener{left: 20}, time.Now()
		err = g.Serve(t.Context(), ln, nil)
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve says %v of a listener that others closed", err)
		}
		if spent := time.Since(start); spent < 6*time.Second || spent > 14*time.Second {
			t.Errorf("20 tries took %v", spent)
		}
		if n := len(logged.AllEntries()); n != 1 || logged.LastEntry().Level != logrus.WarnLevel {
			t.Errorf("it was logged %d times", n)
		}
	})
}

func TestMetricsAreRegisteredOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	g, err := NewGroup(Config{Registerer: registry})
	must(t, err)
	defer g.Close()
	families, err := registry.Gather()
	must(t, err)
	if len(families) != 11 || families[0].GetName() != "limegrove_poll_busy_seconds_total" || len(families[0].GetMetric()) != g.Loops() {
		t.Errorf("%d metrics, the first is %v", len(families), families[0].GetName())
	}
	if _, err := NewGroup(Config{Registerer: registry}); err == nil {
		t.Error("a second group has the same metrics")
	}
	if _, err := NewGroup(Config{Loops: -1}); err == nil {
		t.Error("a negative number of loops is taken")
	}
}

// brokenPoller fails when it is told to.
type brokenPoller struct {
	poller
	broken atomic.Bool
}

var errBroken = errors.New("broken")

func (p *brokenPoller) wait(sleep bool, until time.Time, newcomers int) (here, late []ready, err error) {
	here, late, err = p.poller.wait(sleep, until, newcomers)
	if p.broken.Load() {
		err = errBroken
	}
	return here, late, err
}

func TestBrokenLoopEndsTheGroup(t *testing.T) {
	each(t, func(t *testing.T, k kind) {
		cfg := k.config
		cfg.Loops = 2
		g, err := NewGroup(cfg)
		must(t, err)
		p := &brokenPoller{poller: g.loops[0].poller}
		g.loops[0].poller = p
		ran, ends, opened := make(chan error, 1), make(chan error, 4), make(chan *Conn, 1)
		go func() { ran <- g.Run(context.Background()) }()
		for range cap(ends) {
			here, _ := net.Pipe()
			must(t, g.Add(here, func(_ *Turn, c *Conn) Handler {
				opened <- c
				return &fake{conn: c, closed: ends}
			}))
			_ = want(t, "connection", opened)
		}
		p.broken.Store(true)
		g.loops[0].post(post{fn: func(*Turn) {}})
		broken := 0
		for range cap(ends) {
			switch err := want(t, "Closed", ends); {
			case errors.Is(err, errBroken):
				broken++
			case !errors.Is(err, ErrClosed):
				t.Errorf("closed with %v", err)
			}
		}
		if broken != 2 {
			t.Errorf("%d connections of the broken loop were told", broken)
		}
		if err := want(t, "Run", ran); !errors.Is(err, errBroken) {
			t.Errorf("Run returned %v", err)
		}
	})
}
