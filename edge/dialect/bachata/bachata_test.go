package bachata

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"limegrove/lime"
)

const domain = "channels.t.org"

// equal compares JSON as what it says.
func equal(t testing.TB, why, got, want string) {
	t.Helper()
	if want == "" || got == "" {
		if got != want {
			t.Errorf("%s: got %q, want %q", why, got, want)
		}
		return
	}
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %s: %v", why, got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %s: %v", why, want, err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s: got %s, want %s", why, got, want)
	}
}

func TestWhatAClientSays(t *testing.T) {
	for _, row := range []struct {
		name, frame      string
		answer, envelope string
		drop             string
	}{
		{name: "B-03: a ping", frame: `{"type":1001,"x":1}`, answer: `{"type":1002}`},
		{name: "B-12: a confirmation", frame: `{"type":200,"data":"7f3a"}`, envelope: `{"id":"7f3a","event":"received"}`},
		{name: "B-20: of a number", frame: `{"type":200,"data":7}`, envelope: `{"id":"#7","event":"received"}`},
		{name: "of nothing", frame: `{"type":200}`, drop: dropIgnored},
		{name: "B-23: 100", frame: `{"type":100,"data":"7f3a"}`, drop: dropIgnored},
		{name: "B-23: 300", frame: `{"type":300,"data":"7f3a"}`, drop: dropIgnored},
		{name: "B-23: 1002", frame: `{"type":1002}`, drop: dropIgnored},
		{name: "B-21: no id", frame: `{"type":"text","dest":"bob","data":"x"}`, drop: dropNoID},
		{name: "B-22: no type", frame: `{"id":"1","dest":"bob"}`, drop: dropMalformed},
		{name: "B-22: a list", frame: `[{"type":1001}]`, drop: dropMalformed},
		{name: "B-22: null", frame: `null`, drop: dropMalformed},
		{name: "B-22: a text", frame: `"text"`, drop: dropMalformed},
		{name: "B-22: no JSON", frame: `{"type":1001`, drop: dropMalformed},
		{name: "B-22: nothing", frame: ``, drop: dropMalformed},
		{name: "two objects", frame: `{"type":1001}{"type":1001}`, drop: dropMalformed},
		{name: "B-08: no dest", frame: `{"id":"1","type":"text","data":"x"}`, answer: `{"type":100,"data":"1"}`, drop: dropNowhere},
		{name: "B-08: a dest that is a number", frame: `{"id":7,"type":"text","dest":5}`, answer: `{"type":100,"data":7}`, drop: dropNowhere},
		{
			name: "B-09: text", frame: `{"id":"1","type":"text","dest":"bob","data":"a</b>\u00e9","time":1760000000000}`,
			envelope: `{"id":"1","to":"bob@channels.t.org","type":"text/plain","content":"a</b>é","metadata":{"bachata.time":"1760000000000"}}`,
		},
		{
			name: "B-09: anything else", frame: `{"id":"1","type":"text","dest":"Bob Ä","data":{"a":1},"more":[null]}`,
			envelope: `{"id":"1","to":"%42ob%20%c3%84@channels.t.org","type":"` + MediaMessage + `","content":{"id":"1","type":"text","dest":"Bob Ä","data":{"a":1},"more":[null]}}`,
		},
		{
			name: "B-24: another number", frame: `{"id":"#","type":1000,"dest":"bob"}`,
			envelope: `{"id":"#\"#\"","to":"bob@channels.t.org","type":"` + MediaMessage + `","content":{"id":"#","type":1000,"dest":"bob"}}`,
		},
		{
			name: "to a client of LIME", frame: `{"id":"1","type":"text","dest":"lime:ana@t.org/home","data":"x"}`,
			envelope: `{"id":"1","to":"ana@t.org/home","type":"text/plain","content":"x"}`,
		},
		{
			name: "to a channel with the name of the server", frame: `{"id":"1","type":"text","dest":"postmaster","data":"x"}`,
			envelope: `{"id":"1","to":"%70ostmaster@channels.t.org","type":"text/plain","content":"x"}`,
		},
		{name: "to no address", frame: `{"id":"1","type":"text","dest":"lime:@","data":"x"}`, answer: `{"type":100,"data":"1"}`, drop: dropNowhere},
	} {
		t.Run(row.name, func(t *testing.T) {
			said := (&Config{Domain: domain}).fromClient([]byte(row.frame))
			equal(t, "answer", string(said.Answer), row.answer)
			equal(t, "envelope", string(said.Envelope), row.envelope)
			if said.Drop != row.drop {
				t.Errorf("it is dropped for %q, want %q", said.Drop, row.drop)
			}
		})
	}
}

func TestSimpleModeConfirmsNothing(t *testing.T) { // B-26
	c := &Config{Domain: domain, Simple: true}
	said := c.fromClient([]byte(`{"id":"1","type":"text","dest":"bob","data":"x"}`))
	equal(t, "it is taken at once", string(said.Answer), `{"type":100,"data":"1"}`)
	equal(t, "the envelope has no id, for which it would wait", string(said.Envelope),
		`{"to":"bob@channels.t.org","type":"`+MediaMessage+`","content":{"id":"1","type":"text","dest":"bob","data":"x"}}`)
	if said := c.fromClient([]byte(`{"type":200,"data":"1"}`)); said.Envelope != nil || said.Answer != nil || said.Drop != dropUnwanted {
		t.Errorf("a confirmation becomes %+v", said)
	}
}

func TestWhatAClientIsTold(t *testing.T) {
	for _, row := range []struct{ name, envelope, frame string }{
		{"B-01", `{"id":"s","from":"postmaster@t.org/#e","to":"bob@channels.t.org/1","state":"established"}`, `{"type":1000}`},
		{"a session's other states", `{"id":"s","state":"finished"}`, ``},
		{"B-06", `{"id":"7f3a","event":"accepted"}`, `{"type":100,"data":"7f3a"}`},
		{"B-20", `{"id":"#7","event":"accepted"}`, `{"type":100,"data":7}`},
		{"B-11", `{"id":"7f3a","event":"received"}`, `{"type":300,"data":"7f3a"}`},
		{"no frame", `{"id":"7f3a","event":"dispatched"}`, ``},
		{"nor for a failure", `{"id":"7f3a","event":"failed","reason":{"code":42}}`, ``},
		{"nor for a command", `{"id":"1","method":"get","uri":"/ping"}`, ``},
		{"no envelope", `{`, ``},
		{
			"of a client of LIME", `{"id":"1","from":"ana@t.org/home","to":"bob@channels.t.org","type":"text/plain","content":"x"}`,
			`{"id":"1","type":"text","dest":"Bob","data":"x","from":"lime:ana@t.org"}`,
		},
		{
			"without an id", `{"from":"ana@t.org/home","type":"application/json","content":{"a":1}}`,
			`{"type":"application/json","dest":"Bob","data":{"a":1},"from":"lime:ana@t.org"}`,
		},
		{
			"B-10: who has said who it is", `{"id":"1","from":"%41nn@channels.t.org/x","type":"` + MediaMessage + `","content":{"id":"1","type":"x","dest":"Bob","from":"me"}}`,
			`{"id":"1","type":"x","dest":"Bob","from":"me"}`,
		},
		{
			"of a client of LIME who says that it is another", `{"id":"1","from":"ana@t.org/x","type":"` + MediaMessage + `","content":{"type":"x","from":"Ann"}}`,
			`{"type":"x","from":"lime:ana@t.org"}`,
		},
		{"or the server", `{"id":"1","from":"ana@t.org/x","type":"` + MediaMessage + `","content":{"type":300,"data":"7f3a"}}`, ``},
	} {
		t.Run(row.name, func(t *testing.T) {
			frame, ok := (&Config{Domain: domain}).client("Bob", "").ToClient(nil, []byte(row.envelope))
			if ok != (row.frame != "") {
				t.Errorf("it has a frame: %t", ok)
			}
			equal(t, "frame", string(frame), row.frame)
		})
	}
	frame, _ := (&Config{Domain: domain, SetFrom: true}).client("Bob", "").ToClient(nil,
		[]byte(`{"id":"1","from":"%41nn@channels.t.org/x","type":"`+MediaMessage+`","content":{"id":"1","type":"x","dest":"Bob","from":"me"}}`))
	equal(t, "B-10: the server says who it is", string(frame), `{"id":"1","type":"x","dest":"Bob","from":"Ann"}`)
}

func TestWhomAChannelIsGivenTo(t *testing.T) { // B-02
	for _, row := range []struct {
		access         Access
		channel, token string
		refused, asked bool
	}{
		{"", "Bob", "t", false, true},
		{"", "Bob", "", true, false},
		{AccessToken, "", "t", true, false},
		{AccessToken, "Bob", "t", false, true},
		{AccessToken, "Bob", "", true, false},
		{AccessWebhook, "Bob", "t", false, true},
		{AccessWebhook, "Bob", "", false, true},
		{AccessWebhook, "", "", true, false},
		{AccessOpen, "Bob", "t", false, false},
		{AccessOpen, "", "", true, false},
	} {
		login := (&Config{Domain: domain, Access: row.access}).client(row.channel, row.token).Login()
		if (login.Refused != nil) != row.refused || login.Asked != row.asked {
			t.Errorf("%+v: it is %+v", row, login)
		}
		if want := map[bool]string{true: row.token}[row.asked]; login.Token != want {
			t.Errorf("%+v: the token is %q", row, login.Token)
		}
	}
}

func TestWhyAClientIsClosed(t *testing.T) { // B-02
	refused, fault := lime.NewReason(lime.CodeSessionAuthenticationFailed, "no"), lime.NewReason(lime.CodeSessionError, "away")
	for _, row := range []struct {
		what   string
		access Access
		ready  bool
		why    *lime.Reason
		told   bool
	}{
		{"it is refused", AccessToken, false, refused, true},
		{"nobody could decide", AccessWebhook, false, fault, true},
		{"its token has expired", AccessToken, true, refused, true},
		{"something else", AccessToken, true, fault, false},
		{"nobody was asked", AccessOpen, false, fault, false},
		{"it is over", AccessToken, true, nil, false},
	} {
		c := (&Config{Domain: domain, Access: row.access}).client("bob", "t")
		if row.ready {
			c.ToClient(nil, []byte(`{"id":"s","state":"established"}`))
		}
		if frame, reason := c.End(row.why); frame != nil || reason != map[bool]string{true: unauthorized}[row.told] {
			t.Errorf("%s: %q and %q", row.what, frame, reason)
		}
	}
}

func TestAMessageIsConfirmedOnce(t *testing.T) { // B-11
	c := (&Config{Domain: domain}).client("ana", "")
	for i, event := range []string{"received", "consumed", "received"} {
		if _, ok := c.ToClient(nil, []byte(`{"id":"7f3a","event":"`+event+`"}`)); ok != (i == 0) {
			t.Errorf("%s has a frame: %t", event, ok)
		}
	}
	if _, ok := c.ToClient(nil, []byte(`{"id":"7f3b","event":"consumed"}`)); !ok {
		t.Error("another one is not confirmed")
	}
}

// FuzzMessage holds that whatever message comes through, with all of its members: B-09,
// B-20, B-27.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"id":"7f3a","type":"text","dest":"bob","time":1760000000000,"data":{"text":"</é"}}`,
		`{"id":"7f3a","type":"text","dest":"bob","time":1760000000000,"data":"x"}`,
		`{"id":7,"type":55,"dest":"Ä @:","data":null,"a":{"b":[1]},"from":"me"}`,
		`{"id":"#7","type":"text","dest":"lime:ana@t.org","data":"x"}`,
	} {
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, frame []byte, simple bool) {
		c := &Config{Domain: domain, Simple: simple}
		said := c.fromClient(frame)
		if said.Envelope == nil {
			return
		}
		var h lime.Header
		if _, err := h.Scan(said.Envelope); err != nil {
			t.Fatalf("%s becomes %s: %v", frame, said.Envelope, err)
		}
		if h.Kind != lime.KindMessage {
			return
		}
		if (h.ID == nil) != simple || h.To == nil {
			t.Errorf("%s becomes %s", frame, said.Envelope)
		}
		o, _ := parse(frame)
		from := strings.Replace(string(said.Envelope), "{", `{"from":"me@`+domain+`/1",`, 1)
		got, ok := c.client(o.text("dest"), "").ToClient(nil, []byte(from))
		if !ok {
			t.Fatalf("%s, as %s, has no frame", frame, from)
		}
		equal(t, from, string(got), string(o.appendTo(nil)))
	})
}

func TestAnObjectWithManyMembersIsReadInOneGo(t *testing.T) {
	b := []byte(`{"type":"x"`)
	const members = 100_000
	for i := range members {
		b = fmt.Appendf(b, `,"%05d":1`, i)
	}
	began := time.Now()
	o, ok := parse(append(b, `,"type":"y"}`...))
	if took := time.Since(began); took > 10*time.Second { // each held against all others takes more than twice that
		t.Errorf("it takes %v", took)
	}
	if !ok || len(o) != members+1 || o.text("type") != "y" || o[0].name != "type" {
		t.Errorf("%d members are read", len(o))
	}
}
