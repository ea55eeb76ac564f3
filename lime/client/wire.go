package client

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
)

// wire is a connection, over WebSocket or TCP. One goroutine reads, and one writes.
type wire struct {
	conn   net.Conn
	heard  *ear
	frames *frames // nil over TCP
	in     *stream
	secure bool // by TLS
}

// ear notes when something was last read from a connection.
type ear struct {
	net.Conn
	began time.Time
	last  atomic.Int64 // since began, in nanoseconds
}

// Read: net.Conn.
func (e *ear) Read(b []byte) (int, error) {
	n, err := e.Conn.Read(b)
	if n > 0 {
		e.note()
	}
	return n, err
}

func (e *ear) note() { e.last.Store(int64(time.Since(e.began))) }

// silence is for how long nothing was read.
func (e *ear) silence() time.Duration { return e.age() - time.Duration(e.last.Load()) }

// age is for how long the connection has been there.
func (e *ear) age() time.Duration { return time.Since(e.began) }

// newWire takes a connection. in is nil over TCP, and otherwise what may hold the first
// frames already.
func newWire(conn *ear, in *bufio.Reader, limit int) *wire {
	w := &wire{conn: conn, heard: conn}
	if in == nil {
		w.in = newStream(conn, limit)
		return w
	}
	w.frames = newFrames(in)
	w.frames.control = w.control
	w.in = newStream(w.frames, limit)
	return w
}

// append appends an envelope to dst as it goes over the wire. It borrows envelope.
func (w *wire) append(dst, envelope []byte) []byte {
	if w.frames == nil {
		return append(dst, envelope...)
	}
	return appendFrame(dst, ws.OpText, envelope)
}

// within is interruptible for what is read from and written to the wire.
func (w *wire) within(ctx context.Context) (stop func() error) { return interruptible(ctx, w.heard) }

// interruptible has reads and writes of a connection end with ctx. stop ends that, and returns
// ctx's error if it came to that.
func interruptible(ctx context.Context, conn net.Conn) (stop func() error) {
	cancel := context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0)) // a closed connection ends by itself
	})
	return func() error {
		if cancel() {
			return nil
		}
		return context.Cause(ctx)
	}
}

// control takes a frame of WebSocket's own before there is a session.
func (w *wire) control(op ws.OpCode, payload []byte) error {
	switch op {
	case ws.OpPing:
		_, err := w.conn.Write(appendFrame(nil, ws.OpPong, payload))
		return err
	case ws.OpClose:
		return closed(payload)
	}
	return nil
}

// closed is the end by a Close frame.
func closed(payload []byte) error {
	code, _ := ws.ParseCloseFrameData(payload)
	return fmt.Errorf("closed by the server with %d", code)
}
