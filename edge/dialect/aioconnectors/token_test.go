package aioconnectors

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"limegrove/edge/dialect"
	"limegrove/lime"
)

// book is a registry in memory.
type book struct {
	tokens  map[string]string // by identity
	away    bool
	out     []string // names that are kept out
	ignored []string // names
	from    netip.Addr
}

func (b *book) Admits(name string, from netip.Addr) bool {
	b.from = from
	return !slices.Contains(b.out, name)
}

func (b *book) Ignores(name string) bool { return slices.Contains(b.ignored, name) }

var errTaken = lime.NewReason(lime.CodeCommandNotAllowed, "The name has a token")

func (b *book) NewToken(_ context.Context, id lime.Identity) (string, error) {
	switch {
	case b.away:
		return "", errors.New("the store is away")
	case b.tokens[id.String()] != "":
		return "", errTaken
	}
	if b.tokens == nil {
		b.tokens = map[string]string{}
	}
	b.tokens[id.String()] = "secret"
	return "secret", nil
}

func (b *book) Verify(_ context.Context, id lime.Identity, token string) (string, error) {
	switch {
	case b.away:
		return "", errors.New("the store is away")
	case token == "" || b.tokens[id.String()] != token:
		return "", errTaken
	}
	return "by-" + token, nil
}

// comes has a connector come in where there are tokens, and returns what there is of it.
func comes(b *book, first []byte) (c asking, login dialect.Login) {
	c = New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Tokens: true, Registry: b}).Accept().(asking)
	c.Greet(first, dialect.Peer{Address: netip.MustParseAddrPort("10.0.0.9:40112")})
	c.Ask(context.Background())
	return c, c.Login()
}

func token(name, data string) []byte {
	return framed(`{"message_type":"_token","source_id":"`+name+`"}`, data)
}

func TestATokenIsGivenOnceAndLetsItsOwnerIn(t *testing.T) {
	b := &book{}
	c, login := comes(b, token("Kiosk:7", `{"cmd": "get_new_token"}`))
	want := string(framed(`{"message_type":"_token","source_id":"`+server+`"}`, `{"cmd":"set_new_token","token":"secret"}`))
	if frame, _ := c.End(login.Refused); login.Refused == nil || string(frame) != want {
		t.Fatalf("it is told %q (%v), want %q", frame, login.Refused, want)
	}
	if b.from.String() != "10.0.0.9" {
		t.Errorf("it comes from %v", b.from)
	}
	c, login = comes(b, token("Kiosk:7", `{"cmd": "authenticate", "token": "secret"}`))
	if login.Refused != nil || login.Node.String() != "%4biosk%3a7@aio.t.org/connector" || login.Credential != "by-secret" {
		t.Fatalf("it is let in as %v by %q (%v)", login.Node, login.Credential, login.Refused)
	}
	session := []byte(`{"id":"s","from":"postmaster@t.org/#e","state":"established"}`)
	want = string(framed(`{"message_type":"_token","source_id":"`+server+`"}`, `{"result":"success"}`))
	if frame, ok := c.ToClient(nil, session); !ok || string(frame) != want {
		t.Errorf("it is told %q, want %q", frame, want)
	}
	if frame, ok := c.ToClient(nil, session); !ok || len(frame) > 0 {
		t.Errorf("again: %q", frame)
	}
	if frame, _ := c.End(nil); frame != nil {
		t.Errorf("at the end it is told %q", frame)
	}
	if said := c.FromClient(framed(header("_token", ""), `{"cmd": "get_new_token"}`), true); said.Drop != dropSource {
		t.Errorf("later, of another name: %+v", said)
	}
	if said := c.FromClient(token("Kiosk:7", `{"cmd": "get_new_token"}`), true); said.Drop != dropType {
		t.Errorf("later: %+v", said)
	}
}

func TestWithoutItsTokenNobodyIsLetIn(t *testing.T) {
	for name, first := range map[string][]byte{
		"a name that has one":      token("kiosk7", `{"cmd":"get_new_token"}`),
		"a wrong one":              token("kiosk7", `{"cmd":"authenticate","token":"x"}`),
		"none":                     token("kiosk7", `{"cmd":"authenticate"}`),
		"an empty one":             token("kiosk7", `{"cmd":"authenticate","token":""}`),
		"somebody else's":          token("kiosk8", `{"cmd":"authenticate","token":"secret"}`),
		"by other capitals":        token("Kiosk7", `{"cmd":"authenticate","token":"secret"}`),
		"a number":                 token("kiosk7", `{"cmd":"authenticate","token":7}`),
		"another command":          token("kiosk7", `{"cmd":"set_new_token","token":"secret"}`),
		"no command":               token("kiosk7", `{}`),
		"no object":                token("kiosk7", `[]`),
		"nothing":                  token("kiosk7", ""),
		"no name":                  token("", `{"cmd":"get_new_token"}`),
		"a name that is none":      token("../kiosk", `{"cmd":"get_new_token"}`),
		"that of nobody yet":       token("default", `{"cmd":"get_new_token"}`),
		"a name that is kept out":  token("eve", `{"cmd":"get_new_token"}`),
		"the handshake of another": framed(`{"message_type":"_handshake_ssl","source_id":"kiosk7"}`, "hello"),
		"a message":                framed(header("any", ""), "hello"),
		"no frame":                 framed("[]", ""),
	} {
		b := &book{tokens: map[string]string{"kiosk7@aio.t.org": "secret"}, out: []string{"eve"}}
		c, login := comes(b, first)
		if frame, _ := c.End(login.Refused); login.Refused == nil || frame != nil {
			t.Errorf("%s: it is let in as %v, or told %q", name, login.Node, frame)
		}
		if len(b.tokens) != 1 {
			t.Errorf("%s: there are the tokens %v", name, b.tokens)
		}
	}
	if _, login := comes(&book{away: true}, token("kiosk7", `{"cmd":"get_new_token"}`)); login.Refused != noAnswer {
		t.Errorf("while tokens are away: %v", login.Refused)
	}
}

func TestWhoIsKeptOutWhileConnectedIsEnded(t *testing.T) {
	b := &book{}
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, Registry: b})
	ended := map[string]int{}
	enter := func(name string) *client {
		c := d.Accept().(*client)
		c.Greet(framed(`{"message_type":"_handshake_no_ssl","source_id":"`+name+`"}`, "hello"), dialect.Peer{})
		if why := c.Login().Refused; why != nil {
			t.Fatal(why)
		}
		return c
	}
	one, two, late := enter("one"), enter("two"), enter("late")
	one.Ends(func() { ended["one"]++ })
	two.Ends(func() { ended["two"]++ })
	if all := d.Connected(); len(all) != 2 {
		t.Errorf("connected are %v", all)
	}
	d.Review()
	if len(ended) > 0 {
		t.Errorf("ended are %v", ended)
	}
	b.out = []string{"two", "late"}
	d.Review()
	late.Ends(func() { ended["late"]++ })
	if ended["two"] != 1 || ended["late"] != 1 || len(ended) != 2 {
		t.Errorf("ended are %v", ended)
	}
	two.Closed()
	late.Closed()
	if all := d.Connected(); len(all) != 1 || all[0].Name != "one" {
		t.Errorf("connected are %v", all)
	}
}

func TestOfWhoIsIgnoredNothingIsTaken(t *testing.T) {
	b := &book{ignored: []string{"kiosk7"}}
	c := newClient(Config{Registry: b}, "kiosk7")
	said := c.FromClient(framed(header("any", `,"transport_id":3`), "x"), true)
	if said.Drop != dropIgnored || said.Envelope != nil || string(said.Answer) != string(appendAck(nil, server, 3)) {
		t.Errorf("A-19: it says %+v", said)
	}
	if said := c.FromClient(framed(header("_pubsub", ""), `{"subscribe_message_types":["t"]}`), true); said.Drop != dropIgnored || said.Enter != nil {
		t.Errorf("of a topic: %+v", said)
	}
	if said := c.FromClient(framed(`{"message_type":"_ping","source_id":"kiosk7","request_id":5,"await_response":true}`, ""), true); said.Answer == nil {
		t.Errorf("a ping is not answered: %+v", said)
	}
	message := []byte(`{"from":"hub@t.org/1","type":"text/plain","content":"x"}`)
	if frame, ok := c.ToClient(nil, message); ok || len(frame) > 0 {
		t.Errorf("it is told %q", frame)
	}
	if frame, ok := c.Publication(nil, dialect.Subscription{Request: "t"}, message); ok || len(frame) > 0 {
		t.Errorf("it is told of a topic %q", frame)
	}
	b.ignored = nil
	if frame, ok := c.ToClient(nil, message); !ok || len(frame) == 0 {
		t.Error("it is told nothing still")
	}
	if said := c.FromClient(framed(header("any", ""), "x"), true); said.Envelope == nil {
		t.Errorf("it says %+v still", said)
	}
}
