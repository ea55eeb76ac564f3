package poll

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// Accept decides about a new connection, from Serve's goroutine. If open is
// nil, the connection is refused: it is closed at once, or, if refusal has
// bytes, after these were written. Whoever returns an open sees it called, and
// later Handler.Closed, unless the group has ended.
type Accept func(remote netip.AddrPort) (open Opener, refusal []byte)

// Serve takes ln and accepts connections from it until ctx is done, which is no
// error, then closes it. On Linux those of a *net.TCPListener become bare
// sockets; all others are served as Add does. When the system has no
// descriptors or memory left it pauses, and says so once.
func (g *Group) Serve(ctx context.Context, ln net.Listener, accept Accept) error {
	defer ln.Close()
	src, err := g.source(ln)
	if err != nil {
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	}
	defer src.close()
	defer context.AfterFunc(ctx, func() {
		src.close()
		g.arriving.wake()
	})()
	var pause backoff
	for {
		a, err := src.next()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				a.drop()
			}
			return nil
		case err == nil:
			pause = backoff{}
			if g.admit(a, accept) && a.among == newcomer {
				g.arriving.more(func() bool { return ctx.Err() != nil })
			}
			runtime.Gosched() // those who are there have their turn before the next one
		case errors.Is(err, syscall.ECONNABORTED):
		case isExhausted(err):
			if pause.begin() {
				g.warn.Tell(logrus.WarnLevel, "accepting pauses", err, logrus.Fields{"address": ln.Addr().String()})
			}
			pause.wait(ctx)
		default:
			return fmt.Errorf("serve %s: %w", ln.Addr(), err)
		}
	}
}

// source yields the connections of a listener.
type source interface {
	// next returns what the next connection is to be made of. It blocks.
	next() (arrival, error)
	// close ends a next that is under way. It may be called twice.
	close()
}

// admit serves a or refuses it. It tells whether a loop has got it.
func (g *Group) admit(a arrival, accept Accept) bool {
	open, refusal := accept(a.remote.addrPort())
	if open == nil && len(refusal) > 0 {
		open = g.refusing.opener(refusal)
	}
	if open == nil || !g.add(a, open) {
		a.drop()
		return false
	}
	return true
}

// drop closes what no loop has got.
func (a arrival) drop() {
	if a.stream == nil {
		socketClose(int(a.fd))
		return
	}
	// Nothing was written, so an error says nothing.
	_ = a.stream.top().Close()
}

// refusals are the connections that are only there to be told something. They
// linger, so there is a bound.
type refusals struct{ now atomic.Int32 }

const (
	maxRefusals  = 1024
	refusalGrace = time.Second
)

// opener returns nil when there are too many already.
func (r *refusals) opener(answer []byte) Opener {
	if r.now.Add(1) > maxRefusals {
		r.now.Add(-1)
		return nil
	}
	return func(t *Turn, c *Conn) Handler {
		// It fails if answer is above MaxAppend, and then nothing is said.
		_ = t.Batch.Append(c, nil, answer)
		c.CloseAfterFlush(refusalGrace)
		return (*refused)(r)
	}
}

// refused is the handler of a refused connection.
type refused refusals

// Data is that of Handler: all is taken, and nothing becomes of it.
func (*refused) Data(_ *Turn, b []byte) (n, need int) { return len(b), 0 }

// Timer is that of Handler.
func (*refused) Timer(*Turn) {}

// Drained is that of Handler.
func (*refused) Drained(*Turn) {}

// Closed is that of Handler.
func (r *refused) Closed(*Turn, error) { r.now.Add(-1) }

// listenerSource is any listener.
type listenerSource struct{ ln net.Listener }

func (s listenerSource) next() (arrival, error) {
	nc, err := s.ln.Accept()
	if err != nil {
		return arrival{}, err
	}
	limitUnsentBelow(nc)
	return arrival{stream: newStream(nc), fd: -1, remote: peerOf(addrPort(nc.RemoteAddr()))}, nil
}

func (s listenerSource) close() { _ = s.ln.Close() } // Serve returns a real error

// isExhausted says that accepting fails for want of something that others may
// give back.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

// backoff is a pause that grows. The zero backoff has not begun.
type backoff struct{ d time.Duration }

// begin lengthens the pause and says whether it is the first.
func (b *backoff) begin() bool {
	first := b.d == 0
	b.d = min(max(2*b.d, 5*time.Millisecond), time.Second)
	return first
}

// wait takes between a half and the whole of the pause.
func (b *backoff) wait(ctx context.Context) {
	timer := time.NewTimer(b.d/2 + rand.N(b.d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
