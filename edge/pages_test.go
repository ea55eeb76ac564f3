package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pageOf is a page of so many bytes on every path.
type pageOf int

func (n pageOf) Answer(r *http.Request) (status int, head, body []byte) {
	status = http.StatusOK
	if r.URL.Path == "/nowhere" {
		status = http.StatusNotFound
	}
	head = fmt.Appendf(nil, "HTTP/1.1 %d x\r\nConnection: close\r\nX-Asked: %s %s\r\nContent-Length: %d\r\n\r\n", status, r.Method, r.URL, n)
	return status, head, bytes.Repeat([]byte{'x'}, int(n))
}

func TestPagesAreForWhoAsksForNoWebSocket(t *testing.T) {
	each(t, Config{Pages: pageOf(100_000)}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1") // on the path of a page as on any
		for _, row := range []struct{ asks, asked string }{
			{"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", "GET /"},
			{"GET /a/b.js?x=1 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a/b.js?x=1"},
			{"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD /"},
			{"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST /a"},
			{"GET /h2 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", "GET /h2"},
			{"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /1"}, // one connection, one answer
		} {
			c := e.connect()
			c.write([]byte(row.asks))
			answer, err := io.ReadAll(c.nc)
			head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
			if err != nil || !strings.Contains(head, "X-Asked: "+row.asked+"\r\n") || len(body) != 100_000 {
				t.Errorf("%q is answered by %q and %d bytes: %v", row.asks, head, len(body), err)
			}
		}
		for asks, status := range map[string]string{
			strings.Replace(request, "Connection: keep-alive, Upgrade\r\n", "", 1): "426", // a WebSocket that is none
			strings.Replace(request, "GET", "POST", 1):                             "405",
			"GET / HTTP/1.1\r\nConnection: close\r\n\r\n":                          "400",
			"GET / HTTP/1.0\r\nHost: x\r\n\r\n":                                    "505",
		} {
			c := e.connect()
			c.write([]byte(asks))
			c.wantRejected(status)
		}
		ana.greets("sessions go on", rui)
		c := e.connect()
		c.write([]byte("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"))
		c.wantRejected("404")
		for status, want := range map[string]int{"200": 6, "404": 1} {
			if n := counted(t, e.metrics.pages.WithLabelValues(status)); n != want {
				t.Errorf("%d answers with %s are counted, not %d", n, status, want)
			}
		}
	})
}

// Who takes nothing of its answer is cut, and all of them together hold no more than they may.
func TestWhoReadsAPageSlowlyCostsLittle(t *testing.T) {
	const size = 1 << 20
	inMemory(t, Config{Pages: pageOf(size - 1000)}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		asks := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		began := time.Now()
		for range maxPagesQueued / size {
			e.connect().write(asks)
		}
		synctest.Wait()
		if n := e.pages.queued.Load(); n <= maxPagesQueued-size || n > maxPagesQueued {
			t.Errorf("%d bytes are counted", n)
		}
		c := e.connect()
		c.write(asks)
		if answer := c.wantRejected("503"); !strings.Contains(answer, "\r\nRetry-After: ") {
			t.Errorf("one too many is not told when to come again: %q", answer)
		}
		if n := counted(t, e.metrics.rejections[rejectPages]); n != 1 {
			t.Errorf("%d are counted", n)
		}
		ana.greets("sessions go on", rui)
		for e.pages.queued.Load() > 0 {
			if time.Since(began) > time.Minute {
				t.Fatalf("%d bytes still wait after a minute", e.pages.queued.Load())
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("they were cut after %v, and not when a request would have been", took)
		}
		again := e.connect()
		again.write(asks)
		again.wantRejected("200") // there is room again
	})
}

func TestNoPagesWhileTheEdgeStops(t *testing.T) {
	inMemory(t, Config{Pages: pageOf(10)}, func(_ *testing.T, e *fixture) {
		c := e.connect()
		e.draining.Store(true)
		c.write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		c.wantRejected("503")
		e.draining.Store(false)
	})
}
