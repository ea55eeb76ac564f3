package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/clienttest"
)

// Two guests: one is written to and handles it, the other writes, and hears what became of
// it.
func Example() {
	server := clienttest.New()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	mux := new(client.Mux)
	mux.HandleMessage(lime.MediaText, func(_ context.Context, _ *client.Client, m *lime.Message) error {
		fmt.Printf("%s says %s\n", m.From, m.Content)
		return nil // the sender hears that it was consumed
	})
	rui, err := client.Dial(ctx, server.URL(), client.Config{
		Node:     lime.MustParseNode("rui@localhost/desk"),
		Presence: &lime.Presence{Status: lime.StatusAvailable},
		Handler:  mux,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rui.Close()

	heard := make(chan lime.Event, 8)
	mux = new(client.Mux)
	mux.HandleNotification(func(_ context.Context, _ *client.Client, n *lime.Notification) { heard <- n.Event })
	ana, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("ana@localhost/web"), Handler: mux})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ana.Close()
	err = ana.Publish(ctx, &lime.Message{To: rui.Node(), Type: lime.MediaText, Content: []byte(`"hello, Rui"`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(<-heard)
	}
	// Unordered output:
	// ana@localhost/web says "hello, Rui"
	// accepted
	// received
	// consumed
}

// A loop over what comes goes on over lost connections.
func ExampleClient_Messages() {
	server := clienttest.New()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	me, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("ana@localhost/web")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer me.Close()

	next := make(chan string, 1)
	go func() {
		for text := range next {
			if err := me.Publish(ctx, &lime.Message{To: me.Node(), Type: lime.MediaText, Content: []byte(text)}); err != nil {
				fmt.Println(err)
			}
		}
	}()
	next <- `"before"`
	for m, err := range me.Messages(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(m.Content))
		if string(m.Content) == `"after"` {
			break
		}
		server.Cut() // and the client is back soon, with the same node
		next <- `"after"`
	}
	close(next)
	// Output:
	// "before"
	// "after"
}

// A request has an answer or a reason.
func ExampleClient_Command() {
	server := clienttest.New()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	mux := new(client.Mux)
	mux.HandleCommand(lime.MethodGet, "/weather", func(context.Context, *client.Client, *lime.Command) (*client.Document, error) {
		return client.NewDocument(lime.MediaText, "sunny")
	})
	bot, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("weather@localhost/1"), Handler: mux})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	ana, err := client.Dial(ctx, server.URL(), client.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ana.Close()

	answer, err := ana.Command(ctx, &lime.Command{To: bot.Node(), Method: lime.MethodGet, URI: "/weather"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(answer.Resource))
	_, err = ana.Command(ctx, &lime.Command{To: bot.Node(), Method: lime.MethodGet, URI: "/horoscope"})
	if reason := lime.AsReason(err); reason != nil {
		fmt.Println(reason.Code)
	}
	// Output:
	// "sunny"
	// COMMAND_RESOURCE_NOT_SUPPORTED
}

// A message that is answered by a message, which may be minutes later: both are stored.
func ExampleClient_Request() {
	server := clienttest.New()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	mux := new(client.Mux)
	mux.HandleRequest(lime.MediaText, func(_ context.Context, _ *client.Client, m *lime.Message) (*client.Document, error) {
		if string(m.Content) != `"weather"` {
			return nil, lime.NewReason(lime.CodeApplicationError, "I know the weather alone")
		}
		return client.NewDocument(lime.MediaText, "sunny")
	})
	bot, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("weather@localhost/1"), Handler: mux})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	ana, err := client.Dial(ctx, server.URL(), client.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ana.Close()

	for _, question := range []string{`"weather"`, `"horoscope"`} {
		answer, err := ana.Request(ctx, &lime.Message{To: bot.Node(), Type: lime.MediaText, Content: []byte(question)})
		if reason := lime.AsReason(err); reason != nil {
			fmt.Println(reason.Description)
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(answer.Content))
	}
	// Output:
	// "sunny"
	// I know the weather alone
}

// Who iterates over messages answers them by Reply. One who has not asked by Request, or knows
// nothing of it, gets an ordinary message.
func ExampleClient_Reply() {
	server := clienttest.New()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bot, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("echo@localhost/1")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bot.Close()
	ana, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("ana@localhost/web")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer ana.Close()

	if err := ana.Publish(ctx, &lime.Message{ID: "1", To: bot.Node(), Type: lime.MediaText, Content: []byte(`"hello"`)}); err != nil {
		fmt.Println(err)
		return
	}
	for m, err := range bot.Messages(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := bot.Reply(ctx, m, &lime.Message{Type: m.Type, Content: m.Content}); err != nil {
			fmt.Println(err)
		}
		break
	}
	for m, err := range ana.Messages(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(string(m.Content), "answers", m.Metadata[lime.KeyResponseID])
		break
	}
	// Output: "hello" answers 1
}

// Many messages are on their way at a time, in order.
func ExampleClient_PublishAsync() {
	server := clienttest.New()
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	me, err := client.Dial(ctx, server.URL(), client.Config{Node: lime.MustParseNode("ana@localhost/web")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer me.Close()

	nobody := lime.MustParseNode("nobody@localhost")
	var all []*client.Publication
	for _, to := range []lime.Node{me.Node(), nobody, me.Node()} {
		one, err := me.PublishAsync(ctx, &lime.Message{To: to, Type: lime.MediaText, Content: []byte(`"x"`)})
		if err != nil {
			fmt.Println(err)
			return
		}
		all = append(all, one)
	}
	for _, one := range all {
		switch err := one.Wait(ctx); {
		case err == nil:
			fmt.Println("stored")
		case errors.Is(err, &lime.Reason{Code: lime.CodeRoutingDestinationNotFound}):
			fmt.Println("nobody there")
		default:
			fmt.Println(err)
		}
	}
	// Output:
	// stored
	// nobody there
	// stored
}

// Alarms go before all else that waits to be sent, and logs behind.
func ExamplePriorityByType() {
	cfg := client.Config{
		Node:     lime.MustParseNode("ana@localhost/web"),
		Priority: client.PriorityByType(map[string]int{"application/x-alarm+json": -1, "text/x-log": 1}),
	}
	for _, mediaType := range []string{"text/x-log; charset=utf-8", lime.MediaText, "Application/X-Alarm+JSON"} {
		fmt.Println(mediaType, cfg.Priority(&lime.Message{Type: mediaType}))
	}
	// Output:
	// text/x-log; charset=utf-8 1
	// text/plain 0
	// Application/X-Alarm+JSON -1
}

// A proxy wants to know who asks it to connect to the server.
func ExampleFixedProxy() {
	server := clienttest.New()
	defer server.Close()
	proxy := clienttest.NewProxy(url.UserPassword("ana", "secret"), nil)
	defer proxy.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	me, err := client.Dial(ctx, server.URL(), client.Config{
		Node:  lime.MustParseNode("ana@localhost/web"),
		Proxy: client.FixedProxy(proxy.URL()), // http://ana:secret@127.0.0.1:…
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer me.Close()
	fmt.Println(me.Node(), "through", proxy.Tunnels(), "tunnel")

	stranger := proxy.URL()
	stranger.User = nil
	_, err = client.Dial(ctx, server.URL(), client.Config{Proxy: client.FixedProxy(stranger)})
	if refused := new(client.ProxyError); errors.As(err, &refused) {
		fmt.Println("a stranger:", refused.Status, refused.Schemes)
	}
	// Output:
	// ana@localhost/web through 1 tunnel
	// a stranger: 407 [Basic]
}

// A token is asked for at each login, so that it is never an old one.
func ExampleExternal() {
	token := func(context.Context) (string, error) {
		return "a token of now", nil // from whoever issues them
	}
	cfg := client.Config{
		Node:   lime.MustParseNode("ana@localhost/web"),
		Scheme: client.External(token, "https://idp.example.net"),
	}
	fmt.Println(cfg.Scheme.Name)
	// Output: external
}
