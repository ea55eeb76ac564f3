package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A client that does not even shake hands is in nobody's way, and cut.
func TestHalfATLSHandshakeIsCutByTheDeadline(t *testing.T) {
	e := newFixture(t, Config{HandshakeTimeout: 200 * time.Millisecond, CloseTimeout: 200 * time.Millisecond})
	e.runInMemory()
	ana := e.login("ana@example.org/1")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { must(t, e.Serve(t.Context(), tls.NewListener(ln, tlsConfig()))) })
	t.Cleanup(serving.Wait) // the context of the test is done then
	for name, first := range map[string]string{
		"nothing":           "",
		"half a record":     "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"half a head":       "\x16\x03\x01",
		"HTTP in the clear": request,
	} {
		nc, err := net.Dial("tcp", ln.Addr().String())
		must(t, err)
		must(t, nc.SetDeadline(time.Now().Add(patience)))
		_, err = nc.Write([]byte(first))
		must(t, err)
		if _, err := io.ReadAll(nc); isTimeout(err) {
			t.Errorf("%s: not cut, %v", name, err)
		}
		_ = nc.Close()
		ana.greets("nothing happened", ana)
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
