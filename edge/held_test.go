package edge

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// What is half sent, in whatever form, is bounded for all clients together, and whoever has been at it for longest goes.
func TestHalfSentIsBoundedForAll(t *testing.T) {
	const half = 200 << 10
	text := strings.Repeat("x", half)
	long := compressed(`{"x":"` + noise(half))
	cfg := compressing
	cfg.MaxHeld = 4 << 20
	for name, sends := range map[string]func(c *client){
		"half a frame":                  func(c *client) { c.write(frame(ws.OpText, text+text)[:half]) },
		"half an envelope":              func(c *client) { c.says(`{"x":"` + text) },
		"half an envelope in fragments": func(c *client) { c.write(part(ws.OpText, false, `{"x":"`+text)) },
		"half a compressed message": func(c *client) {
			c.write(compile(ws.Header{Rsv: 4, OpCode: ws.OpText, Masked: true, Length: half}, text))
		},
		"half an envelope that a worker inflates": func(c *client) { c.write(slices.Clone(long)) },
	} {
		inMemory(t, cfg, func(t *testing.T, e *fixture) {
			ana, rui := e.login("ana@example.org/1"), e.login("rui@example.org/1")
			var all []*client
			for i := range 60 {
				c := e.loginAgreed("eve@example.org/" + strconv.Itoa(i))
				all = append(all, c)
				sends(c)
				synctest.Wait()
				if n := e.loops.Stats().Held; n > int64(cfg.MaxHeld) || n < half/2 {
					t.Fatalf("%s: %d bytes are held", name, n)
				}
				time.Sleep(time.Millisecond)
			}
			gone := 0
			for i, c := range all {
				select {
				case _, ok := <-c.in:
					if ok {
						t.Errorf("%s: client %d is told something", name, i)
					}
					if gone++; i >= 52 {
						t.Errorf("%s: client %d is gone, who was among the last", name, i)
					}
				default:
				}
			}
			if n := int(e.loops.Stats().Evicted); gone < 30 || gone > 52 || n != gone {
				t.Errorf("%s: %d are gone, and %d counted", name, gone, n)
			}
			ana.greets("nothing happened", rui)
			long := `{"from":"ana@example.org/1","to":"rui@example.org/1","type":"text/plain","content":"` + text + `"}`
			ana.write(frame(ws.OpText, long)[:half])
			ana.write(frame(ws.OpText, long)[half:])
			rui.hearsFrame("a long one passes", ws.OpText, long)
		})
	}
}

// What a worker has inflated ends what was half sent, too.
func TestNothingIsHeldOfWhatAWorkerCompletes(t *testing.T) {
	inMemory(t, compressing, func(t *testing.T, e *fixture) {
		eve, rui := e.loginAgreed("eve@example.org/1"), e.login("rui@example.org/1")
		eve.says(`{"id":"long","to":"rui@example.org/1",`)
		synctest.Wait()
		if e.loops.Stats().Held == 0 {
			t.Fatal("half an envelope is not counted")
		}
		eve.write(compressed(`"type":"text/plain","content":"` + noise(30_000) + `"}`))
		rui.hears("all of it", `{"id":"long"}`)
		synctest.Wait()
		if n := e.loops.Stats().Held; n != 0 {
			t.Errorf("%d bytes are held", n)
		}
	})
}

func TestHalfRequestsAreBoundedForAll(t *testing.T) {
	inMemory(t, Config{MaxHeld: 1 << 20, Loops: 1}, func(t *testing.T, e *fixture) {
		for range 200 {
			c := e.connect()
			c.write([]byte(strings.TrimSuffix(request, "\r\n") + "X: " + strings.Repeat("x", 9<<10)))
			synctest.Wait()
			if n := e.loops.Stats().Held; n > 1<<20 {
				t.Fatalf("%d bytes are held", n)
			}
		}
		if n := e.loops.Stats().Evicted; n < 100 {
			t.Errorf("%d are gone", n)
		}
		e.login("ana@example.org/1")
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := e.loops.Stats().Held; n != 0 {
			t.Errorf("%d bytes are held after all have timed out", n)
		}
	})
}
