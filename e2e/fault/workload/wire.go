package workload

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

const (
	dialing = 5 * time.Second // a connection and its upgrade
	writing = 5 * time.Second // what a write may take until the connection is given up
)

// readBuffer is small, so that a client that stops reading shows soon.
const readBuffer = 8 << 10

// wire is a connection, over WebSocket or, with an URL net.tcp://, over TCP. One goroutine
// reads; any may write.
type wire struct {
	conn    net.Conn
	in      *bufio.Reader // of WebSocket's frames
	objects *json.Decoder // over TCP; nil over WebSocket

	mu  sync.Mutex
	out []byte
}

func dial(ctx context.Context, url string) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, dialing)
	defer cancel()
	if address, ok := strings.CutPrefix(url, "net.tcp://"); ok {
		conn, err := dialTCP(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return &wire{conn: conn, objects: json.NewDecoder(conn)}, nil
	}
	d := ws.Dialer{Protocols: []string{"lime"}, NetDial: dialTCP}
	conn, in, _, err := d.Dial(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", url, err)
	}
	if in == nil {
		in = bufio.NewReaderSize(conn, 4<<10)
	}
	return &wire{conn: conn, in: in}, nil
}

func dialTCP(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetReadBuffer(readBuffer)
	}
	return conn, err
}

// write sends one frame; over TCP there are texts alone. It borrows payload.
func (w *wire) write(op ws.OpCode, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := (*buffer)(&w.out)
	*b = (*b)[:0]
	if w.objects != nil {
		if op == ws.OpText {
			*b = append(*b, payload...)
		}
	} else {
		// Under the zero mask a payload stays as it is.
		frame := ws.Frame{
			Header:  ws.Header{Fin: true, OpCode: op, Masked: true, Length: int64(len(payload))},
			Payload: payload,
		}
		if err := ws.WriteFrame(b, frame); err != nil {
			return err
		}
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(writing)); err != nil {
		return err
	}
	_, err := w.conn.Write(w.out)
	return err
}

// read returns the next frame, or an envelope as if it were one. An edge fragments nothing.
func (w *wire) read() (ws.OpCode, []byte, error) {
	if w.objects != nil {
		var envelope json.RawMessage
		err := w.objects.Decode(&envelope)
		return ws.OpText, envelope, err
	}
	head, err := ws.ReadHeader(w.in)
	if err != nil {
		return 0, nil, err
	}
	const most = 1 << 20
	if head.Length > most {
		return 0, nil, fmt.Errorf("a frame of %d bytes", head.Length)
	}
	payload := make([]byte, head.Length)
	_, err = io.ReadFull(w.in, payload)
	return head.OpCode, payload, err
}

func (w *wire) close() { w.conn.Close() }

// buffer is a slice as a writer.
type buffer []byte

// Write is that of io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
