package aioconnectors

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

const (
	domain = "aio.t.org"
	server = "('10.0.0.5', 10673)"
)

// newClient returns a connector that has come in by a name.
func newClient(cfg Config, name string) *client {
	cfg.Domain, cfg.Rooms = domain, "t.org"
	if cfg.Service.Name == "" {
		cfg.Service = lime.Identity{Name: "hub", Domain: "t.org"}
	}
	if cfg.Server == "" {
		cfg.Server = server
	}
	c := New(cfg).Accept().(*client)
	c.prefix = "p-"
	c.Greet(framed(`{"message_type":"_handshake_no_ssl","source_id":"`+name+`"}`, "hello"), dialect.Peer{})
	return c
}

// header is that of a message of kiosk7, with more in it.
func header(kind, more string) string {
	return `{"message_type":"` + kind + `","source_id":"kiosk7","destination_id":"` + server + `"` + more + `}`
}

// envelope is the message that comes of it.
func envelope(id, to, kind, content, message, more string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{` + id + `"to":"` + to + `","type":"` + kind + `","content":` + content + `,"metadata":{"aioconnectors.message_type":"` + message + `"` + more + `}}`
}

func TestAHandshakeNamesAConnector(t *testing.T) {
	long := strings.Repeat("x", 128)
	hello := func(kind, name, data string) []byte {
		return framed(`{"message_type":"`+kind+`","source_id":"`+name+`"}`, data)
	}
	for _, row := range []struct {
		name  string
		frame []byte
		tls   bool
		node  string
	}{
		{"in clear", hello("_handshake_no_ssl", "kiosk7", "hello"), false, "kiosk7@aio.t.org/connector"},
		{"encrypted", hello("_handshake_ssl", "kiosk7", "hello"), true, "kiosk7@aio.t.org/connector"},
		{"what LIME's names have not", hello("_handshake_no_ssl", "Kiosk:7_a-B", "hello"), false, "%4biosk%3a7_a-%42@aio.t.org/connector"},
		{"the server of LIME's", hello("_handshake_no_ssl", "postmaster", "hello"), false, "%70ostmaster@aio.t.org/connector"},
		{"the longest", hello("_handshake_no_ssl", long, "hello"), false, long + "@aio.t.org/connector"},
		{"nearly one without a name", hello("_handshake_no_ssl", "default-7", "hello"), false, "default-7@aio.t.org/connector"},
		{"of the other mode", hello("_handshake_ssl", "kiosk7", "hello"), false, ""},
		{"in clear where it is not", hello("_handshake_no_ssl", "kiosk7", "hello"), true, ""},
		{"no greeting", hello("_handshake_no_ssl", "kiosk7", ""), false, ""},
		{"another one", hello("_handshake_no_ssl", "kiosk7", "hello "), false, ""},
		{"no name", hello("_handshake_no_ssl", "", "hello"), false, ""},
		{"a name that is no text", framed(`{"message_type":"_handshake_no_ssl","source_id":7}`, "hello"), false, ""},
		{"a space", hello("_handshake_no_ssl", "kiosk 7", "hello"), false, ""},
		{"a dot", hello("_handshake_no_ssl", "kiosk.7", "hello"), false, ""},
		{"too long", hello("_handshake_no_ssl", long+"x", "hello"), false, ""},
		{"without a name yet", hello("_handshake_no_ssl", "default", "hello"), false, ""},
		{"likewise", hello("_handshake_no_ssl", "default7", "hello"), false, ""},
		{"a message first", framed(header("any", ""), "hello"), false, ""},
		{"a certificate is asked for", framed(`{"message_type":"_ssl","source_id":"kiosk7"}`, `{"cmd":"get_new_certificate"}`), true, ""},
		{"no object", framed("[]", "hello"), false, ""},
	} {
		c := New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: row.tls}).Accept()
		c.Greet(row.frame, dialect.Peer{})
		login := c.Login()
		if row.node == "" {
			if login.Refused == nil {
				t.Errorf("%s: it is let in as %v", row.name, login.Node)
			}
			continue
		}
		if login.Refused != nil || login.Node.String() != row.node {
			t.Errorf("%s: it is %v (%v), want %s", row.name, login.Node, login.Refused, row.node)
		}
		b, ok := c.ToClient(nil, []byte(`{"id":"s","from":"postmaster@t.org/#e","state":"established"}`))
		if !ok || len(b) > 0 {
			t.Errorf("%s: it is answered by %q", row.name, b)
		}
		if b, why := c.End(login.Refused); b != nil || why != "" {
			t.Errorf("%s: at the end it is told %q, %s", row.name, b, why)
		}
	}
}

func TestWhatAConnectorSays(t *testing.T) {
	ack := func(n int) string {
		return string(framed(fmt.Sprintf(`{"message_type":"_ack","source_id":"%s","transport_id":%d}`, server, n), ""))
	}
	n, ok := roomOf("t1")
	if !ok {
		t.Fatal("there is no topic")
	}
	room := lime.Identity{Name: n.Address(), Domain: "rooms.t.org"}.String()
	deep := strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)
	for _, row := range []struct {
		name   string
		frame  []byte
		cfg    Config
		want   dialect.Said
		answer string
		env    string
	}{
		{name: "A-17: an object", frame: framed(header("any", ""), `{"n": 1}`), env: envelope("p-1", "hub@t.org", "application/json", `{"n": 1}`, "any", "")},
		{name: "A-17: text", frame: framed(header("any", ""), "price?\n\"é\""), env: envelope("p-1", "hub@t.org", "text/plain", `"price?\n\"é\""`, "any", "")},
		{name: "A-17: nothing", frame: framed(header("any", ""), ""), env: envelope("p-1", "hub@t.org", "text/plain", `""`, "any", "")},
		{name: "A-17: a list is text", frame: framed(header("any", ""), "[1]"), env: envelope("p-1", "hub@t.org", "text/plain", `"[1]"`, "any", "")},
		{name: "A-17: what nests too deeply is", frame: framed(header("any", ""), deep), env: envelope("p-1", "hub@t.org", "text/plain", `"`+strings.ReplaceAll(deep, `"`, `\"`)+`"`, "any", "")},
		{name: "A-17: what is nearly an object is", frame: framed(header("any", ""), "{]}"), env: envelope("p-1", "hub@t.org", "text/plain", `"{]}"`, "any", "")},
		{name: "A-17: lines", frame: framed(header("any", ""), "a\tb\r\n"), env: envelope("p-1", "hub@t.org", "text/plain", `"a\tb\r\n"`, "any", "")},
		{name: "A-17: what controls something", frame: framed(header("any", ""), "a\x00"), env: envelope("p-1", "hub@t.org", MediaMessage, `{"data64":"YQA="}`, "any", "")},
		{name: "A-17: no text", frame: framed(header("any", ""), "\xff"), env: envelope("p-1", "hub@t.org", MediaMessage, `{"data64":"/w=="}`, "any", "")},
		{
			name: "A-17: a binary part", frame: framed(header("any", `,"with_binary":true`), `{"n":1}`, "\x01\x02\x03"),
			env: envelope("p-1", "hub@t.org", MediaMessage, `{"data":{"n":1},"binary":"AQID"}`, "any", ""),
		},
		{
			name: "A-17: an empty one", frame: framed(header("any", `,"with_binary":true`), "x", ""),
			env: envelope("p-1", "hub@t.org", MediaMessage, `{"data":"x","binary":""}`, "any", ""),
		},
		{
			name: "A-22: a request, and what else it has", frame: framed(header("price", `,"request_id":5,"await_response":true,"tag":"a:b","more":{"x":[null]}`), "?"),
			env: envelope("p-1", "hub@t.org", "text/plain", `"?"`, "price",
				`,"aioconnectors.request_id":"5","aioconnectors.await_response":"true","aioconnectors.tag":"a:b","aioconnectors.more":"{\"x\":[null]}"`),
		},
		{name: "A-18: another type", frame: framed(header("other", ""), "x"), cfg: Config{Types: []string{"any"}}, want: dialect.Said{Drop: dropType}},
		{name: "A-18: a type of ours", frame: framed(header("_token", ""), "x"), want: dialect.Said{Drop: dropType}},
		{name: "A-18: none", frame: framed(`{"source_id":"kiosk7"}`, "x"), want: dialect.Said{Drop: dropType}},
		{name: "A-19: what is dropped is acknowledged", frame: framed(header("other", `,"wait_for_ack":true,"transport_id":9`), "x"), cfg: Config{Types: []string{"any"}}, want: dialect.Said{Drop: dropType}, answer: ack(9)},
		{name: "A-19: by another sign it is not", frame: framed(header("other", `,"transport_id":0`), "x"), cfg: Config{Types: []string{"any"}}, want: dialect.Said{Drop: dropType}},
		{name: "A-19: what is stored is not yet", frame: framed(header("any", `,"transport_id":9`), "x"), env: envelope("p-1", "hub@t.org", "text/plain", `"x"`, "any", "")},
		{name: "A-26: what is to wait for nobody is", frame: framed(header("any", `,"transport_id":9`), "x"), cfg: Config{Simple: true}, answer: ack(9), env: envelope("", "hub@t.org", "text/plain", `"x"`, "any", "")},
		{name: "A-09: as somebody else", frame: framed(`{"message_type":"any","source_id":"kiosk8","transport_id":1}`, "x"), want: dialect.Said{Drop: dropSource}},
		{name: "to another connector", frame: framed(`{"message_type":"any","source_id":"kiosk7","destination_id":"Bob:1"}`, "x"), env: envelope("p-1", "%42ob%3a1@aio.t.org", "text/plain", `"x"`, "any", "")},
		{name: "to a client of LIME", frame: framed(`{"message_type":"any","source_id":"kiosk7","destination_id":"ana@t.org/home"}`, "x"), env: envelope("p-1", "ana@t.org/home", "text/plain", `"x"`, "any", "")},
		{name: "to no address", frame: framed(`{"message_type":"any","source_id":"kiosk7","destination_id":"@"}`, "x"), want: dialect.Said{Drop: dropNowhere}},
		{name: "too long", frame: framed(header("any", ""), strings.Repeat("x", 1000)), cfg: Config{MaxEnvelope: 1000}, want: dialect.Said{Drop: dropTooLong}},
		{name: "A-40: no frame", frame: framed("[]", "x"), want: dialect.Said{Drop: dropMalformed, Close: true}},
		{name: "half a surrogate pair", frame: framed(header("any", `,"a":"\ud800"`), "x"), env: envelope("p-1", "hub@t.org", "text/plain", `"x"`, "any", `,"aioconnectors.a":"�"`)},
		{name: "A-09: as somebody else by another spelling", frame: framed(header("any", `,"\u0073ource_id":"eve"`), "x"), want: dialect.Said{Drop: dropSource}},
		{
			name: "A-20: a ping", frame: framed(`{"message_type":"_ping","source_id":"kiosk7","request_id":5,"await_response":true,"with_binary":true}`, "data", "\x00"),
			answer: string(framed(`{"message_type":"_ping","source_id":"`+server+`","destination_id":"kiosk7","response_id":5,"with_binary":true}`, "data", "\x00")),
		},
		{
			name: "A-21: its id may be text", frame: framed(`{"message_type":"_ping","source_id":"kiosk7","request_id":"a\"b","await_response":true}`, "keep_alive_client_check"),
			answer: string(framed(`{"message_type":"_ping","source_id":"`+server+`","destination_id":"kiosk7","response_id":"a\"b"}`, "keep_alive_client_check")),
		},
		{name: "A-20: without an id", frame: framed(`{"message_type":"_ping","source_id":"kiosk7","await_response":true}`, ""), want: dialect.Said{Drop: dropMalformed}},
		{name: "an answer to a probe", frame: framed(`{"message_type":"_ping","source_id":"kiosk7","response_id":"limegrove-7"}`, ""), want: dialect.Said{Proved: 7}},
		{name: "an answer to none", frame: framed(`{"message_type":"_ping","source_id":"kiosk7","response_id":7}`, ""), want: dialect.Said{}},
		{name: "A-34: an acknowledgement", frame: framed(`{"message_type":"_ack","source_id":"kiosk7","transport_id":3}`, ""), want: dialect.Said{}},
		{
			name: "A-31: a publication", frame: framed(header("_pubsub", `,"message_type_publish":"t1","tag":"a","request_id":7`), "news"),
			env: envelope("", room, "text/plain", `"news"`, "t1", `,"aioconnectors.tag":"a","aioconnectors.request_id":"7"`),
		},
		{name: "A-34: one that is to be acknowledged", frame: framed(header("_pubsub", `,"message_type_publish":"t1","transport_id":7`), "news"), env: envelope("p-1", room, "text/plain", `"news"`, "t1", "")},
		{name: "to every topic", frame: framed(header("_pubsub", `,"message_type_publish":"*","transport_id":7`), "news"), want: dialect.Said{Drop: dropTopic}, answer: ack(7)},
		{name: "to none", frame: framed(header("_pubsub", `,"message_type_publish":""`), "news"), want: dialect.Said{Drop: dropTopic}},
		{
			name: "A-39: a file", frame: framed(header("any", `,"with_file":{"src_path":"/in/a.csv","dst_type":"report","dst_name":"a.csv","delete":false,"binary_offset":2},"with_binary":true`), "{}", "okcontent"),
			env: envelope("p-1", "hub@t.org", MediaMessage, `{"data":{},"binary":"b2tjb250ZW50"}`, "any",
				`,"aioconnectors.with_file":"{\"src_path\":\"/in/a.csv\",\"dst_type\":\"report\",\"dst_name\":\"a.csv\",\"delete\":false,\"binary_offset\":2}"`),
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := newClient(row.cfg, "kiosk7").FromClient(row.frame, true)
			if string(got.Answer) != row.answer {
				t.Errorf("it is answered by %q, want %q", got.Answer, row.answer)
			}
			if string(got.Envelope) != row.env {
				t.Errorf("the envelope is\n%s, want\n%s", got.Envelope, row.env)
			}
			got.Answer, got.Envelope = nil, nil
			if !reflect.DeepEqual(got, row.want) {
				t.Errorf("it says %+v, want %+v", got, row.want)
			}
		})
	}
}

func TestWithoutAServiceNothingIsForTheServer(t *testing.T) {
	c := newClient(Config{}, "kiosk7")
	c.service = ""
	if said := c.FromClient(framed(header("any", ""), "x"), true); said.Drop != dropNobody || said.Envelope != nil {
		t.Errorf("it says %+v", said)
	}
}

func TestWhatAConnectorIsTold(t *testing.T) {
	from := func(node, kind, content, metadata string) string {
		return `{"id":"m1","from":"` + node + `","to":"kiosk7@aio.t.org","type":"` + kind + `","content":` + content + `,"metadata":{` + metadata + `}}`
	}
	for _, row := range []struct{ name, envelope, header, data, binary string }{
		{"of the service", from("Hub@t.org/x", "text/plain", `"a\"\u00e9"`, ``), `{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7"}`, `a"é`, ""},
		{
			"of another connector", from("%42ob%3a1@aio.t.org/connector", "application/json", `{"n": 1}`, `"aioconnectors.message_type":"t","aioconnectors.tag":"x","other":"y"`),
			`{"message_type":"t","source_id":"Bob:1","destination_id":"kiosk7","tag":"x"}`, `{"n": 1}`, "",
		},
		{"of a client of LIME", from("ana@t.org/home", "image/jpeg", `"x"`, ``), `{"message_type":"any","source_id":"ana@t.org","destination_id":"kiosk7"}`, "x", ""},
		{"of another kind", from("ana@t.org/home", "application/vnd.x+json", `{"a":[1]}`, ``), `{"message_type":"any","source_id":"ana@t.org","destination_id":"kiosk7"}`, `{"a":[1]}`, ""},
		{"a binary part", from("hub@t.org/x", MediaMessage, `{"data":{"n":1},"binary":"AQID"}`, ``), `{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7","with_binary":true}`, `{"n":1}`, "\x01\x02\x03"},
		{"no text", from("hub@t.org/x", MediaMessage, `{"data64":"/w=="}`, ``), `{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7"}`, "\xff", ""},
		{
			"what is about one hop", from("hub@t.org/x", "text/plain", `"x"`, `"aioconnectors.source_id":"y","aioconnectors.transport_id":"5","aioconnectors.with_binary":"true","aioconnectors.wait_for_ack":"true"`),
			`{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7"}`, "x", "",
		},
		{
			"by another spelling", from("hub@t.org/x", "text/plain", `"x"`, `"aioconnectors.\u0073ource_id":"eve","aioconnectors.\u0022":"1"`),
			`{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7","\"":1}`, "x", "",
		},
		{
			"A-24: a request without an id of its own", from("hub@t.org/x", "text/plain", `"x"`, `"aioconnectors.await_response":"true"`),
			`{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7","request_id":"m1","await_response":true}`, "x", "",
		},
		{
			"A-25: a response that it has not asked for", from("hub@t.org/x", "text/plain", `"x"`, `"aioconnectors.response_id":"5"`),
			`{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7"}`, "x", "",
		},
		{
			"A-38: a piece of a file of many", from("hub@t.org/x", MediaMessage, `{"data":"","binary":""}`, `"aioconnectors.with_file":"{\"dst_name\":\"a__aioconnectors_chunk_2_12\",\"chunked\":[\"a__aioconnectors_chunk\",2,12]}"`),
			`{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7","with_file":{"dst_name":"a__aioconnectors_chunk_02_12","chunked":["a__aioconnectors_chunk",2,12]},"with_binary":true}`, "", "",
		},
		{
			"A-37: of one of few", from("hub@t.org/x", MediaMessage, `{"data":"","binary":"AA=="}`, `"aioconnectors.with_file":"{\"dst_name\":\"a__aioconnectors_chunk_2_9\",\"chunked\":[\"a__aioconnectors_chunk\",2,9]}"`),
			`{"message_type":"any","source_id":"` + server + `","destination_id":"kiosk7","with_file":{"dst_name":"a__aioconnectors_chunk_2_9","chunked":["a__aioconnectors_chunk",2,9]},"with_binary":true}`, "", "\x00",
		},
	} {
		parts := []string{row.data}
		if strings.Contains(row.header, "with_binary") {
			parts = append(parts, row.binary)
		}
		got, ok := newClient(Config{}, "kiosk7").ToClient(nil, []byte(row.envelope))
		if want := framed(row.header, parts...); !ok || string(got) != string(want) {
			t.Errorf("%s: it is told\n%q (%t), want\n%q", row.name, got, ok, want)
		}
	}
	for why, metadata := range map[string]string{
		"an id that is none": `"aioconnectors.request_id":"[1]","aioconnectors.response_id":"{}"`,
		"no file":            `"aioconnectors.with_file":"x"`,
	} {
		got, ok := newClient(Config{}, "kiosk7").ToClient(nil, []byte(from("hub@t.org/x", "text/plain", `"x"`, metadata)))
		if want := framed(`{"message_type":"any","source_id":"`+server+`","destination_id":"kiosk7"}`, "x"); !ok || string(got) != string(want) {
			t.Errorf("%s ends a connector's connection: it is told\n%q (%t), want\n%q", why, got, ok, want)
		}
	}
	for name, text := range map[string]string{
		"a command":                   `{"id":"1","from":"a@t.org","method":"get","uri":"/x"}`,
		"what only the server may":    from("ana@t.org/x", "text/plain", `"x"`, `"aioconnectors.message_type":"_ping"`),
		"that by another spelling":    from("ana@t.org/x", "text/plain", `"x"`, `"\u0061ioconnectors.message\u005ftype":"_ssl"`),
		"base64 that is none":         from("ana@t.org/x", MediaMessage, `{"data":"x","binary":"?"}`, ``),
		"a header longer than it may": from("ana@t.org/x", "text/plain", `"x"`, `"aioconnectors.x":"`+strings.Repeat("x", maxHeader)+`"`),
		"nothing":                     `{`,
	} {
		if got, ok := newClient(Config{}, "kiosk7").ToClient(nil, []byte(text)); ok {
			t.Errorf("%s: it is told %q", name, got)
		}
	}
}

func TestAMessageIsAcknowledgedWhenItIsStored(t *testing.T) {
	c := newClient(Config{}, "kiosk7")
	told := func(envelope string) string {
		t.Helper()
		b, ok := c.ToClient(nil, []byte(envelope))
		if !ok {
			t.Errorf("there is no frame for %s", envelope)
		}
		return string(b)
	}
	ack := func(n int) string {
		return string(framed(fmt.Sprintf(`{"message_type":"_ack","source_id":"%s","transport_id":%d}`, server, n), ""))
	}
	for n := 1; n <= 4; n++ {
		c.FromClient(framed(header("price", fmt.Sprintf(`,"request_id":"r%d","await_response":true,"transport_id":%d`, n, 10*n)), "x"), true)
	}
	for _, row := range []struct{ why, envelope, want string }{
		{"it is stored", `{"id":"p-1","event":"accepted"}`, ack(10)},
		{"once", `{"id":"p-1","event":"accepted"}`, ""},
		{"it is handed out", `{"id":"p-2","event":"dispatched"}`, ""},
		{"of somebody else", `{"id":"q-2","event":"accepted"}`, ""},
		{"it never will be", `{"id":"p-2","event":"failed","reason":{"code":42}}`, ack(20)},
		{
			"before its answer", `{"from":"hub@t.org/x","type":"text/plain","content":"12","metadata":{"aioconnectors.message_type":"price","aioconnectors.response_id":"r3"}}`,
			ack(30) + string(framed(`{"message_type":"price","source_id":"`+server+`","destination_id":"kiosk7","response_id":"r3"}`, "12")),
		},
		{"and not again", `{"id":"p-3","event":"accepted"}`, ""},
		{"the others wait", `{"id":"p-4","event":"accepted"}`, ack(40)},
	} {
		if got := told(row.envelope); got != row.want {
			t.Errorf("%s: it is told %q, want %q", row.why, got, row.want)
		}
	}
	for n := range maxUnacked {
		if said := c.FromClient(framed(header("any", `,"transport_id":1`), "x"), true); said.Answer != nil {
			t.Fatalf("the message %d is acknowledged at once", n)
		}
	}
	if said := c.FromClient(framed(header("any", `,"transport_id":1`), "x"), true); said.Answer == nil {
		t.Error("more wait than there is room for")
	}
}

func TestAnAnswerFindsWhoHasAsked(t *testing.T) {
	c := newClient(Config{}, "hub")
	ask := func(from string, id string) {
		t.Helper()
		_, ok := c.ToClient(nil, []byte(`{"id":"m","from":"`+from+`","type":"text/plain","content":"?","metadata":{"aioconnectors.message_type":"price","aioconnectors.request_id":"`+id+`","aioconnectors.await_response":"true"}}`))
		if !ok {
			t.Fatal("there is no frame")
		}
	}
	answer := func(id string) string {
		t.Helper()
		said := c.FromClient(framed(`{"message_type":"price","source_id":"hub","destination_id":"`+server+`","response_id":`+id+`}`, "12"), true)
		return string(said.Envelope)
	}
	ask("kiosk7@aio.t.org/connector", "5")
	ask("kiosk7@aio.t.org/connector", "5") // once more, as it was not acknowledged
	ask("kiosk8@aio.t.org/connector", "5")
	ask("ana@t.org/home", "a")
	for i, row := range []struct{ id, to, as string }{
		{`"5~1"`, "kiosk8@aio.t.org/connector", "5"},
		{`5`, "kiosk7@aio.t.org/connector", "5"},
		{`"a"`, "ana@t.org/home", "a"},
		{`"a"`, "hub@t.org", "a"}, // nobody asks any more
	} {
		want := envelope(fmt.Sprintf("p-%d", i+1), row.to, "text/plain", `"12"`, "price", `,"aioconnectors.response_id":"`+row.as+`"`)
		if got := answer(row.id); got != want {
			t.Errorf("the answer to %s is\n%s, want\n%s", row.id, got, want)
		}
	}
	for i := range maxRequests + 5 {
		ask("ana@t.org/home", fmt.Sprint("q", i))
	}
	if n := len(c.requests.open); n != maxRequests {
		t.Errorf("%d are open", n)
	}
}

func TestAConnectorNamesItsServer(t *testing.T) {
	c := newClient(Config{}, "kiosk7")
	c.FromClient(framed(`{"message_type":"any","source_id":"kiosk7","destination_id":"('edge', '9')"}`, "x"), true)
	want := framed(`{"message_type":"_ping","source_id":"('edge', '9')","destination_id":"kiosk7","await_response":true,"request_id":"limegrove-4294967295"}`, "")
	if got := c.Probe(nil, 4294967295); string(got) != string(want) {
		t.Errorf("it is asked\n%q, want\n%q", got, want)
	}
	c.FromClient(framed(`{"message_type":"any","source_id":"kiosk7","destination_id":"(`+strings.Repeat("x", maxServer)+`"}`, "x"), true)
	if got := c.Probe(nil, 4294967295); string(got) != string(want) {
		t.Errorf("it is asked\n%q, want\n%q", got, want)
	}
}

func TestTopicsAreRooms(t *testing.T) {
	c := newClient(Config{Topics: 3}, "kiosk7")
	says := func(data string) dialect.Said { return c.FromClient(framed(header("_pubsub", ""), data), true) }
	said := says(`{"subscribe_message_types":["t1","t 2","t1"]}`)
	one := dialect.Subscription{Room: `?topic="t1"`, Request: "t1"}
	if len(said.Enter) != 2 || said.Enter[0].Request != "t1" || said.Enter[1].Request != "t 2" || said.Enter[0] != one {
		t.Fatalf("it says %+v", said)
	}
	two := said.Enter[1]
	for _, ok := range []bool{true, false} {
		if answer := c.Entered(ok); answer != nil {
			t.Errorf("it is told %q", answer)
		}
	}
	if said = says(`{"subscribe_message_types":["t1","t 2"]}`); len(said.Enter) != 1 || said.Enter[0] != two {
		t.Errorf("A-33: what it has stays, and what could not be is tried again: %+v", said)
	}
	c.Entered(true)
	if said = says(`{"unsubscribe_message_types":["t1","unknown"]}`); len(said.Leave) != 1 || said.Leave[0] != one || said.Enter != nil {
		t.Errorf("A-32: it says %+v", said)
	}
	if said = says(`{"subscribe_message_types":["*"]}`); said.Enter != nil || said.Drop != dropTopic {
		t.Errorf("every topic is none: %+v", said)
	}
	if said = says(`{"subscribe_message_types":["a","b","c"]}`); len(said.Enter) != 2 || said.Drop != dropTopic {
		t.Errorf("it has too many: %+v", said)
	}
	for _, data := range []string{"", "[]", `{"subscribe_message_types":"t1"}`} {
		if said = says(data); said.Drop != dropMalformed {
			t.Errorf("%s: it says %+v", data, said)
		}
	}
	if said := c.FromClient(framed(header("_pubsub", `,"transport_id":4`), `{}`), true); string(said.Answer) != string(framed(`{"message_type":"_ack","source_id":"`+server+`","transport_id":4}`, "")) {
		t.Errorf("A-19: it is answered by %q", said.Answer)
	}
}

func TestAPublicationComesFromTheServer(t *testing.T) {
	c := newClient(Config{}, "kiosk7")
	sender := newClient(Config{}, "Bob")
	said := sender.FromClient(framed(`{"message_type":"_pubsub","message_type_publish":"t1","source_id":"Bob","destination_id":"`+server+`","tag":"a","request_id":7,"wait_for_ack":true,"transport_id":3,"with_binary":true}`, "news", "\x00\x01"), true)
	got, ok := c.Publication(nil, dialect.Subscription{Request: "t1"}, said.Envelope)
	want := framed(`{"message_type":"t1","source_id":"`+server+`","destination_id":"kiosk7","request_id":7,"tag":"a","with_binary":true}`, "news", "\x00\x01")
	if !ok || string(got) != string(want) {
		t.Errorf("it is told\n%q, want\n%q", got, want)
	}
	got, ok = c.Publication(nil, dialect.Subscription{Request: "t1"}, []byte(`{"from":"x@rooms.t.org/ana%40t.org","type":"text/plain","content":"of LIME"}`))
	want = framed(`{"message_type":"t1","source_id":"`+server+`","destination_id":"kiosk7"}`, "of LIME")
	if !ok || string(got) != string(want) {
		t.Errorf("it is told\n%q, want\n%q", got, want)
	}
	if _, ok = c.Publication(nil, dialect.Subscription{Request: "t1"}, []byte(`{"event":"received","id":"1"}`)); ok {
		t.Error("what is no message is published")
	}
}

func TestAServiceHasNobodyBehindItsServer(t *testing.T) {
	c := newClient(Config{Service: lime.Identity{Name: "%48ub", Domain: "AIO.t.org"}}, "Hub")
	if said := c.FromClient(framed(`{"message_type":"any","source_id":"Hub","destination_id":"`+server+`"}`, "x"), true); said.Drop != dropNobody {
		t.Errorf("it says %+v", said)
	}
	if said := c.FromClient(framed(`{"message_type":"any","source_id":"Hub","destination_id":"kiosk7"}`, "x"), true); said.Drop != "" || said.Envelope == nil {
		t.Errorf("it says %+v", said)
	}
}

func TestAFileThatEndsAConnectionDoesNotForEver(t *testing.T) {
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, Service: lime.Identity{Name: "hub", Domain: "t.org"}})
	for offset, left := range map[int]string{0: "", 2: "ok"} {
		message := fmt.Sprintf(`{"id":"m%d","from":"hub@t.org/x","type":"`+MediaMessage+`","content":{"data":"x","binary":"b2tjb250ZW50"},`+
			`"metadata":{"aioconnectors.with_file":"{\"dst_type\":\"unknown\",\"binary_offset\":%d}"}}`, offset, offset)
		with := framed(fmt.Sprintf(`{"message_type":"any","source_id":"%s","destination_id":"kiosk7","with_file":{"dst_type":"unknown","binary_offset":%d},"with_binary":true}`, server, offset), "x", "okcontent")
		without := framed(`{"message_type":"any","source_id":"`+server+`","destination_id":"kiosk7"}`, "x")
		if left != "" {
			without = framed(`{"message_type":"any","source_id":"`+server+`","destination_id":"kiosk7","with_binary":true}`, "x", left)
		}
		for n := range maxTries + 2 {
			c := d.Accept().(*client)
			c.Greet(framed(`{"message_type":"_handshake_no_ssl","source_id":"kiosk7"}`, "hello"), dialect.Peer{})
			want := with
			if n >= maxTries {
				want = without
			}
			if got, ok := c.ToClient(nil, []byte(message)); !ok || string(got) != string(want) {
				t.Errorf("the connection %d is told\n%q (%t), want\n%q", n, got, ok, want)
			}
		}
	}
	for range maxTries + 2 { // without an id nobody keeps it
		c := d.Accept().(*client)
		if got, _ := c.ToClient(nil, []byte(`{"from":"hub@t.org/x","type":"text/plain","content":"x","metadata":{"aioconnectors.with_file":"{}"}}`)); !strings.Contains(string(got), "with_file") {
			t.Errorf("a message that does not come again is told as %q", got)
		}
	}
	for n := range 3 * triesKept {
		d.tries.more("kiosk7", fmt.Append(nil, n))
	}
	if n := len(d.tries.now) + len(d.tries.before); n > 2*triesKept {
		t.Errorf("%d are remembered", n)
	}
}
