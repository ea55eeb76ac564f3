package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"limegrove/edge/auth"
	"limegrove/edge/dialect"
	"limegrove/lime"
)

// shouting is a dialect of words: "ana@example.org hello" is a message, and "echo x" is
// answered by x.
type shouting struct{ confirms bool }

func (shouting) Name() string   { return "shouting" }
func (shouting) Domain() string { return "shout.org" }

func (d shouting) Open(r *http.Request) (dialect.Client, *dialect.Refusal) {
	if r.Header.Get("Origin") != "" {
		return nil, &dialect.Refusal{Status: http.StatusForbidden, Text: "no pages"}
	}
	query := r.URL.Query()
	return &shouter{query.Get("name"), query.Get("token"), query.Has("asked"), d.confirms}, nil
}

type shouter struct {
	name, token string
	asked       bool
	confirms    bool
}

func (s *shouter) Login() dialect.Login {
	if s.name == "" {
		return dialect.Login{Refused: lime.NewReason(lime.CodeValidationInvalidIdentity, "Nobody")}
	}
	return dialect.Login{
		Node: lime.MustParseNode(s.name + "@shout.org"), Token: s.token, Asked: s.asked, Confirms: s.confirms,
		Presence: &lime.Presence{Status: lime.StatusAvailable}, Receipts: lime.EventsOf(lime.EventReceived),
		Takes: &lime.Capability{ContentTypes: []string{lime.MediaText}},
	}
}

func (s *shouter) FromClient(message []byte, binary bool) dialect.Said {
	to, text, ok := strings.Cut(string(message), " ")
	switch {
	case to == "echo":
		return dialect.Said{Answer: fmt.Appendf(nil, "%s %t", text, binary)}
	case to == "broken":
		return dialect.Said{Envelope: []byte("{")}
	case !ok:
		return dialect.Said{Drop: "empty"}
	}
	m := lime.Message{To: lime.MustParseNode(to), Type: lime.MediaText, Content: fmt.Appendf(nil, "%q", text)}
	return dialect.Said{Envelope: m.AppendJSON(nil), Answer: []byte("said")}
}

func (s *shouter) ToClient(dst, envelope []byte) ([]byte, bool) {
	var h lime.Header
	if _, err := h.Scan(envelope); err != nil || h.Kind == lime.KindNotification {
		return dst, false
	}
	return append(append(dst, "> "...), envelope...), true
}

func (s *shouter) End(why *lime.Reason) ([]byte, string) {
	if why == nil {
		return []byte("bye"), ""
	}
	return nil, why.Description
}

// shout connects with a query, and says something before there is any answer.
func (e *fixture) shout(query, early string) *client {
	e.t.Helper()
	c := e.connect()
	head := strings.Replace(request, "/any/path?x=1", "/shout/?"+query, 1)
	c.write(append([]byte(head), frame(ws.OpText, early)...))
	c.wantUpgrade()
	return c
}

// reads takes the next text.
func (c *client) reads(why, begin string) {
	c.t.Helper()
	f, ok := <-c.in
	if !ok || f.Header.OpCode != ws.OpText || !strings.HasPrefix(string(f.Payload), begin) {
		c.t.Errorf("%s: got %q (%v), want %q", why, f.Payload, c.err, begin)
	}
}

func (c *client) readsClose(why string, code ws.StatusCode, reason string) {
	c.t.Helper()
	f, ok := <-c.in
	got, text := ws.ParseCloseFrameData(f.Payload)
	if !ok || f.Header.OpCode != ws.OpClose || got != code || text != reason {
		c.t.Errorf("%s: got %d %q (%v), want %d %q", why, got, text, c.err, code, reason)
	}
}

func TestADialectHasASessionOfLIME(t *testing.T) {
	inMemory(t, Config{Dialects: map[string]dialect.Dialect{"/shout": shouting{}}}, func(t *testing.T, e *fixture) {
		ana := e.login("ana@example.org/1")
		c := e.shout("name=bob", "echo early")
		c.reads("its session", `> {"id":`)
		c.reads("what was said before waits", "early false")
		place := e.board.only(t, "bob@shout.org")
		if place.events != lime.EventsOf(lime.EventReceived) || place.presence.Status != lime.StatusAvailable || !place.active ||
			len(place.takes.ContentTypes) != 1 {
			t.Errorf("its place is %+v", place)
		}
		c.write(frame(ws.OpText, "ana@example.org/1 hello"))
		c.reads("the answer first", "said")
		ana.hears("a message", `{"from":"*","to":"ana@example.org/1","type":"text/plain","content":"hello"}`)
		ana.says(`{"to":"` + place.node.String() + `","type":"text/plain","content":"hello yourself"}`)
		c.reads("and back", `> {"from":"ana@example.org/1"`)
		must(t, place.to.Deliver([]byte(`{"id":"1","event":"received"}`)))

		c.write(part(ws.OpBinary, false, "echo "))
		c.write(frame(ws.OpPing, "p"))
		c.write(part(ws.OpContinuation, true, "whole"))
		if f := <-c.in; f.Header.OpCode != ws.OpPong {
			t.Errorf("the ping between fragments is answered by %v", f.Header.OpCode)
		}
		c.reads("fragments are one message", "whole true")
		c.write(frame(ws.OpText, "nothing"))
		c.write(frame(ws.OpText, "broken"))
		c.write(frame(ws.OpText, "echo on"))
		c.reads("what comes to nothing ends nothing", "on false")
		for name, want := range map[string]int{"empty": 1, dropDialect: 1} {
			if got := counted(t, e.metrics.dialects.dropped.WithLabelValues("shouting", name)); got != want {
				t.Errorf("%d are dropped for %s, want %d", got, name, want)
			}
		}
		if n := counted(t, e.metrics.dialects.untold.WithLabelValues("shouting")); n != 1 {
			t.Errorf("%d have no frame, want the notification", n)
		}
		if n := counted(t, e.metrics.dialects.sessions.WithLabelValues("shouting")); n != 1 {
			t.Errorf("%d sessions", n)
		}
		c.write(frame(ws.OpText, "\xff"))
		c.readsClose("what is not UTF-8", 1007, "The message is not UTF-8")
		synctest.Wait()
		if n := counted(t, e.metrics.dialects.sessions.WithLabelValues("shouting")); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestADialectSaysWhoComesIn(t *testing.T) {
	inMemory(t, Config{Schemes: []auth.Scheme{auth.SchemeGuest, auth.SchemeExternal}, Dialects: map[string]dialect.Dialect{"/shout/": shouting{}}}, func(t *testing.T, e *fixture) {
		c := e.connect()
		c.write([]byte(strings.Replace(request, "GET /any/path?x=1", "GET /shout", 1)))
		c.wantUpgrade()
		c.readsClose("who names nobody", 1000, "Nobody")

		c = e.connect()
		c.write([]byte(strings.Replace(request, "/any/path?x=1 HTTP/1.1\r\n", "/shout HTTP/1.1\r\nOrigin: http://x\r\n", 1)))
		if answer := c.wantRejected("403"); !strings.HasSuffix(answer, "\r\n\r\nno pages\n") {
			t.Errorf("it is refused by %q", answer)
		}

		c = e.shout("name=bob&token=t", "echo x")
		c.reads("with a token", `> {"id":`)
		if r := e.doors.asked(); r.Scheme != "external" || match(r.Credentials, `{"token":"t"}`) != nil || r.Node.Identity.String() != "bob@shout.org" {
			t.Errorf("the login is %v with %s", r, r.Credentials)
		}

		c = e.shout("name=eve&asked", "echo x")
		c.reads("without a token", `> {"id":`)
		if r := e.doors.asked(); r.Scheme != "external" || r.Credentials != nil || r.Node.Identity.String() != "eve@shout.org" {
			t.Errorf("the login is %v with %s", r, r.Credentials)
		}

		c = e.upgraded()
		c.says(`{"state":"new"}`)
		c.hears("another path is LIME's", `{"id":"*","state":"authenticating"}`)
		c.says(`{"id":"$id","from":"bob@SHOUT.org","state":"authenticating","scheme":"guest"}`)
		c.hearsFailed("nobody of LIME logs in there", 13, 1000)
	})
}

func TestWhatAClientConfirmsIsNotProbed(t *testing.T) {
	inMemory(t, Config{Dialects: map[string]dialect.Dialect{"/shout": shouting{confirms: true}}}, func(t *testing.T, e *fixture) {
		c := e.shout("name=bob", "echo x")
		c.reads("its session", `> {"id":`)
		c.reads("and an answer", "x")
		must(t, e.board.only(t, "bob@shout.org").to.Probe(1))
		c.write(frame(ws.OpText, "echo y"))
		c.reads("no ping before it", "y")
		go e.Shutdown(t.Context())
		c.reads("the end", "bye")
	})
}

func TestWhatAClientIsToldLastFitsAFrame(t *testing.T) {
	k := &speaks{Client: &shouter{}}
	why := lime.Session{ID: "s", State: lime.StateFailed, Reason: lime.NewReason(lime.CodeSessionError, "%s", strings.Repeat("é", 100))}
	if _, reason := k.last(why.AppendJSON(nil)); reason != strings.Repeat("é", 61) {
		t.Errorf("it is told %q", reason)
	}
}

func TestATokenNeedsItsScheme(t *testing.T) {
	inMemory(t, Config{Dialects: map[string]dialect.Dialect{"/shout": shouting{}}}, func(t *testing.T, e *fixture) {
		for _, query := range []string{"name=bob&token=t", "name=bob&asked"} {
			c := e.shout(query, "echo x")
			c.readsClose("nobody could look at it", 1000, "Tokens are not looked at here")
		}
	})
}
