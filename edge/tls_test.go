package edge

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// A client that does not even shake hands is in nobody's way, and cut.
func TestHalfATLSHandshakeIsCutByTheDeadline(t *testing.T) {
	e := newFixture(t, Config{MaxSessions: 100, HandshakeTimeout: 200 * time.Millisecond, CloseTimeout: 200 * time.Millisecond})
	e.runInMemory()
	ana := e.login("ana@example.org/1")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var serving sync.WaitGroup
	serving.Go(func() { must(t, e.Serve(t.Context(), ListenTLS(ln, tlsConfig()))) })
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
		said, err := io.ReadAll(nc)
		if isTimeout(err) {
			t.Errorf("%s: not cut, %v", name, err)
		}
		if told := strings.Contains(string(said), "this port speaks TLS"); told != (first == request) {
			t.Errorf("%s: it is told %q", name, said)
		}
		_ = nc.Close()
		ana.greets("nothing happened", ana)
	}
	if n := counted(t, e.metrics.rejections[rejectClear]); n != 1 {
		t.Errorf("%d have spoken in clear", n)
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
