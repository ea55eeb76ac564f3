package routing

import (
	"bytes"
	"net"
	"testing"

	"github.com/nats-io/nats.go"
)

// deaf connects to a broker that takes everything, hears nothing and allocates nothing: what
// is measured over it is the edge's side alone.
func deaf(tb testing.TB) *nats.Conn {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, err = c.Write([]byte(`INFO {"server_id":"deaf","version":"2.15.0","proto":1,"headers":true,"max_payload":1048576}` + "\r\n"))
		ping, pong := []byte("PING\r\n"), []byte("PONG\r\n")
		for b := make([]byte, 64<<10); err == nil; {
			var n int
			if n, err = c.Read(b); bytes.HasSuffix(b[:n], ping) {
				_, err = c.Write(pong)
			}
		}
	}()
	nc, err := nats.Connect("nats://"+l.Addr().String(), nats.NoReconnect())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		nc.Close()
		l.Close()
		<-ended
	})
	return nc
}
