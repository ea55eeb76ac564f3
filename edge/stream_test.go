package edge

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

func TestSeveralEnvelopesInOneMessage(t *testing.T) { // L-TRN-04, L-TRN-06
	each(t, Config{}, func(_ *testing.T, e *fixture) {
		c := e.login("ana@example.org/1")
		const ping = `{"id":"%d","method":"get","uri":"/ping"}`
		c.says("\n\t " + fmt.Sprintf(ping, 1) + fmt.Sprintf(ping, 2) + "\r\n" + fmt.Sprintf(ping, 3) + "\n")
		for i := range 3 {
			c.hears("an answer to each", fmt.Sprintf(`{"id":"%d","status":"success"}`, i+1))
		}
		c.says("")
		c.says(" \n")
		c.says(fmt.Sprintf(ping, 4))
		c.hears("nothing and white space are ignored", `{"id":"4"}`)
	})
}

func TestFragmentsWithControlFramesBetween(t *testing.T) { // RFC 6455, section 5.4
	each(t, Config{}, func(_ *testing.T, e *fixture) {
		c := e.login("ana@example.org/1")
		c.write(part(ws.OpText, false, `{"id":"1","method":"g`))
		c.write(frame(ws.OpPing, "between"))
		c.hearsFrame("a pong in the middle of it", ws.OpPong, "between")
		c.write(part(ws.OpContinuation, false, ``))
		c.write(part(ws.OpContinuation, false, `et","uri":"/pi`))
		c.write(frame(ws.OpPong, ""))
		c.write(part(ws.OpContinuation, true, `ng"}`))
		c.hears("an answer to the whole", `{"id":"1","status":"success"}`)
		c.says(`{"id":"2","method":"get","uri":"/ping"}`)
		c.hears("and the next one is not part of it", `{"id":"2"}`)
		c.write(part(ws.OpText, false, `{"id":"3","method":"get"`))
		c.write(frame(ws.OpClose, "\x03\xe8"))
		c.ends("a close in the middle of it", 1000)
	})
}

func TestCharactersMayBeCutAnywhere(t *testing.T) { // L-TRN-07
	inMemory(t, Config{}, func(_ *testing.T, e *fixture) {
		c := e.login("ana@example.org/1")
		message := `{"to":"ana@example.org/1","from":"ana@example.org/1","type":"text/plain","content":"é€𝄞 \u00e9 \"}{\" \\"}`
		for cut := 1; cut < len(message); cut++ {
			c.write(append(part(ws.OpText, false, message[:cut]), part(ws.OpContinuation, true, message[cut:])...))
			c.hearsFrame("cut between fragments", ws.OpText, message)
			c.says(message[:cut])
			c.says(message[cut:])
			c.hearsFrame("cut between messages", ws.OpText, message)
		}
	})
}

// However a client cuts its envelopes into messages, fragments and writes, what is
// read is the same: L-TRN-04.
func TestStreamIsReadAlikeHoweverItIsCut(t *testing.T) {
	e := newFixture(t, Config{EnvelopeRate: -1, ByteRate: -1, goroutines: true}) // rapid wants no bubble
	e.runInMemory()
	c := e.login("ana@example.org/1")
	rapid.Check(t, func(r *rapid.T) {
		var envelopes []string
		var text strings.Builder
		for range rapid.IntRange(1, 6).Draw(r, "envelopes") {
			envelope := fmt.Sprintf(`{"from":"ana@example.org/1","to":"ana@example.org/1","type":"text/plain","content":%q}`,
				rapid.StringMatching(`[a-zé€{}\[\]",: ]{0,300}`).Draw(r, "content"))
			envelopes = append(envelopes, envelope)
			text.WriteString(rapid.StringMatching(`[ \n\t]{0,3}`).Draw(r, "space"))
			text.WriteString(envelope)
		}
		var wire []byte
		rest, fragmented := text.String(), false
		for rest != "" || fragmented {
			n := rapid.IntRange(0, min(len(rest), 400)).Draw(r, "length")
			fin := rapid.Bool().Draw(r, "fin")
			op := ws.OpText
			if fragmented {
				op = ws.OpContinuation
			}
			if rapid.IntRange(0, 9).Draw(r, "control") == 0 {
				wire = append(wire, frame(ws.OpPong, "x")...)
			}
			wire = append(wire, part(op, fin, rest[:n])...)
			rest, fragmented = rest[n:], !fin
		}
		for len(wire) > 0 {
			n := rapid.IntRange(1, len(wire)).Draw(r, "write")
			c.write(wire[:n])
			wire = wire[n:]
		}
		for _, envelope := range envelopes {
			f := c.next("an envelope")
			if f == nil || string(f.Payload) != envelope {
				r.Fatalf("%+v came, want %s", f, envelope)
			}
		}
	})
	c.greets("nothing else came", c)
}

// A client that is never done with a frame, with a message or with an envelope is
// cut by a deadline, even when it goes on byte by byte.
func TestHalfAnEnvelopeIsCutByTheDeadline(t *testing.T) {
	whole := frame(ws.OpText, `{"id":"1","method":"get","uri":"/ping"}`)
	for _, row := range []struct {
		name  string
		begin []byte
		goOn  func(i int) []byte // nil: not at all
	}{
		{"half a frame's head", whole[:1], nil},
		{"half a frame", whole[:20], nil},
		{"half a frame behind a whole one", append(frame(ws.OpPong, ""), whole[:20]...), nil},
		{"a frame byte by byte", compile(ws.Header{Fin: true, OpCode: ws.OpText, Masked: true, Length: 500_000}, ""), func(int) []byte { return []byte(" ") }},
		{"half an envelope", frame(ws.OpText, `{"id":`), nil},
		{"half an envelope, and pings", frame(ws.OpText, `{"id":`), func(int) []byte { return frame(ws.OpPing, "") }},
		{"an envelope byte by byte", frame(ws.OpText, `{"id":`), func(int) []byte { return frame(ws.OpText, " ") }},
		{"half a message", part(ws.OpText, false, ``), nil},
		{"a message that never ends", part(ws.OpText, false, ``), func(int) []byte { return part(ws.OpContinuation, false, " ") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			inMemory(t, Config{UnfinishedTimeout: 10 * time.Second}, func(t *testing.T, e *fixture) {
				ana, rui, c := e.login("ana@example.org/1"), e.login("rui@example.org/1"), e.login("eve@example.org/1")
				began := time.Now()
				c.write(row.begin)
				for i := 0; i < 9 && row.goOn != nil; i++ {
					time.Sleep(time.Second)
					c.write(row.goOn(i))
				}
				for {
					f := c.next("the end")
					if f == nil {
						t.Fatalf("the end came without failed: %v", c.err)
					}
					if f.Header.OpCode == ws.OpText {
						if err := match(f.Payload, `{"state":"failed","reason":{"code":21}}`); err != nil {
							t.Error(err)
						}
						break
					}
				}
				c.ends(row.name, ws.StatusPolicyViolation)
				if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
					t.Errorf("it took %v", took)
				}
				ana.greets("nothing happened", rui)
			})
		})
	}
}

// A client that always sends may never be seen at the end of a frame; that is not
// one frame that never comes.
func TestBusyClientIsNotCut(t *testing.T) {
	inMemory(t, Config{UnfinishedTimeout: 5 * time.Second}, func(t *testing.T, e *fixture) {
		for name, stream := range map[string]func(i int) []byte{
			"frames": func(i int) []byte {
				return frame(ws.OpText, fmt.Sprintf(`{"id":"%d","method":"get","uri":"/ping"}`, i))
			},
			"envelopes over messages": func(i int) []byte {
				return append(frame(ws.OpText, fmt.Sprintf(`"uri":"/ping"}{"id":"%d",`, i+1)), frame(ws.OpText, `"method":"get",`)...)
			},
			"one endless message": func(i int) []byte {
				return part(ws.OpContinuation, false, fmt.Sprintf(`{"id":"%d","method":"get","uri":"/ping"}`, i))
			},
		} {
			c := e.login("eve@example.org/1")
			next := stream(0)
			switch name {
			case "envelopes over messages":
				c.says(`{"id":"0",`)
				c.says(`"method":"get",`)
			case "one endless message":
				c.write(part(ws.OpText, false, ""))
			}
			for i := range 20 { // each write ends in the middle of a frame
				time.Sleep(time.Second)
				after := stream(i + 1)
				c.write(next[:len(next)-5])
				time.Sleep(time.Second)
				c.write(append(next[len(next)-5:len(next):len(next)], after[:3]...))
				next = after[3:]
				c.hears(name, fmt.Sprintf(`{"id":"%d","status":"success"}`, i))
			}
			_ = c.nc.Close()
		}
	})
}
