package e2e

import (
	"context"
	"errors"
	"testing"

	"limegrove/lime"
	"limegrove/lime/client"
)

// TestQuestionsAreAnsweredByMessages: a question and its answer wait for who is away, over two
// edges, and each fails for its reason; who knows nothing of questions gets an ordinary message.
func TestQuestionsAreAnsweredByMessages(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "-tcp", address(0))
	login := func(name, instance string, e *edge, mux *client.Mux) *client.Client {
		t.Helper()
		cfg := client.Config{
			Node:   lime.MustParseNode(name + "@" + domain + "/" + instance),
			Scheme: client.Plain(client.Fixed(password)), Presence: &lime.Presence{Status: lime.StatusAvailable}, Handler: mux,
		}
		one, err := client.Dial(t.Context(), e.url, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			one.Close()
			<-one.Done()
		})
		return one
	}
	ana, bot := c.name("ana"), c.name("bot")
	for _, name := range []string{ana, bot} {
		makeAccount(t, c.edges[0].url, client.Config{Node: lime.MustParseNode(name + "@" + domain)})
	}
	weather := new(client.Mux)
	weather.HandleRequest(lime.MediaText, func(_ context.Context, _ *client.Client, m *lime.Message) (*client.Document, error) {
		if string(m.Content) != `"weather"` {
			return nil, lime.NewReason(lime.CodeApplicationError, "What?")
		}
		return client.NewDocument(lime.MediaText, "sunny")
	})
	asker := login(ana, "home", c.edges[0], nil)
	ask := func(to, content string) (*lime.Message, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return asker.Request(ctx, &lime.Message{To: lime.MustParseNode(to), Type: lime.MediaText, Content: []byte(content)})
	}

	type result struct {
		m   *lime.Message
		err error
	}
	waits := make(chan result, 1)
	go func() {
		m, err := ask(bot+"@"+domain, `"weather"`)
		waits <- result{m, err}
	}()
	one := login(bot, "1", c.edges[1], weather) // it may be away when it is asked
	if r := <-waits; r.err != nil || string(r.m.Content) != `"sunny"` {
		t.Errorf("%v, %v", r.m, r.err)
	}
	if _, err := ask(one.Node().String(), `"horoscope"`); !errors.Is(err, &lime.Reason{Code: lime.CodeApplicationError}) {
		t.Errorf("what the bot does not know: %v", err)
	}
	if _, err := ask("nobody-"+ana+"@"+domain, `"weather"`); lime.AsReason(err) == nil {
		t.Errorf("nobody: %v", err)
	}

	// lime-go, and a program of its own: neither has heard of questions.
	s := stage{c, place{goLibrary, c.edges[0]}, place{limeGo(t, "-pongs"), c.edges[1].overTCP()}}
	rui := s.guest(t, s.there, "rui", "desk")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		m, err := asker.Request(ctx, &lime.Message{To: lime.MustParseNode(rui.node), Type: lime.MediaText, Content: []byte(`"weather"`)})
		waits <- result{m, err}
	}()
	rui.wantText("who knows no questions gets a message", "weather")
	rui.send(text("", asker.Node().String(), "rainy"))
	for m, err := range asker.Messages(t.Context()) {
		if err != nil || string(m.Content) != `"rainy"` || m.From.String() != rui.node {
			t.Errorf("and what it says is one, too: %v, %v", m, err)
		}
		break
	}
	cancel()
	if r := <-waits; !errors.Is(r.err, context.Canceled) {
		t.Errorf("%v, %v", r.m, r.err)
	}
	lia := s.guest(t, s.here, "lia", "home")
	lia.send(text("7", one.Node().String(), "weather"))
	lia.wantText("the bot answers who does not ask by the book", "sunny")
}
