package hightemplar

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

func rooms(t testing.TB, all ...string) (names []room.Name) {
	t.Helper()
	for _, text := range all {
		n, err := room.Of([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		names = append(names, n)
	}
	return names
}

// client may enter what most tests ask for.
func client(t testing.TB) *Client {
	return NewClient("c0ffee", rooms(t, `{"target":"ride","depot":"*"}`, `{"target":"news"}`, `{"n":1}`), 2000)
}

// wants checks what is to be done about frames, one after the other.
func (c *Client) wants(t *testing.T, why, frame, answer string) Said {
	t.Helper()
	said := c.FromClient([]byte(frame), false)
	if said.Enter != (dialect.Subscription{}) {
		said.Answer = c.Entered(true)
	}
	if string(said.Answer) != answer || said.Close {
		t.Errorf("%s: %s is answered by %s (closed: %t), want %s", why, frame, said.Answer, said.Close, answer)
	}
	return said
}

const (
	ok        = `{"code":"success"}`
	notFound  = `{"code":"error","message":"room-not-found"}`
	noID      = `{"code":"error","message":"no-request-id"}`
	notIn     = `{"code":"error","message":"not-subscribed"}`
	notJSON   = `{"requestId":"c0ffee","code":"error","message":"non-json-message"}`
	noType    = `{"requestId":"c0ffee","code":"error","message":"message-type-not-allowed"}`
	subscribe = `{"type":"subscribe","requestId":"1","room":`
)

func TestFramesAndTheirAnswers(t *testing.T) {
	for _, row := range []struct{ why, frame, answer string }{
		{"H-11", `ping`, `pong`},
		{"H-12", `pong`, notJSON},
		{"H-12", ``, notJSON},
		{"H-12", `{"type":"status"`, notJSON},
		{"H-13", `{}`, noType},
		{"H-13", `{"type":"publish"}`, noType},
		{"H-13", `{"type":5}`, noType},
		{"H-13", `{"type":null}`, noType},
		{"H-13: another spelling", `{"Type":"status"}`, noType},
		{"H-14", subscribe + `{"target":"news"}}`, ok},
		{"H-15", subscribe + `{"target":"weather"}}`, notFound},
		{"H-16", `{"type":"subscribe","room":{"target":"news"}}`, noID},
		{"H-17", subscribe + `{"depot":3,"target":"ride"}}`, ok},
		{"H-18: fewer keys", subscribe + `{"target":"ride"}}`, notFound},
		{"H-18: more keys", subscribe + `{"target":"news","x":1}}`, notFound},
		{"H-19", subscribe + `{"target":"ride","depot":"*"}}`, ok},
		{"H-20", subscribe + `{"target":"*"}}`, notFound},
		{"H-22", subscribe + `{"n":"1"}}`, notFound},
		{"a list of pairs is an object", subscribe + `[["target","news"]]}`, ok},
		{"no room of ours", subscribe + `{"target":"` + strings.Repeat("x", 2000) + `"}}`, notFound},
		{"an id that nobody keeps", `{"type":"subscribe","requestId":"` + strings.Repeat("x", maxRequest) + `","room":{"target":"news"}}`, notFound},
		{"other members are ignored", `{"type":"subscribe","requestId":null,"room":{"n":1},"scope":5}`, ok},
		{"H-28", `{"type":"unsubscribe","requestId":"1"}`, notIn},
		{"without an id", `{"type":"unsubscribe"}`, noID},
	} {
		client(t).wants(t, row.why, row.frame, row.answer)
	}
	for _, frame := range []string{
		`[]`, `5`, `null`, `"ping"`, `{"type":{}}`, `{"type":[]}`, `{"type":"subscribe","requestId":"1"}`, subscribe + `"news"}`,
		subscribe + `null}`, subscribe + `5}`, subscribe + `["x"]}`, subscribe + `[[1,2]]}`, subscribe + `[["x"]]}`,
		`{"type":"subscribe","requestId":{},"room":{"target":"news"}}`, `{"type":"unsubscribe","requestId":[]}`,
	} {
		if said := client(t).FromClient([]byte(frame), false); !reflect.DeepEqual(said, Said{Close: true}) {
			t.Errorf("%s is answered by %s, and %+v", frame, said.Answer, said)
		}
	}
	if said := client(t).FromClient([]byte("ping"), true); string(said.Answer) != notJSON {
		t.Errorf("a binary ping is answered by %s", said.Answer)
	}
	if said := client(t).FromClient([]byte(`{"type":"status"}`), true); !said.Status {
		t.Errorf("a binary request is answered by %s", said.Answer)
	}
}

func TestManyRoomsAreLookedUp(t *testing.T) { // H-33
	var allowed []string
	for i := range 1500 {
		allowed = append(allowed, fmt.Sprintf(`{"target":"message","customer":"%d"}`, i))
	}
	c := NewClient("c0ffee", rooms(t, append(allowed, `{"target":"*"}`)...), 2000)
	for i, room := range allowed {
		c.wants(t, "each of them", fmt.Sprintf(`{"type":"subscribe","requestId":%d,"room":%s}`, i, room), ok)
	}
	c.wants(t, "by a wildcard", subscribe+`{"target":5}}`, ok)
	c.wants(t, "and no other", subscribe+`{"target":"message","customer":"1500"}}`, notFound)
	c.wants(t, "nor a wildcard", subscribe+`{"target":"message","customer":"*"}}`, notFound)
}

func TestManyAllowedRoomsCostLittle(t *testing.T) {
	all := make([]room.Name, 50_000)
	for i := range all {
		all[i] = room.Name(fmt.Sprint("?n=", i))
	}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c := NewClient("x", all, 1)
	if each := (int64(heap()) - int64(before)) / int64(len(all)); each > 40 { // in an index it is 280
		t.Errorf("each costs %d bytes", each)
	}
	c.wants(t, "the last", subscribe+`{"n":49999}}`, ok)
	runtime.KeepAlive(all)
}

func TestSubscriptionsAreKnownByTheirIDs(t *testing.T) { // H-24, H-27, H-28, H-29, H-30
	c := client(t)
	said := c.wants(t, "the first", `{"type":"subscribe","requestId":"a","room":{"target":"news"}}`, ok)
	if want := (dialect.Subscription{Room: "?target=\"news\"", Request: `"a"`}); said.Enter != want {
		t.Errorf("it enters %+v, want %+v", said.Enter, want)
	}
	if said := c.wants(t, "again", `{"type":"subscribe","requestId":"\u0061","room":{"target":"news"}}`, ok); said.Enter != (dialect.Subscription{}) {
		t.Error("one is entered twice")
	}
	if said := c.wants(t, "the same room by another id", `{"type":"subscribe","requestId":7,"room":{"target":"news"}}`, ok); said.Enter.Request != "7" {
		t.Errorf("it enters %+v", said.Enter)
	}
	c.wants(t, "another room by the same id", `{"type":"subscribe","requestId":7,"room":{"n":1}}`, ok)
	said = c.wants(t, "all of an id end", `{"type":"unsubscribe","requestId":7,"room":{"n":1}}`, ok)
	if want := []dialect.Subscription{{Room: "?target=\"news\"", Request: "7"}, {Room: "?n=1", Request: "7"}}; !slices.Equal(said.Leave, want) {
		t.Errorf("it leaves %+v, want %+v", said.Leave, want)
	}
	c.wants(t, "once", `{"type":"unsubscribe","requestId":7}`, notIn)
	c.wants(t, "a number is no text", `{"type":"unsubscribe","requestId":"7"}`, notIn)
	if said := c.wants(t, "it can be used again", `{"type":"subscribe","requestId":7,"room":{"n":1}}`, ok); said.Enter.Request != "7" {
		t.Errorf("it enters %+v", said.Enter)
	}
}

func TestAnswersOfOlderReleases(t *testing.T) {
	c := client(t)
	c.legacy = true
	if got := string(c.Opened()); !strings.HasPrefix(got, `{"is_authorized":true,"is_authenticated":true,"allowed_rooms":[{`) {
		t.Errorf("it begins by %s", got)
	}
	if got := string(Refused(true)); got != `{"is_authorized":false,"is_authenticated":false}` {
		t.Errorf("it is refused by %s", got)
	}
	c.wants(t, "success", subscribe+`{"target":"news"}}`, `{"requestId":"1","code":"success"}`)
	c.wants(t, "again", subscribe+`{"target":"news"}}`, `{"requestId":"1","code":"success"}`)
	c.wants(t, "no room", subscribe+`{"target":"weather"}}`, `{"requestId":"1","code":"error","message":"room-not-found"}`)
	c.wants(t, "without an id", `{"type":"unsubscribe"}`, noID)
	c.wants(t, "out", `{"type":"unsubscribe","requestId":"1"}`, `{"requestId":"1","code":"success"}`)
	c.wants(t, "twice", `{"type":"unsubscribe","requestId":"1"}`, `{"requestId":"1","code":"error","message":"not-subscribed"}`)
	c.wants(t, "not JSON", `x`, notJSON)
	c.FromClient([]byte(subscribe+`{"target":"news"}}`), false)
	if got := string(c.Entered(false)); got != `{"requestId":"1","code":"error","message":"room-not-found"}` {
		t.Errorf("it is answered by %s", got)
	}
}

func TestARoomThatCannotBeEntered(t *testing.T) {
	c := client(t)
	frame := []byte(`{"type":"subscribe","requestId":"a","room":{"target":"news"}}`)
	if said := c.FromClient(frame, false); said.Answer != nil || said.Enter == (dialect.Subscription{}) {
		t.Errorf("it is answered by %s at once", said.Answer)
	}
	if answer := c.Entered(false); string(answer) != notFound {
		t.Errorf("it is answered by %s", answer)
	}
	if answer := c.Entered(true); answer != nil {
		t.Errorf("nothing is answered by %s", answer)
	}
	c.wants(t, "it is not subscribed to", `{"type":"unsubscribe","requestId":"a"}`, notIn)

	c = NewClient("", c.allowed, 1)
	c.wants(t, "one may be", string(frame), ok)
	c.wants(t, "and no more", `{"type":"subscribe","requestId":"b","room":{"target":"news"}}`, notFound)
	c.wants(t, "until one is over", `{"type":"unsubscribe","requestId":"a"}`, ok)
	c.wants(t, "then again", `{"type":"subscribe","requestId":"b","room":{"target":"news"}}`, ok)
}

func TestWhatTheBackingAPIAllows(t *testing.T) {
	const kind = "application/json; charset=utf-8"
	for _, row := range []struct {
		why, kind, body string
		status          int
		first           string // the first frame; "" is an error
	}{
		{"H-06", kind, `{"allowed_rooms":[{"b":1,"a":"*"},{"n":2},{"a":"*","b":1}],"user":{}}`, 200, `{"is_authorized":true,"allowed_rooms":[{"a":"*","b":1},{"n":2}]}`},
		{"H-07", kind, `{}`, 200, `{"is_authorized":true,"allowed_rooms":[]}`},
		{"H-08", kind, `{}`, 403, `{"is_authorized":false}`},
		{"H-08", kind, `{"allowed_rooms":[]}`, 204, `{"is_authorized":false}`},
		{"H-09", kind, `{"allowed_rooms":["foo"]}`, 200, `{"is_authorized":false}`},
		{"an object is no list", kind, `{"allowed_rooms":{"a":1}}`, 200, `{"is_authorized":false}`},
		{"H-10", kind, `{"allowed_rooms":null}`, 200, ``},
		{"H-10", kind, `{"allowed_rooms":[5]}`, 200, ``},
		{"H-10", kind, `[]`, 200, ``},
		{"H-10", kind, `<html>`, 200, ``},
		{"H-10", "text/html", `{}`, 200, ``},
		{"H-10", "", `{}`, 200, ``},
	} {
		allowed, authorized, err := Bootstrap(row.status, row.kind, []byte(row.body))
		first := string(Refused(false))
		switch {
		case err != nil:
			first = ""
			if !errors.Is(err, ErrAPI) || authorized {
				t.Errorf("%s: %v (authorized: %t)", row.why, err, authorized)
			}
		case authorized:
			first = string(NewClient("", allowed, 1).Opened())
		}
		if first != row.first {
			t.Errorf("%s: %s begins by %s, want %s", row.why, row.body, first, row.first)
		}
	}
}

func TestTriggers(t *testing.T) { // H-25, H-37, H-39
	got, err := ParseTrigger([]byte(` {"rooms":[{"b":1,"a":2},{"a":2,"b":1},[["x","y"]]],"data":{"ride":[9, null]},"more":1}`))
	if want := rooms(t, `{"a":2,"b":1}`, `{"a":2,"b":1}`, `{"x":"y"}`); err != nil || !slices.Equal(got.Rooms, want) || string(got.Data) != `{"ride":[9, null]}` {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := ParseTrigger([]byte(`{"rooms":[],"data":null}`)); err != nil || len(got.Rooms) != 0 || string(got.Data) != "null" {
		t.Errorf("got %+v, %v", got, err)
	}
	for body, want := range map[string]error{
		`{"data":1}`: ErrNoRooms, `{"rooms":[]}`: ErrNoData, `{"Rooms":[],"data":1}`: ErrNoRooms,
		``: ErrTrigger, `[]`: ErrTrigger, `{"rooms":5,"data":1}`: ErrTrigger, `{"rooms":null,"data":1}`: ErrTrigger,
		`{"rooms":["x"],"data":1}`: ErrTrigger, "{\"rooms\":[],\"data\":\"\xff\"}": ErrTrigger, `{[{"a":1}],"data":1}`: ErrTrigger,
	} {
		if _, err := ParseTrigger([]byte(body)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", body, err, want)
		}
	}
}

func TestWhatRoomsBring(t *testing.T) { // H-23
	for request, want := range map[string]string{
		`"sub-4"`: `{"type":"publish","data":{"ride":9},"requestId":"sub-4"}`,
		`null`:    `{"type":"publish","data":{"ride":9},"requestId":null}`,
	} {
		if got := AppendPublish(nil, dialect.Subscription{Request: request}, []byte(`{"ride":9}`)); string(got) != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	got, err := (&Status{2, 1, time.Date(2031, 5, 1, 7, 0, 0, 123456789, time.UTC), 12, 30, 4}).AppendStatus(nil)
	if want := `{"open_connections":2,"num_rooms":1,"online_since":"2031-05-01T07:00:00.123456","rabbitmq_messages_received":12,` +
		`"ws_messages_received":0,"ws_messages_send":30,"ws_messages_send_error":4,"ws_messages_send_queued":0}`; string(got) != want || err != nil {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// FuzzClient holds that every frame has an answer that is JSON or pong, or ends the
// connection, and that what was subscribed to can be ended by its id.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		`ping`, `{"type":"status"}`, subscribe + `{"target":"news"}}`, subscribe + `[["target","news"]]}`, `{"type":"unsubscribe","requestId":"1"}`,
		`{"type":"subscribe","requestId":1.50,"room":{"target":"ride","depot":[1]}}`,
	} {
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, frame []byte, binary bool) {
		c := client(t)
		said := c.FromClient(frame, binary)
		if said.Enter != (dialect.Subscription{}) {
			if said.Answer != nil {
				t.Fatalf("%s is answered by %s at once", frame, said.Answer)
			}
			said.Answer = c.Entered(true)
			publish := AppendPublish(nil, said.Enter, []byte("1"))
			if !json.Valid(publish) {
				t.Errorf("%s brings %s", frame, publish)
			}
			end := fmt.Sprintf(`{"type":"unsubscribe","requestId":%s}`, said.Enter.Request)
			if ended := c.FromClient([]byte(end), false); !slices.Equal(ended.Leave, []dialect.Subscription{said.Enter}) {
				t.Errorf("%s ends %v, want %v", end, ended.Leave, said.Enter)
			}
		}
		switch {
		case said.Close, said.Status:
		case string(said.Answer) == "pong":
		case !json.Valid(said.Answer):
			t.Errorf("%s is answered by %s", frame, said.Answer)
		}
	})
}

// FuzzTrigger holds that what is read of a trigger can be published, and brings what it had.
func FuzzTrigger(f *testing.F) {
	for _, seed := range []string{`{"rooms":[{"a":1},{"a":"*"}],"data":{"x":[1]}}`, `{"rooms":[[["a","b"]]],"data":null}`, `{"rooms":[],"data":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		trigger, err := ParseTrigger(body)
		if err != nil {
			return
		}
		all, _ := trigger.Publications(room.Publisher)
		if len(trigger.Rooms) > 0 && len(all) == 0 {
			t.Errorf("%s is published to no room", body)
		}
		s := &session{dialect: New(Config{})}
		for _, n := range all {
			envelope := trigger.AppendEnvelope(nil, n, "example.org", "")
			var h lime.Header
			if _, err := h.Scan(envelope); err != nil { // half a character, or too deep: nobody is to have it
				continue
			}
			frame, is := s.Publication(nil, dialect.Subscription{Room: n, Request: "1"}, envelope)
			if want := string(AppendPublish(nil, dialect.Subscription{Request: "1"}, trigger.Data)); !is || string(frame) != want {
				t.Errorf("%s brings %s, want %s", body, frame, want)
			}
		}
	})
}

// BenchmarkPublication is what each subscription in a room costs.
func BenchmarkPublication(b *testing.B) {
	trigger := Trigger{Data: []byte(`{"ride":9,"text":"` + strings.Repeat("x", 100) + `"}`)}
	envelope := trigger.AppendEnvelope(nil, "?n=1", "example.org", "")
	s := &session{dialect: New(Config{})}
	to := dialect.Subscription{Room: "?n=1", Request: `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`}
	var frame []byte
	b.ReportAllocs()
	for b.Loop() {
		frame, _ = s.Publication(frame[:0], to, envelope)
	}
}

func TestAPublicationAllocatesNothing(t *testing.T) {
	trigger := Trigger{Data: []byte(`{"ride":9}`)}
	envelope := trigger.AppendEnvelope(nil, "?n=1", "example.org", "")
	s := &session{dialect: New(Config{})}
	frame := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { frame, _ = s.Publication(frame[:0], dialect.Subscription{Request: "1"}, envelope) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

func TestManySubscriptionsLeaveNothing(t *testing.T) {
	const many = 5000
	long := strings.Repeat("a", 900)
	for what, id := range map[string]func(i int) string{
		"ids of one length":  func(i int) string { return fmt.Sprintf("%s%05d", long, i) },
		"rooms under one id": func(int) string { return "1" },
	} {
		c := NewClient("x", rooms(t, `{"n":"*"}`), many)
		ask := func(kind string, i int) Said {
			return c.FromClient(fmt.Appendf(nil, `{"type":"%s","requestId":"%s","room":{"n":"%05d"}}`, kind, id(i), i), false)
		}
		for i := range many {
			ask("subscribe", i)
			c.Entered(true)
		}
		ended := 0
		for i := range many {
			ended += len(ask("unsubscribe", i).Leave)
		}
		if ended != many || c.subscriptions.len() != 0 || len(c.subscriptions.byID) != 0 {
			t.Errorf("%s: %d have ended, and %d are left", what, ended, c.subscriptions.len())
		}
	}
}

// BenchmarkSubscribedAgain is what asking costs for what one has: as much with many subscriptions as with few, since they are
// not looked through.
func BenchmarkSubscribedAgain(b *testing.B) {
	long := strings.Repeat("a", 900)
	for what, id := range map[string]func(i int) string{
		"ids of one length":  func(i int) string { return fmt.Sprintf("%s%05d", long, i) },
		"rooms under one id": func(int) string { return "1" },
	} {
		for _, many := range []int{5, 5000} {
			b.Run(fmt.Sprint(what, "/", many), func(b *testing.B) {
				c := NewClient("x", rooms(b, `{"n":"*"}`), many)
				ask := func(i int) Said {
					return c.FromClient(fmt.Appendf(nil, `{"type":"subscribe","requestId":"%s","room":{"n":"%s%05d"}}`, id(i), long, i), false)
				}
				for i := range many {
					ask(i)
					c.Entered(true)
				}
				b.ReportAllocs()
				for b.Loop() {
					if said := ask(many - 1); string(said.Answer) != ok {
						b.Fatalf("it is answered by %s", said.Answer)
					}
				}
			})
		}
	}
}

func TestARoomThatCannotBeEnteredLeavesNothing(t *testing.T) {
	c := NewClient("x", rooms(t, `{"n":"*"}`), 2)
	ask := func(n int) Said {
		return c.FromClient(fmt.Appendf(nil, `{"type":"subscribe","requestId":1,"room":{"n":%d}}`, n), false)
	}
	ask(1)
	c.Entered(true)
	for range 3 {
		if said := ask(2); said.Enter.Room != "?n=2" {
			t.Fatalf("it is answered by %s", said.Answer)
		}
		c.Entered(false)
	}
	if said := c.FromClient([]byte(`{"type":"unsubscribe","requestId":1}`), false); len(said.Leave) != 1 || said.Leave[0].Room != "?n=1" {
		t.Errorf("%v end", said.Leave)
	}
}
