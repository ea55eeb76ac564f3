package aioconnectors

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

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
	looked  int // how often it was asked who is let in
	holding int
}

func (b *book) Admits(name string, from netip.Addr) bool {
	b.from = from
	b.looked++
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

// Hold is that of a Registry: a credential counts as long as there is the token.
func (b *book) Hold(id lime.Identity) (func(string) bool, func()) {
	b.holding++
	return func(credential string) bool { return credential == "by-"+b.tokens[id.String()] }, func() { b.holding-- }
}

func (b *book) TakeBack(id lime.Identity, token string) {
	if b.tokens[id.String()] == token {
		delete(b.tokens, id.String())
	}
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

func TestATokenThatIsRemovedMeanwhileEndsItsSession(t *testing.T) {
	b := &book{tokens: map[string]string{"kiosk7@aio.t.org": "secret"}}
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Tokens: true, Registry: b})
	enters := func() (c asking, ended *int) {
		c = d.Accept().(asking)
		c.Greet(token("kiosk7", `{"cmd":"authenticate","token":"secret"}`), dialect.Peer{})
		c.Ask(t.Context())
		if login := c.Login(); login.Refused != nil {
			t.Fatal(login.Refused)
		}
		return c, new(int)
	}
	c, ended := enters()
	c.Ends(func() { *ended++ })
	d.Review()
	if *ended != 0 {
		t.Error("it is ended for nothing")
	}
	late, lateEnded := enters()
	delete(b.tokens, "kiosk7@aio.t.org")
	late.Ends(func() { *lateEnded++ })
	if *lateEnded != 1 {
		t.Error("it was removed before its session began, which goes on")
	}
	d.Review()
	if *ended != 1 {
		t.Error("it was removed, and the session goes on")
	}
	gone, _ := asking{d.client()}, 0
	gone.Greet(token("kiosk7", `{"cmd":"authenticate","token":"secret"}`), dialect.Peer{})
	gone.Closed()
	gone.Ask(t.Context())
	for _, c := range []asking{c, late} {
		c.Closed()
		c.Closed()
	}
	if b.holding != 0 {
		t.Errorf("%d tokens are held for nobody", b.holding)
	}
}

// Whether lists let a connector in costs what they are long: they are looked at when they change, and not by loops for each session.
func TestListsAreLookedAtWhenTheyChange(t *testing.T) {
	b := &book{tokens: map[string]string{"kiosk7@aio.t.org": "secret"}}
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Tokens: true, Registry: b})
	enters := func() asking {
		c := d.Accept().(asking)
		c.Greet(token("kiosk7", `{"cmd":"authenticate","token":"secret"}`), dialect.Peer{})
		c.Ask(t.Context())
		return c
	}
	c := enters()
	if b.looked != 1 {
		t.Errorf("they are looked at %d times before it is let in", b.looked)
	}
	c.Ends(func() { t.Error("it is ended") })
	if b.looked != 1 {
		t.Error("they are looked at again")
	}
	c.Closed()
	ended, late := false, enters()
	b.out = []string{"kiosk7"}
	d.Review()
	late.Ends(func() { ended = true })
	if !ended {
		t.Error("it was kept out before its session began, which goes on")
	}
}

// slowly is a book that takes its time to say who is let in.
type slowly struct {
	*book
	asked, answer chan struct{}
}

func (s *slowly) Admits(string, netip.Addr) bool {
	s.asked <- struct{}{}
	<-s.answer
	return true
}

func TestAReviewHoldsUpNobody(t *testing.T) {
	s := &slowly{&book{}, make(chan struct{}), make(chan struct{})}
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, Registry: s})
	d.live.add(d.client(), func() {})
	var reviews sync.WaitGroup
	reviews.Go(d.Review)
	<-s.asked
	for range 10 { // while one is under way
		reviews.Go(d.Review)
	}
	for d.reviews.Load() < 11 {
		runtime.Gosched()
	}
	other := d.client()
	other.looked = d.reviews.Load() // it has just been let in
	other.Ends(func() {})
	if len(d.Connected()) != 2 {
		t.Error("one is missing")
	}
	other.Closed()
	s.answer <- struct{}{}
	<-s.asked // one for all that have come meanwhile
	s.answer <- struct{}{}
	reviews.Wait()
}

func TestSoManyNewConnectorsComeFromOneAddress(t *testing.T) {
	f := firsts{seed: maphash.MakeSeed()}
	now := time.Unix(1_800_000_000, 0)
	here, there := netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.8")
	let := func(from netip.Addr) (n int) {
		for range 3 * firstsAtOnce {
			if f.allow(from, now) {
				n++
			}
		}
		return n
	}
	if n := let(here); n != firstsAtOnce {
		t.Errorf("%d are let in at once", n)
	}
	if let(netip.MustParseAddr("::ffff:10.0.0.9")) != 0 {
		t.Error("more come by another spelling")
	}
	if n := let(there); n != firstsAtOnce {
		t.Errorf("of another address %d are let in", n)
	}
	now = now.Add(2 * firstEvery)
	if n := let(here); n != 2 {
		t.Errorf("later %d are let in", n)
	}
	if let(netip.MustParseAddr("2001:db8::1")) != firstsAtOnce || let(netip.MustParseAddr("2001:db8::2")) != 0 {
		t.Error("a network of one host has more than an address")
	}
	if !f.allow(netip.Addr{}, now) {
		t.Error("who has no address is not let in")
	}

	b := &book{}
	d := New(Config{Domain: domain, Rooms: "t.org", Server: server, TLS: true, Tokens: true, Registry: b})
	for n := range firstsAtOnce + 1 {
		c := d.Accept().(asking)
		c.Greet(token(fmt.Sprint("k", n), `{"cmd":"get_new_token"}`), dialect.Peer{Address: netip.MustParseAddrPort("10.0.0.9:40112")})
		c.Ask(t.Context())
	}
	if len(b.tokens) != firstsAtOnce {
		t.Errorf("%d tokens are given out", len(b.tokens))
	}
}
