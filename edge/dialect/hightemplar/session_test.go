package hightemplar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"limegrove/edge/dialect"
	"limegrove/lime"
	"limegrove/room"
)

// api is a backing API that answers what it was told to.
type api struct {
	status int
	answer http.Header
	body   string
	err    error

	asked http.Header
	told  []string // path, a space, and the cookie
	why   error    // why its answer says nothing
}

func (a *api) Unreadable(why error) { a.why = why }

func (a *api) Bootstrap(_ context.Context, headers http.Header) (int, http.Header, []byte, error) {
	a.asked = headers.Clone()
	if a.answer == nil {
		a.answer = http.Header{"Content-Type": {"application/json"}}
	}
	return a.status, a.answer, []byte(a.body), a.err
}

func (a *api) Notify(_, path string, headers http.Header) {
	a.told = append(a.told, path+" "+headers.Get("Cookie"))
}

// comes opens a connection, and asks about it.
func comes(t *testing.T, cfg Config, target string, headers http.Header) *session {
	t.Helper()
	cfg.Domain, cfg.Rooms = "ht.example.org", "example.org"
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	r.Header = headers
	client, refusal := New(cfg).Open(r)
	if refusal != nil {
		t.Fatalf("it is refused: %+v", refusal)
	}
	s := client.(*session)
	s.Ask(t.Context())
	return s
}

// established is the envelope that a session begins with.
var established = []byte(`{"id":"1","from":"postmaster@ht.example.org/#e","to":"x@ht.example.org/y","state":"established"}`)

func TestWhatTheAPIIsToldOfAClient(t *testing.T) { // H-02, H-03, H-04, H-05
	a := &api{status: 200, body: `{}`}
	var more []Header
	for _, text := range []string{
		"X-Session-Token=param:session_token", "referer=fixed:https://app.example.org/api/", "X-Missing=cookie:none", "X-Lang=cookie:lang", "X-Far=header:x-far",
		"User-Agent=param:agent",
	} {
		h, err := ParseHeader(text)
		if err != nil {
			t.Fatal(err)
		}
		more = append(more, h)
	}
	comes(t, Config{API: a, Headers: more}, "/ws/?token=t0k&session_token=st&other=1", http.Header{
		"Cookie": {"sessionid=s 1;csrftoken=c; lang=nl"}, "User-Agent": {"browser"}, "X-Real-Ip": {"10.1.2.3"}, "X-Far": {"a", "b"},
		"Authorization": {"Basic x"}, "X-Forwarded-For": {"10.9.9.9"}, "Host": {"front"},
	})
	want := http.Header{
		"Cookie": {"sessionid=s 1;csrftoken=c; lang=nl"}, "X-Real-Ip": {"10.1.2.3"}, "X-Csrftoken": {"c"}, "Authorization": {"Token t0k"},
		"X-Session-Token": {"st"}, "Referer": {"https://app.example.org/api/"}, "X-Lang": {"nl"}, "X-Far": {"a, b"},
	}
	if !reflect.DeepEqual(a.asked, want) {
		t.Errorf("it is told %v, want %v", a.asked, want)
	}
	comes(t, Config{API: a}, "/ws/?token=a%0d%0aX-Evil:%201", http.Header{"Cookie": {"a=1", "b=2"}})
	if want := (http.Header{"Cookie": {"a=1; b=2"}}); !reflect.DeepEqual(a.asked, want) {
		t.Errorf("it is told %v, want %v", a.asked, want)
	}
	for _, text := range []string{"", "X", "X=param", "X=param:", "X=body:a", "=fixed:a", "X Y=fixed:a", "X=fixed:a\nb", "host=fixed:a", "Connection=header:Connection"} {
		if h, err := ParseHeader(text); !errors.Is(err, errHeader) {
			t.Errorf("%q is read as %+v, %v", text, h, err)
		}
	}
}

func TestWhoIsLetIn(t *testing.T) {
	for why, row := range map[string]struct {
		a     api
		path  string
		first string // the first frame
		node  string // with which it logs in
	}{
		"H-06": {api{status: 200, body: `{"allowed_rooms":[{"n":1},{"n":1}]}`}, "", `{"is_authorized":true,"allowed_rooms":[{"n":1}]}`, "guest-"},
		"H-07": {api{status: 200, body: `{}`}, "", `{"is_authorized":true,"allowed_rooms":[]}`, "guest-"},
		"H-08": {api{status: 403}, "", `{"is_authorized":false}`, ""},
		"H-10": {api{err: errors.New("away")}, "", `{"is_authorized":false}`, ""},
		"H-10: too much for a frame": {
			api{status: 200, body: `{"allowed_rooms":[` + strings.TrimSuffix(strings.Repeat(`{"n":"%[1]d"},`, 80_000), ",") + `]}`}, "", `{"is_authorized":false}`, "",
		},
		"H-10: no JSON":      {api{status: 200, body: `x`}, "", `{"is_authorized":false}`, ""},
		"H-10: no list":      {api{status: 200, body: `{"allowed_rooms":null}`}, "", `{"is_authorized":false}`, ""},
		"a user":             {api{status: 200, body: `{"user":{"data":{"id":5}}}`}, "user.data.id", `{"is_authorized":true,"allowed_rooms":[]}`, "5@"},
		"a user with a name": {api{status: 200, body: `{"user":{"data":{"id":"Ana B"}}}`}, "user.data.id", `{"is_authorized":true,"allowed_rooms":[]}`, "%41na%20%42@"},
		"the server's name":  {api{status: 200, body: `{"id":"postmaster"}`}, "id", `{"is_authorized":true,"allowed_rooms":[]}`, "%70ostmaster@"},
		"no user":            {api{status: 200, body: `{"user":[]}`}, "user.data.id", `{"is_authorized":true,"allowed_rooms":[]}`, "guest-"},
		"nobody":             {api{status: 200, body: `{"user":null}`}, "user", `{"is_authorized":true,"allowed_rooms":[]}`, "guest-"},
	} {
		if strings.Contains(row.a.body, "%[1]d") { // all of them are others
			parts := strings.Split(row.a.body, "%[1]d")
			var b strings.Builder
			for i, p := range parts {
				b.WriteString(p)
				if i < len(parts)-1 {
					fmt.Fprint(&b, i)
				}
			}
			row.a.body = b.String()
		}
		cfg := Config{API: &row.a}
		if row.path != "" {
			cfg.UserPath = strings.Split(row.path, ".")
		}
		s := comes(t, cfg, "/ws", nil)
		login := s.Login()
		if unreadable := row.a.why != nil; unreadable != strings.Contains(why, "H-10: ") {
			t.Errorf("%s: that it cannot be read is said: %v", why, row.a.why)
		}
		if (login.Refused == nil) != (row.node != "") || !strings.HasPrefix(login.Node.String(), row.node) || row.node != "" && login.Node.Domain != "ht.example.org" {
			t.Errorf("%s: it logs in as %v (%v)", why, login.Node, login.Refused)
		}
		if shows := login.Presence != nil; shows != (row.node != "" && row.node != "guest-") {
			t.Errorf("%s: that it shows is %t", why, shows)
		}
		message, command := lime.Header{Kind: lime.KindMessage, Type: []byte("text/plain")}, lime.Header{Kind: lime.KindCommand, Method: lime.MethodGet}
		if login.Refused == nil && (login.Takes == nil || login.Takes.Takes(&message) || login.Takes.Takes(&command)) {
			t.Errorf("%s: it takes what it has no frame for: %+v", why, login.Takes)
		}
		var first []byte
		if login.Refused == nil {
			first, _ = s.ToClient(nil, established)
		} else {
			first, _ = s.End(login.Refused)
		}
		if string(first) != row.first {
			t.Errorf("%s: it begins by %.100s, want %s", why, first, row.first)
		}
	}
}

func TestTheAPIIsToldOfClients(t *testing.T) { // H-42
	a := &api{status: 200, body: `{}`, answer: http.Header{
		"Content-Type": {"application/json"}, "Set-Cookie": {"a=2; Path=/", "c=3; HttpOnly", "b=; Max-Age=0"},
	}}
	cfg := Config{API: a, Notify: true}
	s := comes(t, cfg, "/ws", http.Header{"Cookie": {"a=1; b=1; d=4"}})
	if frame, ok := s.ToClient(nil, []byte(`{"id":"1","state":"authenticating"}`)); ok {
		t.Errorf("it is told %s", frame)
	}
	if _, ok := s.ToClient(nil, established); !ok {
		t.Fatal("it is not let in")
	}
	s.FromClient([]byte("ping"), false)
	if frame, reason := s.End(nil); frame != nil || reason != "" {
		t.Errorf("it ends by %s, %s", frame, reason)
	}
	s.Closed()
	cookies := " d=4; a=2; c=3"
	if want := []string{pathOnline + cookies, pathOnline + cookies, pathOffline + cookies}; !reflect.DeepEqual(a.told, want) {
		t.Errorf("the API is told %q, want %q", a.told, want)
	}
	a.told, a.status = nil, 403
	comes(t, cfg, "/ws", nil).Closed()
	if len(a.told) > 0 {
		t.Errorf("of who is not let in it is told %q", a.told)
	}
}

func TestPagesOfOtherOrigins(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "http://app.example.org/ws", http.NoBody)
	r.Header.Set("Origin", "https://evil.example")
	if _, refusal := New(Config{}).Open(r); refusal == nil || refusal.Status != http.StatusForbidden {
		t.Errorf("it is answered by %v", refusal)
	}
	if _, refusal := New(Config{Origins: []string{"*"}}).Open(r); refusal != nil {
		t.Errorf("it is refused: %v", refusal)
	}
}

// told is the status that a session is told.
func (s *session) told(t *testing.T) (got struct {
	Connections int   `json:"open_connections"`
	Rooms       int   `json:"num_rooms"`
	Triggers    int64 `json:"rabbitmq_messages_received"`
	Sent        int64 `json:"ws_messages_send"`
	Failed      int64 `json:"ws_messages_send_error"`
},
) {
	t.Helper()
	if err := json.Unmarshal(s.FromClient([]byte(`{"type":"status"}`), false).Answer, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestStatusCounts(t *testing.T) { // H-31, H-32
	d := New(Config{
		API:    &api{status: 200, body: `{"allowed_rooms":[{"n":"*"}]}`},
		Domain: "ht.example.org", Rooms: "example.org", Triggers: func() int64 { return 7 },
	})
	open := func() *session {
		client, _ := d.Open(httptest.NewRequest(http.MethodGet, "/ws", http.NoBody))
		s := client.(*session)
		s.Ask(t.Context())
		s.ToClient(nil, established)
		return s
	}
	subscribe := func(s *session, id, n string) {
		t.Helper()
		if said := s.FromClient([]byte(`{"type":"subscribe","requestId":`+id+`,"room":{"n":`+n+`}}`), false); len(said.Enter) != 1 {
			t.Fatalf("it is answered by %s", said.Answer)
		}
		if answer := s.Entered(true); string(answer) != ok {
			t.Fatalf("it is answered by %s", answer)
		}
	}
	want := func(why string, s *session, connections, rooms int) {
		t.Helper()
		if got := s.told(t); got.Connections != connections || got.Rooms != rooms || got.Triggers != 7 {
			t.Errorf("%s: it is told %+v, want %d connections and %d rooms", why, got, connections, rooms)
		}
	}
	a, b := open(), open()
	want("nobody has subscribed", a, 2, 0)
	subscribe(a, "1", "1")
	subscribe(a, "2", "1")
	subscribe(b, "1", "1")
	subscribe(b, "2", "2")
	want("two rooms", a, 2, 2)
	a.FromClient([]byte(`{"type":"unsubscribe","requestId":1}`), false)
	a.FromClient([]byte(`{"type":"unsubscribe","requestId":2}`), false)
	want("H-32: somebody is left", a, 2, 2)
	b.FromClient([]byte(`{"type":"subscribe","requestId":3,"room":{"n":3}}`), false)
	b.Closed()
	want("all have gone, and what was being entered never counted", a, 1, 0)
	a.Publication(nil, dialect.Subscription{Request: "1"}, []byte(`{"type":"text/plain","content":"x"}`))
	a.Publication(nil, dialect.Subscription{Request: "1"}, []byte(`{"type":"text/plain","content":"x"}`))
	a.Missed()
	if got := a.told(t); got.Sent != 1 || got.Failed != 1 {
		t.Errorf("it is told %+v", got)
	}
}

func TestTriggersAsEnvelopesAndBack(t *testing.T) { // H-23
	s := comes(t, Config{API: &api{status: 200, body: `{}`}}, "/ws", nil)
	for _, data := range []string{`{"ride":[9, null]}`, `"x"`, `[1, 2]`, `5`, `null`, `true`} {
		trigger, err := ParseTrigger([]byte(`{"rooms":[{"b":1,"a":"é"}],"data":` + data + `}`))
		if err != nil {
			t.Fatal(err)
		}
		envelope := trigger.AppendEnvelope(nil, trigger.Rooms[0], "example.org", "")
		var h lime.Header
		if _, err := h.Scan(envelope); err != nil || h.Check() != nil || h.CheckDocument() != nil || h.ID != nil || h.NeedsMending {
			t.Errorf("%s: %v", envelope, err)
		}
		m, err := h.Message(envelope)
		if err != nil || m.From.Identity != m.To.Identity || m.To.Domain != "rooms.example.org" || m.From.Instance != "postmaster%40example.org" {
			t.Errorf("%s goes from %v to %v (%v)", envelope, m.From, m.To, err)
		}
		frame, is := s.Publication(nil, dialect.Subscription{Room: trigger.Rooms[0], Request: `"r"`}, envelope)
		if want := `{"type":"publish","data":` + data + `,"requestId":"r"}`; !is || string(frame) != want {
			t.Errorf("%s brings %s, want %s", envelope, frame, want)
		}
	}
	for _, envelope := range []string{`{"id":"1","event":"received"}`, `{`, `{"type":"` + MediaData + `","content":{}}`} {
		if frame, is := s.Publication(nil, dialect.Subscription{Request: "1"}, []byte(envelope)); is {
			t.Errorf("%s brings %s", envelope, frame)
		}
	}
}

// TestATriggerReachesASubscriptionOnce holds the three modes against what each of them means
// for every room that a subscriber may be in.
func TestATriggerReachesASubscriptionOnce(t *testing.T) { // H-41
	every := rooms(t, `{"a":1,"b":1}`, `{"a":1,"b":"*"}`, `{"a":"*","b":1}`, `{"a":"*","b":"*"}`, `{"a":2,"b":1}`, `{"a":1}`)
	for _, listed := range [][]room.Name{
		{every[0]},
		{every[0], every[0]},
		{every[1], every[2]},
		{every[3], every[0], every[1]},
		{every[0], every[3]},
		{every[0], every[4]},
		{every[2], every[0], every[1], every[5]},
	} {
		for _, sides := range []room.Sides{room.Neither, room.Publisher, room.Both} {
			s := comes(t, Config{API: &api{status: 200, body: `{}`}, Wildcards: sides}, "/ws", nil)
			trigger := Trigger{Rooms: listed, Data: []byte("1")}
			all, once := trigger.Publications(sides)
			for i, at := range every {
				want := 0
				for _, n := range listed {
					if n.Reaches(at, sides) {
						want++
					}
				}
				id := ""
				if sides != room.Neither {
					want = min(want, 1)
				}
				if once {
					id = "t"
				}
				got := 0
				for _, n := range all {
					if !n.Reaches(at, sides) {
						continue
					}
					to := dialect.Subscription{Room: at, Request: fmt.Sprint(i)}
					if _, ok := s.Publication(nil, to, trigger.AppendEnvelope(nil, n, "example.org", id)); ok {
						got++
					}
				}
				if got != want {
					t.Errorf("%v, published where %d counts, comes %d times to %s, want %d", listed, sides, got, at, want)
				}
			}
		}
	}
}

func TestTriggersOfManyRooms(t *testing.T) { // H-41
	listed := []room.Name{`?n="*"`}
	for i := range maxCovers - 1 {
		listed = append(listed, room.Name(fmt.Sprint("?n=", i)))
	}
	trigger := Trigger{Rooms: listed}
	if all, once := trigger.Publications(room.Publisher); len(all) != 1 || once {
		t.Errorf("%d rooms are left (once: %t)", len(all), once)
	}
	trigger.Rooms = append(listed, "?n=-1", "?n=-1")
	if all, once := trigger.Publications(room.Publisher); len(all) != maxCovers+1 || !once { // each is told apart by the id
		t.Errorf("%d rooms are left (once: %t)", len(all), once)
	}
	many := strings.Repeat(`{"n":1},`, maxRooms)
	if got, err := ParseTrigger([]byte(`{"rooms":[` + strings.TrimSuffix(many, ",") + `],"data":1}`)); err != nil || len(got.Rooms) != maxRooms {
		t.Errorf("%d rooms are read: %v", len(got.Rooms), err)
	}
	if _, err := ParseTrigger([]byte(`{"rooms":[` + many + `{"n":1}],"data":1}`)); !errors.Is(err, ErrTrigger) {
		t.Errorf("one more: %v", err)
	}
}

func TestTriggersThatMixAreToldApart(t *testing.T) { // H-41
	s := comes(t, Config{API: &api{status: 200, body: `{}`}, Wildcards: room.Both}, "/ws", nil)
	to := dialect.Subscription{Room: `?n="*"`, Request: "1"}
	trigger := Trigger{Data: []byte("1")}
	comes := func(id string) bool {
		_, ok := s.Publication(nil, to, trigger.AppendEnvelope(nil, "?n=1", "example.org", id))
		return ok
	}
	for _, id := range []string{"a", "b", "c"} {
		if !comes(id) {
			t.Errorf("%s does not come", id)
		}
	}
	for _, id := range []string{"b", "a", "c"} {
		if comes(id) {
			t.Errorf("%s comes twice", id)
		}
	}
	for range 2 {
		if !comes("") {
			t.Error("what has no id is told apart")
		}
	}
	s.client = NewClient("c", rooms(t, `{"n":"*"}`), 1)
	s.FromClient([]byte(`{"type":"subscribe","requestId":1,"room":{"n":"*"}}`), false)
	s.Entered(true)
	s.FromClient([]byte(`{"type":"unsubscribe","requestId":1}`), false)
	if !comes("a") {
		t.Error("a subscription that is new has had it")
	}
	for i := range 1000 {
		comes(fmt.Sprint(i))
	}
	if len(s.had) != 1 {
		t.Errorf("%d are remembered", len(s.had))
	}
}

func TestAnIdleSessionKeepsNothingOfItsRequest(t *testing.T) {
	for _, notify := range []bool{false, true} {
		s := comes(t, Config{API: &api{status: 200, body: `{}`}, Notify: notify}, "/ws", http.Header{"Cookie": {"a=1"}})
		s.ToClient(nil, established)
		if kept := s.headers != nil; kept != notify || s.opened != nil {
			t.Errorf("where the API is told of clients (%t), headers are kept: %t, and the first frame: %s", notify, kept, s.opened)
		}
	}
}
