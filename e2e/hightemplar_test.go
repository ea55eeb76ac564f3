package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"limegrove/lime"
	"limegrove/lime/client"
)

// news is what most clients of these tests may enter.
const news = `[{"target":"message","customer":"*"},{"target":"news"}]`

// TestHighTemplar plays what high-templar's page and its code say, between two edges.
func TestHighTemplar(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(`[{"room":{"target":"message","customer":"*"},"may":["enter","publish"]},{"room":{"target":"news"},"may":["enter"]},
		{"room":{"target":"kept"},"may":["enter","publish"],"history":{}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startTemple(t, 2, []string{"-room-rules", rules}, "-hightemplar-timeout", "2s", "-hightemplar-notify", "-hightemplar-user-path", "user.data.id",
		"-hightemplar-header", "X-Session-Token=param:session_token", "-hightemplar-header", "Referer=fixed:https://app.example.org/api/",
		"-hightemplar-header", "X-Lang=cookie:lang", "-hightemplar-header", "X-Far=header:X-Far", "-hightemplar-header", "X-None=param:none")
	here, there := s.edges[0], s.edges[1]

	t.Run("the call to the API", func(t *testing.T) { // H-01, H-02, H-03, H-04, H-05
		s.api.lets("t0k", `[]`)
		for _, path := range []string{"ws/", "ws"} {
			c := &templar{dialSocket(t, here.url, path+"?token=t0k&session_token=st", http.Header{
				"Cookie": {"sessionid=1; csrftoken=c; lang=nl"}, "User-Agent": {"browser/1"}, "X-Real-Ip": {"10.1.2.3"}, "X-Far": {"away"},
				"Authorization": {"Basic eDp5"}, "X-Forwarded-For": {"10.9.9.9"}, "Origin": {"http://" + strings.TrimSuffix(strings.TrimPrefix(here.url, "ws://"), "/")},
			})}
			c.gets("it is let in", `{"is_authorized":true,"allowed_rooms":[]}`)
		}
		var calls []*http.Request
		for _, r := range s.api.about("t0k") {
			if r.Method == http.MethodGet {
				calls = append(calls, r)
			}
		}
		if len(calls) != 2 || calls[0].URL.String() != "/api/bootstrap/" {
			t.Fatalf("there are %d calls: %v", len(calls), calls)
		}
		got := calls[0].Header
		for name, want := range map[string]string{
			"Cookie": "sessionid=1; csrftoken=c; lang=nl", "User-Agent": "browser/1", "X-Real-Ip": "10.1.2.3", "X-Csrftoken": "c", "Authorization": "Token t0k",
			"X-Session-Token": "st", "Referer": "https://app.example.org/api/", "X-Lang": "nl", "X-Far": "away",
			"Origin": "", "X-Forwarded-For": "", "X-None": "",
		} {
			if got.Get(name) != want {
				t.Errorf("%s is %q, want %q", name, got.Get(name), want)
			}
		}
		if calls[0].Host != strings.TrimSuffix(strings.TrimPrefix(s.api.url, "http://"), "/api/") {
			t.Errorf("Host is %s", calls[0].Host)
		}
		s.api.lets("bare", `[]`)
		s.opens(t, here, "bare", nil).gets("it is let in", `{"is_authorized":true,"allowed_rooms":[]}`)
		for _, name := range []string{"Cookie", "User-Agent", "X-Real-Ip", "X-Csrftoken", "X-Session-Token", "X-Lang", "X-Far"} { // H-02
			if v, ok := s.api.about("bare")[0].Header[name]; ok {
				t.Errorf("%s is %q", name, v)
			}
		}
	})
	t.Run("who is let in", func(t *testing.T) {
		s.api.lets("double", `[{"b":1,"a":"x"},{"target":"news"},{"a":"x","b":1}]`)
		s.opens(t, here, "double", nil).gets("H-06", `{"is_authorized":true,"allowed_rooms":[{"a":"x","b":1},{"target":"news"}]}`)
		s.api.answers("none", says(200, `{}`))
		s.opens(t, here, "none", nil).gets("H-07", `{"is_authorized":true,"allowed_rooms":[]}`)
		for i, status := range []int{403, 404, 500, 204, 302} {
			token := fmt.Sprint("status", i)
			s.api.answers(token, says(status, ""))
			s.opens(t, here, token, nil).isRefused(fmt.Sprint("H-08: ", status))
		}
		s.api.lets("foo", `["foo"]`)
		s.opens(t, here, "foo", nil).isRefused("H-09")
		s.api.answers("object", says(200, `{"allowed_rooms":{"a":1}}`))
		s.opens(t, here, "object", nil).isRefused("an object is no list")
		origin := http.Header{"Origin": {"https://evil.example"}}
		if _, _, _, err := (ws.Dialer{Header: ws.HandshakeHeaderHTTP(origin)}).Dial(t.Context(), here.url+"ws/?token=t0k"); err == nil {
			t.Error("a page of somebody else is let in")
		}
	})
	t.Run("an API that is no good", func(t *testing.T) { // H-10
		friend := s.comes(t, here, news)
		s.api.answers("html", says(200, "<html>"))
		s.api.answers("null", says(200, `{"allowed_rooms":null}`))
		s.api.answers("list", says(200, `[]`))
		s.api.answers("number", says(200, `{"allowed_rooms":[5]}`))
		s.api.answers("huge", says(200, `{"allowed_rooms":["`+strings.Repeat("x", 2<<20)+`"]}`))
		s.api.answers("dies", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		s.api.answers("slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		for _, token := range []string{"html", "null", "list", "number", "huge", "dies"} {
			s.opens(t, here, token, nil).isRefused(token)
			friend.silence("nobody else is disturbed")
		}
		slow := s.opens(t, here, "slow", nil)
		slow.says("ping")
		began := time.Now()
		friend.silence("nobody waits for it")
		s.comes(t, here, news).silence("nor does who comes in")
		slow.isRefused("it has its time")
		if took := time.Since(began); took < time.Second {
			t.Errorf("it takes %v", took)
		}
	})
	t.Run("frames", func(t *testing.T) {
		s.api.lets("early", news)
		early := s.opens(t, here, "early", nil)
		early.subscribesEarly()
		early.gets("the first frame is the first", `{"is_authorized":true,"allowed_rooms":`+news+`}`)
		early.gets("what was said before it waits", success)

		c := s.comes(t, here, news)
		c.silence("H-11")
		c.says("x")
		v, _ := c.next("H-12").(map[string]any)
		if v["code"] != "error" || v["message"] != "non-json-message" || v["requestId"] == "" {
			t.Errorf("H-12: got %v", v)
		}
		c.says(`{"type":"publish"}`)
		v, _ = c.next("H-13").(map[string]any)
		if v["code"] != "error" || v["message"] != "message-type-not-allowed" {
			t.Errorf("H-13: got %v", v)
		}
		c.says(`{}`)
		if v, _ = c.next("H-13").(map[string]any); v["message"] != "message-type-not-allowed" {
			t.Errorf("H-13: got %v", v)
		}
		if err := wsutil.WriteClientBinary(c.conn, []byte(`{"type":"unsubscribe","requestId":1}`)); err != nil {
			t.Fatal(err)
		}
		c.gets("JSON that is binary", fails("not-subscribed"))
		c.silence("it is usable still")
		for _, frame := range []string{`[]`, `5`, `null`, `"ping"`, `{"type":"subscribe","requestId":"1"}`, `{"type":[]}`} {
			c := s.comes(t, here, news)
			c.says(frame)
			c.closes(frame, ws.StatusNormalClosure, "")
		}
	})
	t.Run("subscriptions", func(t *testing.T) {
		c := s.comes(t, here, `[{"n":1},{"target":"message","customer":"*"},{"target":"news"},{"x":"*","y":"*"}]`)
		c.subscribes("H-14", `"1"`, `{"target":"news"}`, success)
		c.subscribes("H-15", `"2"`, `{"target":"weather"}`, fails("room-not-found"))
		c.says(`{"type":"subscribe","room":{"target":"news"}}`)
		c.gets("H-16", fails("no-request-id"))
		c.subscribes("H-17", `"3"`, `{"customer":"1","target":"message"}`, success)
		c.subscribes("H-18", `"4"`, `{"target":"message"}`, fails("room-not-found"))
		c.subscribes("H-18", `"4"`, `{"target":"news","more":1}`, fails("room-not-found"))
		c.subscribes("H-19", `"5"`, `{"target":"message","customer":5}`, success)
		c.subscribes("H-19", `"6"`, `{"target":"message","customer":"*"}`, success)
		c.subscribes("H-20", `"7"`, `{"target":"*"}`, fails("room-not-found"))
		c.subscribes("H-21", `"8"`, `{"x":1,"y":"*"}`, success)
		c.subscribes("H-22", `"9"`, `{"n":"1"}`, fails("room-not-found"))
		c.subscribes("any id that is a value", `null`, `{"n":1}`, success)
		c.unsubscribes("H-27", `"1"`, success)
		c.unsubscribes("H-28: twice", `"1"`, fails("not-subscribed"))
		c.unsubscribes("H-28: never", `"none"`, fails("not-subscribed"))
		c.says(`{"type":"unsubscribe","requestId":"3","room":{"target":"else"}}`)
		c.gets("H-29", success)
		c.subscribes("H-30", `"3"`, `{"target":"news"}`, success)
		c.says(`{"type":"unsubscribe"}`)
		c.gets("without an id", fails("no-request-id"))
		c.silence("that is all")
	})
	t.Run("publications", func(t *testing.T) { // H-23, H-24, H-25, H-26, H-27, H-36, H-40
		one, two, silent := s.comes(t, here, news), s.comes(t, there, news), s.comes(t, there, news)
		one.subscribes("a room", `"a"`, `{"customer":"7","target":"message"}`, success)
		one.subscribes("the same", `1`, `{"target":"message","customer":"7"}`, success)
		one.subscribes("another", `"news"`, `{"target":"news"}`, success)
		two.subscribes("the same, on another edge", `"b"`, `{"target":"message","customer":"7"}`, success)
		two.subscribes("a wildcard that is none", `"wild"`, `{"target":"message","customer":"*"}`, success)
		two.subscribes("a number is no text", `"number"`, `{"target":"message","customer":7}`, success)
		for _, data := range []string{`{"ride":9}`, `"text"`, `[1,{"x":null}]`, `5`, `null`, `false`} {
			s.triggersRooms(t, `[{"customer":"7","target":"message"},{"unknown":1}]`, data)
			one.published("H-23, H-24: once for each subscription", data, `"a"`, `1`)
			two.published("H-40: once on the other edge, whichever took it", data, `"b"`)
		}
		s.triggersRooms(t, `[{"target":"message","customer":"*"}]`, `1`)
		two.published("H-41: a publisher's wildcard is literal", `1`, `"wild"`)
		s.triggersRooms(t, `[{"target":"message","customer":7},{"target":"news"}]`, `2`)
		two.published("H-22", `2`, `"number"`)
		one.published("H-25", `2`, `"news"`)
		one.unsubscribes("H-27", `"a"`, success)
		s.triggersRooms(t, `[{"target":"message","customer":"7"},{"target":"message","customer":"7"}]`, `3`)
		one.published("a room that is listed twice", `3`, `1`)
		one.published("a room that is listed twice", `3`, `1`)
		two.published("a room that is listed twice", `3`, `"b"`)
		two.published("a room that is listed twice", `3`, `"b"`)
		silent.subscribes("behind all of it", `"x"`, `{"target":"message","customer":"last"}`, success)
		s.triggersRooms(t, `[{"target":"message","customer":"last"}]`, `4`)
		silent.published("H-26: nothing before its own", `4`, `"x"`)
		for _, c := range []*templar{one, two, silent} {
			c.silence("H-26: and nothing else")
		}
	})
	t.Run("answers in the order of requests", func(t *testing.T) { // H-34
		c := s.comes(t, here, news)
		for i := range 50 {
			c.says(fmt.Sprintf(`{"type":"subscribe","requestId":%d,"room":{"target":"message","customer":%d}}`, i, i))
			c.says("ping")
			c.says(`{"type":"unsubscribe","requestId":"none"}`)
		}
		for range 50 {
			c.gets("first", success)
			c.text("second", "pong")
			c.gets("third", fails("not-subscribed"))
		}
	})
	t.Run("1500 subscriptions", func(t *testing.T) { // H-33
		c := s.comes(t, here, news)
		for i := range 1500 {
			c.says(fmt.Sprintf(`{"type":"subscribe","requestId":"%d","room":{"target":"message","customer":"many %d"}}`, i, i))
		}
		for range 1500 {
			c.gets("all of them", success)
		}
		for i := range 1500 {
			if err := s.nats.Publish(triggers, fmt.Appendf(nil, `{"rooms":[{"target":"message","customer":"many %d"}],"data":{"n":%d}}`, i, i)); err != nil {
				t.Fatal(err)
			}
		}
		got := map[any]bool{}
		for range 1500 { // in no order: rooms have none among each other
			v, _ := c.next("all of them").(map[string]any)
			data, _ := v["data"].(map[string]any)
			if v["type"] != "publish" || fmt.Sprint(data["n"]) != v["requestId"] {
				t.Fatalf("got %v", v)
			}
			got[v["requestId"]] = true
		}
		if len(got) != 1500 {
			t.Errorf("%d of 1500 have come", len(got))
		}
	})
	t.Run("the API is told of clients", func(t *testing.T) { // H-42
		token := s.name("told")
		s.api.lets(token, `[]`)
		c := s.opens(t, there, token, http.Header{"Cookie": {"sessionid=7"}})
		c.gets("it is let in", `{"is_authorized":true,"allowed_rooms":[]}`)
		eventually(t, "it is told that it has come", patience, func() error {
			if calls := s.api.about(token); len(calls) != 2 {
				return fmt.Errorf("there are %d calls", len(calls))
			}
			return nil
		})
		c.silence("it pings")
		c.conn.Close()
		want := []string{"GET /api/bootstrap/", "POST /api/user/notify_online/", "POST /api/user/notify_online/", "POST /api/user/notify_offline/"}
		eventually(t, "it is told", patience, func() error {
			calls := s.api.about(token)
			if len(calls) != len(want) {
				return fmt.Errorf("there are %d calls, not %d", len(calls), len(want))
			}
			for i, r := range calls {
				if got := r.Method + " " + r.URL.Path; got != want[i] || r.Header.Get("Cookie") != "sessionid=7" {
					return fmt.Errorf("call %d is %s with %v", i, got, r.Header)
				}
			}
			return nil
		})
	})
	t.Run("clients of LIME", func(t *testing.T) {
		ana := arrive(t, here, "ana@localhost/x", "")
		address := ana.enters("", `{"target":"message","customer":"lime"}`)
		c := s.comes(t, there, news)
		c.subscribes("the same room", `"c"`, `{"target":"message","customer":"lime"}`, success)
		ana.call(address, "hello")
		c.published("what a client of LIME publishes", `"hello"`, `"c"`)
		ana.wantRead("its own copy", "hello")
		s.triggersRooms(t, `[{"target":"message","customer":"lime"}]`, `"from the platform"`)
		ana.wantRead("a trigger reaches it, too", "from the platform")
		c.published("and the other one", `"from the platform"`, `"c"`)
		all := ana.enters("", `{"target":"message","customer":"*"}`)
		s.triggersRooms(t, `[{"target":"message","customer":"any"}]`, `"by a wildcard"`)
		ana.wantRead("where its own wildcard is one", "by a wildcard")
		ana.call(all, "to all")
		c.published("and as a publisher's", `"to all"`, `"c"`)
		ana.wantRead("both of the rooms that it is in", "to all", "to all")
		kept := ana.enters("", `{"target":"kept"}`)
		k := s.comes(t, there, `[{"target":"kept"}]`)
		k.subscribes("a room that keeps what is published", `"k"`, `{"target":"kept"}`, success)
		ana.call(kept, "written")
		k.published("once", `"written"`, `"k"`)
		ana.wantRead("its own copy", "written")
		s.triggersRooms(t, `[{"target":"kept"}]`, `"triggered"`)
		k.published("once", `"triggered"`, `"k"`)
		ana.wantRead("a trigger", "triggered")
		k.silence("and nothing else")
		token := s.name("imposter")
		s.api.lets(token, `[]`)
		s.opens(t, here, token, nil).gets("it is let in", `{"is_authorized":true,"allowed_rooms":[]}`)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		eve, err := client.Dial(ctx, here.url, client.Config{Node: lime.MustParseNode(token + "@ht.localhost/x")})
		if why := lime.AsReason(err); why == nil || why.Code != lime.CodeSessionAuthenticationFailed {
			t.Errorf("somebody else has its name: %v, %v", eve, err)
		}
	})
}

// subscribesEarly subscribes without waiting for anything.
func (c *templar) subscribesEarly() {
	c.t.Helper()
	c.says(`{"type":"subscribe","requestId":"early","room":{"target":"news"}}`)
}

// TestHighTemplarCounts what one edge has: H-31, H-32.
func TestHighTemplarCounts(t *testing.T) {
	t.Parallel()
	s := startTemple(t, 1, nil)
	at := s.edges[0]
	one := s.comes(t, at, news)
	one.counts("itself", 1, 0)
	two := s.comes(t, at, news)
	one.counts("another", 2, 0)
	one.subscribes("a room", `1`, `{"target":"message","customer":"1"}`, success)
	two.subscribes("the same", `1`, `{"target":"message","customer":"1"}`, success)
	two.subscribes("another", `2`, `{"target":"message","customer":"2"}`, success)
	one.counts("two rooms", 2, 2)
	one.unsubscribes("one of two leaves", `1`, success)
	one.counts("H-32: the room stays", 2, 2)
	two.unsubscribes("the last one leaves", `2`, success)
	one.counts("H-31: a room vanishes", 2, 1)
	two.conn.Close()
	one.counts("H-31: with its connection", 1, 0)
	s.opens(t, at, "nobody", nil).isRefused("H-08")
	one.counts("who is not let in never counts", 1, 0)
}

// TestHighTemplarExpandsWildcards of publishers, and in the mode both those of subscribers: H-41.
func TestHighTemplarExpandsWildcards(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"expand", "both"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := startTemple(t, 2, []string{"-hightemplar-wildcards", mode})
			clients := []*templar{s.comes(t, s.edges[0], news), s.comes(t, s.edges[1], news)}
			each := func(does func(c *templar)) {
				for _, c := range clients {
					does(c)
				}
			}
			each(func(c *templar) {
				c.subscribes("a value", `"1"`, `{"target":"message","customer":"1"}`, success)
				c.subscribes("a wildcard", `"*"`, `{"target":"message","customer":"*"}`, success)
			})
			s.triggersRooms(t, `[{"target":"message","customer":"*"}]`, `1`)
			each(func(c *templar) { c.published("a publisher's wildcard", `1`, `"1"`, `"*"`) })
			s.triggersRooms(t, `[{"target":"message","customer":"*"},{"target":"message","customer":"1"},{"target":"message","customer":"2"}]`, `2`)
			each(func(c *templar) { c.published("once, though several match", `2`, `"1"`, `"*"`) })
			s.triggersRooms(t, `[{"target":"message","customer":"2"},{"target":"message","customer":"1"}]`, `3`)
			each(func(c *templar) {
				if mode == "both" {
					c.published("a subscriber's wildcard, once", `3`, `"1"`, `"*"`)
				} else {
					c.published("a subscriber's is literal", `3`, `"1"`)
				}
			})
			// What was published last comes behind all of it to the same subscription.
			s.triggersRooms(t, `[{"target":"message","customer":"1"}]`, `4`)
			each(func(c *templar) {
				if mode == "both" {
					c.published("and nothing else", `4`, `"1"`, `"*"`)
				} else {
					c.published("and nothing else", `4`, `"1"`)
				}
				c.silence("and nothing else")
			})
		})
	}
}

// TestHighTemplarEndsConnections that say nothing for too long, or do not read.
func TestHighTemplarEndsConnections(t *testing.T) {
	t.Parallel()
	s := startTemple(t, 1, nil, "-hightemplar-idle", "3s", "-hightemplar-backlog", "65536")
	at := s.edges[0]
	t.Run("silence", func(t *testing.T) { // H-35
		c := s.comes(t, at, news)
		began := time.Now()
		for time.Since(began) < 4*time.Second {
			c.silence("a ping is no silence")
			time.Sleep(500 * time.Millisecond)
		}
		spoke := time.Now()
		c.closes("in peace", ws.StatusNormalClosure, "")
		if took := time.Since(spoke); took < 2*time.Second || took > patience {
			t.Errorf("it takes %v", took)
		}
	})
	t.Run("a client that does not read", func(t *testing.T) { // H-45
		slow, quick := s.comes(t, at, news), s.comes(t, at, news)
		slow.subscribes("a room", `1`, `{"target":"news"}`, success)
		quick.subscribes("the same", `1`, `{"target":"news"}`, success)
		data := `"` + strings.Repeat("x", 200<<10) + `"`
		eventually(t, "it is cut", patience, func() error {
			s.triggersRooms(t, `[{"target":"news"}]`, data)
			quick.published("nobody else misses anything", data, `1`)
			page, err := at.page(t.Context(), "/metrics")
			if err == nil && !strings.Contains(string(page), `limegrove_edge_dialect_dropped_total{dialect="hightemplar",reason="queue_full"} 1`) {
				err = fmt.Errorf("it is there still")
			}
			return err
		})
		slow.isCut("it is cut", patience)
		quick.silence("the other one is not")
	})
}
