package edge

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

func TestUpgradeInStepsOfOneByte(t *testing.T) {
	each(t, Config{}, func(t *testing.T, e *fixture) {
		c := e.connect()
		for i := range len(request) {
			c.write([]byte(request[i : i+1]))
		}
		if head := c.wantUpgrade(); !strings.Contains(head, "Sec-WebSocket-Protocol: lime\r\n") { // L-TRN-01
			t.Errorf("the subprotocol is not echoed: %q", head)
		}
		c.login("ana@example.org/1")
		c.greets("to myself", c)
	})
}

// Frames right behind the request are read, too, whatever part of them has come.
func TestFramesMayFollowTheRequestAtOnce(t *testing.T) {
	each(t, Config{}, func(t *testing.T, e *fixture) {
		first := frame(ws.OpText, `{"state":"new"}`)
		for _, cut := range []int{0, 1, 5, len(first) - 1, len(first)} {
			c := e.connect()
			c.write(append([]byte(request), first[:cut]...))
			c.wantUpgrade()
			c.write(first[cut:])
			c.hears("an answer", `{"state":"authenticating"}`)
		}
	})
}

func TestUpgradeWithoutSubprotocol(t *testing.T) { // L-TRN-02
	inMemory(t, Config{}, func(t *testing.T, e *fixture) {
		for _, offer := range []string{"", "Sec-WebSocket-Protocol: other\r\n", "Sec-WebSocket-Protocol: x, lime\r\n"} {
			c := e.connect()
			c.write([]byte(strings.Replace(request, "Sec-WebSocket-Protocol: lime\r\n", offer, 1)))
			head := c.wantUpgrade()
			if echoed := strings.Contains(head, "Protocol: lime\r\n"); echoed != strings.Contains(offer, "lime") || strings.Contains(head, "other") {
				t.Errorf("%q is answered by %q", offer, head)
			}
			if strings.Contains(head, "Extensions") {
				t.Errorf("an extension is negotiated: %q", head)
			}
			c.login("ana@example.org/1")
			_ = c.nc.Close()
			synctest.Wait()
		}
	})
}

func TestRequestsThatAreNoUpgrade(t *testing.T) {
	without := func(header string) string {
		i := strings.Index(request, header+":")
		return request[:i] + request[i+strings.Index(request[i:], "\r\n")+2:]
	}
	for _, row := range []struct {
		name, request, status string
		why                   rejection
	}{
		{"a browser's GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426", rejectNoUpgrade},
		{"no Upgrade", without("Upgrade"), "426", rejectNoUpgrade},
		{"no Connection", without("Connection"), "426", rejectNoUpgrade},
		{"another upgrade", strings.Replace(request, "Upgrade: websocket", "Upgrade: h2c", 1), "426", rejectNoUpgrade},
		{"no key", without("Sec-WebSocket-Key"), "400", rejectMalformed},
		{"short key", strings.Replace(request, "dGhlIHNhbXBsZSBub25jZQ==", "eA==", 1), "400", rejectMalformed},
		{"no host", without("Host"), "400", rejectMalformed},
		{"another version", strings.Replace(request, "Version: 13", "Version: 8", 1), "426", rejectMalformed},
		{"POST", strings.Replace(request, "GET", "POST", 1), "405", rejectMalformed},
		{"HTTP/1.0", strings.Replace(request, "HTTP/1.1", "HTTP/1.0", 1), "505", rejectMalformed},
		{"no HTTP", "hello\r\n\r\n", "400", rejectMalformed},
		{"LIME over TCP", `{"state":"new"}` + "\r\n\r\n", "400", rejectMalformed},
		{"an empty head", "\r\n\r\n", "400", rejectMalformed},
		{"a header without a colon", strings.Replace(request, "Host: ", "Host ", 1), "400", rejectMalformed},
		{"zeros", strings.Repeat("\x00", 100) + "\r\n\r\n", "400", rejectMalformed},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400", rejectTLS},
		{"the beginning of TLS", "\x16\x03", "400", rejectTLS},
		{"LIME over TCP that goes on", `{"sta`, "400", rejectMalformed},
		{"longer than 16 KiB", "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("x", maxRequest), "431", rejectTooLong},
		{"longer, but ended", "GET / HTTP/1.1\r\nCookie: " + strings.Repeat("x", maxRequest) + "\r\n\r\n", "431", rejectTooLong},
	} {
		t.Run(row.name, func(t *testing.T) {
			inMemory(t, Config{}, func(t *testing.T, e *fixture) {
				ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
				c := e.connect()
				c.write([]byte(row.request))
				if answer := c.wantRejected(row.status); !strings.Contains(answer, "\r\n\r\n") {
					t.Errorf("half an answer: %q", answer)
				}
				ana.greets("nothing happened", rui)
				if n := counted(t, e.metrics.rejections[row.why]); n != 1 {
					t.Errorf("%d are counted", n)
				}
			})
		})
	}
}

func TestRequestThatJustFits(t *testing.T) {
	inMemory(t, Config{}, func(_ *testing.T, e *fixture) {
		c := e.connect()
		pad := maxRequest - len(request) - len("Cookie: \r\n")
		c.write([]byte(strings.Replace(request, "Host:", "Cookie: "+strings.Repeat("x", pad)+"\r\nHost:", 1)))
		c.wantUpgrade()
	})
}

func TestHalfARequestIsCutByTheDeadline(t *testing.T) {
	inMemory(t, Config{HandshakeTimeout: 10 * time.Second}, func(t *testing.T, e *fixture) {
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		began := time.Now()
		never, half := e.connect(), e.connect()
		half.write([]byte(request[:len(request)-1]))
		drip := e.connect()
		var dripping sync.WaitGroup
		dripping.Go(func() { // it never stops, but never comes far
			for i := range len(request) {
				time.Sleep(time.Second)
				if _, err := drip.nc.Write([]byte(request[i : i+1])); err != nil {
					return
				}
			}
		})
		for _, c := range []*client{never, half, drip} {
			c.wantRejected("408")
		}
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("it took %v", took)
		}
		ana.greets("nothing happened", rui)
		dripping.Wait()
		if n := counted(t, e.metrics.rejections[rejectTimeout]); n != 3 {
			t.Errorf("%d are counted", n)
		}
	})
}

func TestTooManyFromOneAddress(t *testing.T) {
	inMemory(t, Config{MaxPerAddress: 2}, func(t *testing.T, e *fixture) {
		from := e.pipes.from
		e.dial = from("192.0.2.1")
		ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
		e.dial = from("::ffff:192.0.2.1") // the same, as IPv6 has it
		c := e.connect()
		c.write([]byte(request))
		if answer := c.wantRejected("429"); !strings.Contains(answer, "\r\nRetry-After: ") {
			c.t.Errorf("it is not told when to come again: %q", answer)
		}
		if n := counted(t, e.metrics.rejections[rejectAddress]); n != 1 {
			t.Errorf("%d are counted", n)
		}
		e.dial = from("192.0.2.2")
		lia := e.login("lia@example.org/1")
		lia.greets("another address is not concerned", ana)
		_ = rui.nc.Close()
		synctest.Wait()
		e.dial = from("192.0.2.1")
		e.login("rui@example.org/1").greets("there is room again", ana)
	})
}
