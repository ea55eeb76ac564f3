// Command rider is a client of Limegrove's in the README's tour: it logs in with a token of
// the backend in examples/backend, enters the room of a ride, and prints what it hears.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"limegrove/lime"
	"limegrove/lime/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "rider:", err)
		os.Exit(1) //nolint:forbidigo // a main outside of cmd
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("rider", flag.ContinueOnError)
	edge := f.String("edge", "ws://localhost:8080/", "`URL` of an edge")
	name := f.String("name", "ana", "`name` of who logs in")
	ride := f.String("ride", "42", "`number` of the ride whose room is entered")
	to := f.String("to", "", "`identity` that is sent a message, in place of entering a room")
	if err := f.Parse(args); err != nil {
		return err
	}
	mux := new(client.Mux)
	mux.HandleMessage(lime.MediaText, func(_ context.Context, _ *client.Client, m *lime.Message) error {
		var text string
		err := json.Unmarshal(m.Content, &text)
		_, _ = fmt.Fprintf(out, "%s: %s\n", m.From.Identity, text) // nobody to print for is no trouble
		return err
	})
	identity := lime.Identity{Name: *name, Domain: "localhost"}
	c, err := client.Dial(ctx, *edge, client.Config{
		Node: lime.Node{Identity: identity}, Handler: mux,
		Presence: &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity},
		Scheme:   client.External(client.Fixed("token of "+identity.String()), "backend"),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if *to != "" {
		return c.Publish(ctx, &lime.Message{To: lime.MustParseNode(*to), Type: lime.MediaText, Content: []byte(`"see you at the stop"`)})
	}
	if _, err := c.Command(ctx, &lime.Command{Method: lime.MethodSubscribe, URI: "/rooms/ride/" + *ride}); err != nil {
		return fmt.Errorf("enter the ride's room: %w", err)
	}
	_, _ = fmt.Fprintf(out, "%s waits for ride %s\n", identity, *ride)
	<-ctx.Done()
	return nil
}
