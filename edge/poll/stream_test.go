package poll

import (
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// A connection that has ended, and that somebody still has, keeps nothing of what was below it.
func TestAClosedStreamKeepsNothing(t *testing.T) {
	g := dialer(t, Config{Goroutines: true})
	freed, opened := make(chan struct{}), make(chan *Conn, 1)
	f := &fake{closed: make(chan error, 1)}
	func() {
		here, there := net.Pipe()
		defer there.Close()
		below := &struct{ net.Conn }{here}
		runtime.AddCleanup(below, func(freed chan struct{}) { close(freed) }, freed)
		must(t, g.Add(below, func(_ *Turn, c *Conn) Handler {
			f.conn = c
			opened <- c
			return f
		}))
	}()
	c := want(t, "the connection", opened)
	if err := want(t, "its end", f.closed); !errors.Is(err, io.EOF) {
		t.Errorf("it ends by %v", err)
	}
	for end := time.Now().Add(patience); ; {
		runtime.GC()
		select {
		case <-freed:
			runtime.KeepAlive(c)
			return
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatal("what was below it is kept")
		}
	}
}
