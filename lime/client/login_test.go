package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"limegrove/lime"
)

func TestGuestGetsARandomNameAndTheNodeThatIsAssigned(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{})
		f := p.accept()
		f.hears("new", `{"state":"new","id":null}`)
		f.says(`{"id":"s1","from":"` + server + `","state":"authenticating","schemeOptions":["guest"]}`)
		said := <-f.in
		var e struct{ From string }
		if err := json.Unmarshal([]byte(said), &e); err != nil || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(e.From) {
			t.Errorf("a guest's name is %q", e.From)
		}
		f.says(`{"id":"s1","from":"` + server + `","state":"established","to":"` + e.From + `@Example.ORG/X"}`)
		c := d.get()
		if got := c.Node().String(); got != e.From+"@Example.ORG/X" {
			t.Errorf("the client is %s", got)
		}
		if got := c.Server().String(); got != server {
			t.Errorf("the server is %s", got)
		}
		f.says(`{"state":"failed","reason":{"code":11}}`)
		f.ends()
		again := p.accept()
		again.hears("again", `{"state":"new"}`)
		again.says(`{"id":"s2","state":"authenticating","schemeOptions":["guest"]}`)
		again.hears("the same node in its spelling", `{"from":"`+e.From+`@Example.ORG/X","scheme":"guest"}`)
	})
}

func TestCredentialsAreEncoded(t *testing.T) {
	logins := 0
	fresh := func(context.Context) (string, error) {
		logins++
		return fmt.Sprint("token-", logins), nil
	}
	for _, tc := range []struct {
		scheme Scheme
		want   string
	}{
		{Guest(), `{"scheme":"guest","authentication":{}}`},
		{Transport(), `{"scheme":"transport","authentication":{}}`},
		{Plain(Fixed("s3cret")), `{"scheme":"plain","authentication":{"password":"czNjcmV0"}}`},
		{Key(Fixed("mykey")), `{"scheme":"key","authentication":{"key":"bXlrZXk="}}`},
		{External(fresh, "idp.example.net"), `{"scheme":"external","authentication":{"token":"dG9rZW4tMQ==","issuer":"idp.example.net"}}`},
		// The token of the second login is another one.
		{External(fresh, "idp.example.net"), `{"scheme":"external","authentication":{"token":"dG9rZW4tMg==","issuer":"idp.example.net"}}`},
	} {
		inMemory(t, func(t *testing.T, p *place) {
			d := p.client("ws://server/", Config{Node: lime.MustParseNode(ana), Scheme: tc.scheme})
			f := p.accept()
			f.hears("new", `{"state":"new"}`)
			f.says(`{"id":"s1","state":"authenticating","schemeOptions":["guest","plain","key","external","transport"]}`)
			f.hears("credentials", strings.TrimSuffix(tc.want, "}")+`,"id":"s1","from":"`+ana+`"}`)
			f.says(`{"id":"s1","to":"` + ana + `","state":"established"}`)
			d.get()
		})
	}
}

func TestRoundTripIsAnswered(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		scheme := Scheme{Name: "key", Authenticate: func(_ context.Context, challenge json.RawMessage) (json.RawMessage, error) {
			if challenge == nil {
				return json.RawMessage(`{"key":""}`), nil
			}
			return json.RawMessage(`{"answer":` + string(challenge) + `}`), nil
		}}
		d := p.client("ws://server/", Config{Node: lime.MustParseNode(ana), Scheme: scheme})
		f := p.accept()
		f.hears("new", `{"state":"new"}`)
		f.says(`{"id":"s1","state":"authenticating","schemeOptions":["key"]}`)
		f.hears("first", `{"scheme":"key","authentication":{"key":""}}`)
		f.says(`{"id":"s1","state":"authenticating","scheme":"key","authentication":{"key":"bm9uY2UtMQ=="}}`)
		f.hears("then", `{"scheme":"key","authentication":{"answer":{"key":"bm9uY2UtMQ=="}}}`)
		f.says(`{"id":"s1","to":"` + ana + `","state":"established"}`)
		d.get()
	})
}

// Whatever the server says instead of a login costs the login and no more.
func TestLoginThatIsNoneIsAnError(t *testing.T) {
	offer := `{"id":"s1","state":"authenticating","schemeOptions":["guest"]}`
	for _, tc := range []struct {
		name  string
		says  []string // the last of which is answered by nothing
		want  error
		final bool
	}{
		{"failed at once", []string{`{"state":"failed","reason":{"code":11}}`}, &lime.Reason{Code: 11}, false},
		{"failed without a reason", []string{`{"state":"failed"}`}, nil, false},
		{"failed for the credentials", []string{offer, `{"state":"failed","reason":{"code":13}}`}, &lime.Reason{Code: 13}, true},
		{"failed for the node", []string{offer, `{"state":"failed","reason":{"code":12}}`}, &lime.Reason{Code: 12}, false},
		{"finished", []string{offer, `{"state":"finished"}`}, nil, false},
		{"another scheme", []string{`{"state":"authenticating","schemeOptions":["plain"]}`}, ErrNotOffered, true},
		{"a round trip for a guest", []string{offer, `{"state":"authenticating","scheme":"guest","authentication":{}}`}, errCredentials, true},
		{"a message", []string{`{"type":"text/plain","content":"x"}`}, ErrProtocol, false},
		{"an unknown state", []string{`{"state":"sleeping"}`}, ErrProtocol, false},
		{"back to new", []string{offer, `{"state":"new"}`}, ErrProtocol, false},
		{"back to negotiating", []string{offer, `{"state":"negotiating","encryptionOptions":["none"],"compressionOptions":["none"]}`}, ErrProtocol, false},
		{"finishing", []string{`{"state":"finishing"}`}, ErrProtocol, false},
		{"broken JSON", []string{`{"state":"authenticating",}`}, ErrProtocol, false},
		{"no JSON", []string{`hello`}, ErrProtocol, false},
		{"an address that is none", []string{`{"from":"a b@c@d/@","state":"authenticating"}`}, nil, false},
		{"only gzip", []string{`{"state":"negotiating","encryptionOptions":["none"],"compressionOptions":["gzip"]}`}, ErrNotOffered, true},
		{"only tls over WebSocket", []string{`{"state":"negotiating","encryptionOptions":["tls"],"compressionOptions":["none"]}`}, ErrNotOffered, true},
		{"another confirmation", []string{
			`{"state":"negotiating","encryptionOptions":["none"],"compressionOptions":["none"]}`,
			`{"state":"negotiating","encryption":"tls","compression":"none"}`,
		}, ErrProtocol, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inMemory(t, func(t *testing.T, p *place) {
				d := p.client("ws://server/", Config{Node: lime.MustParseNode(ana), ConnectTimeout: time.Minute})
				f := p.accept()
				for _, envelope := range tc.says {
					<-f.in
					f.says(envelope)
				}
				err := d.refused()
				if tc.want != nil && !errors.Is(err, tc.want) {
					t.Errorf("the error is %v", err)
				}
				if got := isFinal(err); got != tc.final {
					t.Errorf("final is %v for %v", got, err)
				}
				f.ends()
			})
		})
	}
}

func TestNegotiationIsOptionalAndAnyOrderOfTurnsEnds(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{Node: lime.MustParseNode(ana)})
		f := p.accept()
		f.hears("new", `{"state":"new"}`)
		f.says(`{"id":"s1","state":"established"}`) // legal, and without to
		if got := d.get().Node().String(); got != ana {
			t.Errorf("the client is %s", got)
		}
	})
	inMemory(t, func(t *testing.T, p *place) { // a server without end
		scheme := Guest()
		scheme.Authenticate = func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage("{}"), nil }
		d := p.client("ws://server/", Config{Scheme: scheme})
		f := p.accept()
		go func() {
			for range f.in {
				f.says(`{"id":"s1","state":"authenticating","scheme":"guest","authentication":{}}`)
			}
		}()
		if err := d.refused(); !errors.Is(err, ErrProtocol) {
			t.Error(err)
		}
	})
}

func TestSilentServerIsGivenUpInTime(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		for _, url := range []string{"ws://server/", "net.tcp://server"} {
			began := time.Now()
			d := p.client(url, Config{ConnectTimeout: 7 * time.Second})
			p.raw() // says nothing
			if err := d.refused(); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, errSlow) {
				t.Errorf("%s: %v", url, err)
			}
			if took := time.Since(began); took != 7*time.Second {
				t.Errorf("%s: given up after %s", url, took)
			}
		}
	})
}

func TestContextEndsTheDial(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		ctx, cancel := context.WithCancel(context.Background())
		failed := later(func() error {
			_, err := Dial(ctx, "ws://server/", Config{NetDial: p.dial})
			return err
		})
		f := p.accept()
		f.hears("new", `{"state":"new"}`)
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestRefusedUpgradeIsTold(t *testing.T) {
	inMemory(t, func(t *testing.T, p *place) {
		d := p.client("ws://server/", Config{})
		f := p.raw()
		go f.read(f.conn) // the request
		f.writes("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno")
		var refused *HTTPError
		if err := d.refused(); !errors.As(err, &refused) || refused.Status != 503 || refused.RetryAfter != 7*time.Second {
			t.Errorf("%v, %+v", err, refused)
		}
	})
}

func TestDialRefusesWhatCannotBe(t *testing.T) {
	for _, tc := range []struct {
		url string
		cfg Config
	}{
		{"http://server/", Config{}},
		{"ws://", Config{}},
		{"://", Config{}},
		{"ws://server/", Config{Servers: []string{"server"}}},
		{"ws://server/", Config{Scheme: Plain(Fixed("x"))}},
		{"ws://server/", Config{Scheme: Scheme{Name: "x"}}},
		{"ws://server/", Config{Queue: -1}},
		{"ws://server/", Config{PingInterval: time.Minute, IdleTimeout: time.Second}},
		{"ws://server/", Config{Encryption: RequireTLS}},
		{"ws://server/", Config{SendOnly: true, Handler: handler(nil)}},
	} {
		if c, err := Dial(t.Context(), tc.url, tc.cfg); err == nil {
			c.Close()
			t.Errorf("%s is dialled with %+v", tc.url, tc.cfg)
		}
	}
}

// Envelopes are told apart by their braces, wherever they are cut.
func TestEnvelopesComeInAnyPieces(t *testing.T) {
	dialogue := " \n" + `{"id":"s1","state":"authenticating","schemeOptions":["guest"]}` + "\r\n" +
		`{"id":"s1","to":"` + ana + `","state":"established"}{"id":"1","from":"rui@example.org/desk","type":"text/plain","content":"}{\"ü\\"}` +
		`{"id":"2","from":"rui@example.org/desk","type":"text/plain","content":"b"}` + "\n"
	for size := 1; size <= len(dialogue); size += 1 + size/3 {
		for _, over := range []string{"ws://server/", "net.tcp://server"} {
			inMemory(t, func(t *testing.T, p *place) {
				d := p.client(over, Config{Node: lime.MustParseNode(ana)})
				var f *far
				if over == "ws://server/" {
					f = p.accept()
				} else {
					f = p.acceptTCP()
				}
				go func() {
					for rest := dialogue; rest != ""; rest = rest[min(size, len(rest)):] {
						piece := rest[:min(size, len(rest))]
						if !f.ws {
							f.writes(piece)
							continue
						}
						// A message of two fragments with a ping between them.
						first := ws.NewFrame(ws.OpText, false, []byte(piece[:len(piece)/2]))
						f.sends(first, ws.NewPingFrame([]byte("p")), ws.NewFrame(ws.OpContinuation, true, []byte(piece[len(piece)/2:])))
					}
				}()
				c := d.get()
				var got []string
				for m, err := range c.Messages(within(t)) {
					if err != nil {
						t.Fatal(err)
					}
					if got = append(got, m.ID+string(m.Content)); len(got) == 2 {
						break
					}
				}
				if want := "1\"}{\\\"ü\\\\\"|2\"b\""; strings.Join(got, "|") != want {
					t.Errorf("in pieces of %d over %s: %q", size, over, got)
				}
			})
		}
	}
}

func handler(h MessageHandler) *Mux {
	m := new(Mux)
	m.HandleMessage("", h)
	return m
}
