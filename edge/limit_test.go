package edge

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// Who sends more than the rate allows is read from more slowly, so that the refusals
// cost the neighbors only so much: P8.
func TestFloodIsSlowedDown(t *testing.T) {
	for name, one := range map[string][]byte{
		"messages":     frame(ws.OpText, `{"to":"rui","type":"text/plain","content":"x"}`),
		"empty frames": frame(ws.OpText, ""),
		"pongs":        frame(ws.OpPong, ""),
		"pings":        frame(ws.OpPing, ""),
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, Config{EnvelopeRate: 100, ByteRate: 100_000}, func(t *testing.T, e *fixture) {
				ana, lia, eve := e.login("ana@example.org/1"), e.login("lia@example.org/1"), e.login("eve@example.org/1")
				began := time.Now()
				eve.write(bytes.Repeat(one, 5<<20/len(one)))
				if took := time.Since(began); took < 5*time.Second {
					t.Errorf("5 MB are taken in %v", took)
				}
				ana.greets("nothing happened", lia)
				eve.says(`{"id":"$id","state":"finishing"}`)
				for f := eve.next("finished"); ; f = eve.next("finished") {
					if f == nil {
						t.Fatalf("the end came before finished: %v", eve.err)
					}
					if f.Header.OpCode == ws.OpText && match(f.Payload, `{"state":"finished"}`) == nil {
						break
					}
				}
				eve.ends("it is heard in the end", 1000)
			})
		})
	}
}

// Whoever is not known yet has no need of long envelopes.
func TestStrangersSendShortEnvelopes(t *testing.T) {
	inMemory(t, Config{}, func(_ *testing.T, e *fixture) {
		login := func(n int) *client {
			c := e.upgraded()
			c.says(`{"state":"new"}`)
			c.hears("schemes", `{"state":"authenticating"}`)
			c.says(`{"id":"$id","from":"ana@example.org/1","state":"authenticating","scheme":"guest","authentication":{"token":"` + strings.Repeat("x", n) + `"}}`)
			return c
		}
		login(15<<10).hears("a token fits", `{"state":"established"}`)
		login(17<<10).hearsFailed("more does not", 21, ws.StatusMessageTooBig)
		c := e.upgraded()
		c.says(`{"x":"`)
		for range 20 {
			c.says(strings.Repeat("x", 1<<10))
		}
		c.hearsFailed("nor does it in pieces", 21, ws.StatusMessageTooBig)
	})
}
