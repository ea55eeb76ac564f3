package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"limegrove/cmd/lime/words"
	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/room"
)

// ears are how a command listens.
type ears struct {
	count  int
	during time.Duration
	rooms  []string
}

func (e *ears) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVarP(&e.count, "count", "c", 0, "end after so many messages; 0 for never")
	f.DurationVar(&e.during, "for", 0, "end after this time; 0 for never")
}

func (a *app) listen() *cobra.Command {
	var e ears
	c := &cobra.Command{
		Use: "listen", Short: "Print the messages that come, and what has waited",
		Long: `Print the messages that come, one a line, each with its sender; with -o json as they came. What has waited
comes first. Each is received and consumed when it was printed. A lost connection is followed by another.`,
		Example: "  lime listen\n  lime listen -o json --count 1",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.hear(cmd.Context(), e, a.heard) },
	}
	e.flags(c)
	return c
}

func (a *app) subscribe() *cobra.Command {
	var e ears
	c := &cobra.Command{
		Use: "subscribe ROOM...", Short: "Print what is published to rooms",
		Long: `Enter rooms, and print what is published there, and what else comes. A ROOM is a path such as /public/lobby. After a lost
connection the rooms are entered again, and what a room keeps is read from where this has ended.`,
		Example: "  lime subscribe /public/lobby",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, room := range args {
				if room == "" || room[0] != '/' {
					return usage("ROOM: %q does not begin with /", room)
				}
			}
			e.rooms = args
			return a.hear(cmd.Context(), e, a.heard)
		},
	}
	e.flags(c)
	return c
}

// hear prints messages until there were enough, or the user ends it.
func (a *app) hear(ctx context.Context, e ears, take func(context.Context, *client.Client, *lime.Message) error) error {
	if e.count < 0 || e.during < 0 {
		return usage("--count and --for are not negative")
	}
	if e.during > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.during)
		defer cancel()
	}
	online := make(chan struct{}, 1)
	c, err := a.dial(ctx, true, func(cfg *client.Config) {
		cfg.Presence = &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity}
		cfg.Receipts = client.ReceiptsOff // what was printed is received and consumed: has
		cfg.OnStatus = func(s client.Status) {
			if s.State == client.StateOnline {
				select {
				case online <- struct{}{}:
				default:
				}
			}
		}
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go a.enterAll(ctx, c, e.rooms, online, cancel)
	heard := 0
	for m, err := range c.Messages(ctx) {
		if err != nil {
			break
		}
		err := take(ctx, c, m)
		var failed failedError
		var why *lime.Reason
		if errors.As(err, &failed) && ctx.Err() == nil {
			why = lime.NewReason(lime.CodeApplicationError, "The application could not handle the message")
			_, _ = fmt.Fprintf(a.err, "lime: message %s of %s: %s\n", m.ID, senderOf(m), words.Clean(err.Error()))
			err = nil
		}
		if err == nil {
			err = has(ctx, c, m, why)
		}
		if err != nil {
			cancel(err)
			break
		}
		if heard++; heard == e.count {
			break
		}
	}
	switch why := context.Cause(ctx); {
	case why == nil:
		return a.finish(c, c.Err())
	case errors.Is(why, context.Canceled), errors.Is(why, context.DeadlineExceeded): // that is how it ends
		return a.finish(c, nil)
	default:
		return a.finish(c, why)
	}
}

// failedError is why one message has failed, of several.
type failedError struct{ error }

// heard prints a message.
func (a *app) heard(_ context.Context, _ *client.Client, m *lime.Message) error {
	return a.envelope(m, fmt.Sprintf("%s: %s", senderOf(m), words.Content(m.Type, m.Content)))
}

// has says of a message to oneself that it was received and consumed, or why it has failed.
func has(ctx context.Context, c *client.Client, m *lime.Message, why *lime.Reason) error {
	if !m.To.IsZero() && !m.To.Identity.EqualFold(c.Node().Identity) {
		return nil // it is of a room
	}
	if err := c.Receipt(ctx, m, lime.EventReceived, nil); err != nil {
		return err
	}
	if why != nil {
		return c.Receipt(ctx, m, lime.EventFailed, why)
	}
	return c.Receipt(ctx, m, lime.EventConsumed, nil)
}

// senderOf is who has written a message.
func senderOf(m *lime.Message) lime.Node {
	if m.From.IsZero() {
		return m.PP
	}
	return m.From
}

// enterAll enters rooms in each session. The first refusal is the end.
func (a *app) enterAll(ctx context.Context, c *client.Client, rooms []string, online <-chan struct{}, end func(error)) {
	if len(rooms) == 0 {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-online:
		}
		for _, room := range rooms {
			limited, cancel := context.WithTimeout(ctx, a.timeout)
			_, err := c.Command(limited, &lime.Command{Method: lime.MethodSubscribe, URI: "/rooms" + room})
			cancel()
			if err != nil && !errors.Is(err, client.ErrLost) {
				end(fmt.Errorf("enter %s: %w", room, err))
				return
			}
		}
	}
}

func (a *app) publish() *cobra.Command {
	var mediaType string
	var transient bool
	c := &cobra.Command{
		Use: "publish ROOM [TEXT]", Short: "Publish to a room, TEXT or each line of the standard input",
		Example: `  lime publish /public/lobby "hello, all"`,
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" || args[0][0] != '/' {
				return usage("ROOM: %q does not begin with /", args[0])
			}
			name, err := room.Parse(args[0])
			if err != nil {
				return usage("ROOM: %w", err)
			}
			s := a.sending(lime.Node{Identity: lime.Identity{Name: name.Address()}}, mediaType)
			s.transient = transient
			return s.run(cmd.Context(), args[1:])
		},
	}
	c.Flags().StringVar(&mediaType, "type", lime.MediaText, "`TYPE` of the content; other than text/plain it is JSON, or text")
	c.Flags().BoolVar(&transient, "transient", false, "publish without an id: nobody says that it was published")
	return c
}
