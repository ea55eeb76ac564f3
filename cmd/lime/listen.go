package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
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
comes first. Further lines of a message are indented, so that none looks like another's. Each is received and consumed when
it was printed. A lost connection is followed by another, and the standard error says so.`,
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
		Long: `Enter rooms, and print what is published there, and what else comes. A ROOM is a path such as /chat/lobby, or '#lobby' for that. After a lost
connection the rooms are entered again, and what a room keeps is read from where this has ended.`,
		Example: "  lime subscribe /chat/lobby",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, room := range args {
				path, err := roomPath(room)
				if err != nil {
					return err
				}
				e.rooms = append(e.rooms, path)
			}
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
	p, err := a.profile()
	if err != nil {
		return err
	}
	c, err := a.dialAs(ctx, &p, true, func(cfg *client.Config) {
		cfg.Presence = &lime.Presence{Status: lime.StatusAvailable, RoutingRule: lime.RouteIdentity}
		cfg.Receipts = client.ReceiptsOff // what was printed is received and consumed: has
		line := watched{app: a, pause: 5 * time.Second}
		cfg.OnStatus = func(s client.Status) {
			line.is(s)
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
	stop := a.keepCertificate(&p, c)
	asked := ctx // by a signal, or --for
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go a.enterAll(ctx, c, e.rooms, online, cancel)
	heard, failures, kept := 0, 0, 0
	for m, err := range c.Messages(ctx) {
		if err != nil {
			break
		}
		err := take(ctx, c, m)
		var failed failedError
		var why *lime.Reason
		spent := true
		if errors.As(err, &failed) && ctx.Err() == nil {
			why = lime.NewReason(lime.CodeApplicationError, "The application could not handle the message")
			a.messageFailed(m, err)
			failures++
			if spent = failed.forGood; !spent {
				kept++
			}
			err = nil
		}
		if err == nil && kept >= maxKept {
			err = fmt.Errorf("%d messages have failed and wait for the next time: the server sends no more before these; `lime listen` has them, and they are gone then", kept)
		}
		if err == nil && spent {
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
	stop()
	switch why := context.Cause(ctx); {
	case why == nil:
		err = a.finish(c, c.Err())
	case asked.Err() != nil && why == context.Cause(asked): //nolint:errorlint // that one and no other: it ends as it was to
		err = a.finish(c, nil)
	default:
		err = a.finish(c, why)
	}
	if err == nil && failures > 0 {
		err = fmt.Errorf("of %d messages %d have failed", heard, failures)
	}
	return err
}

// maxKept is how many messages may have failed and not be spent, which is below how many a server sends that are not
// acknowledged.
const maxKept = 200

// failedError is why one message has failed, of several.
type failedError struct {
	error
	forGood bool // it would the next time, too
}

// Unwrap is why it has failed.
func (f failedError) Unwrap() error { return f.error }

// messageFailed tells people of one.
func (a *app) messageFailed(m *lime.Message, err error) {
	a.telling.Lock()
	defer a.telling.Unlock()
	if a.output == outputJSON {
		object := struct {
			fault
			ID   string `json:"id,omitempty"`
			From string `json:"from"`
		}{faultOf(err), m.ID, senderOf(m).String()}
		if json.NewEncoder(a.err).Encode(object) == nil {
			return
		}
	}
	_, _ = fmt.Fprintf(a.err, "lime: message %s of %s: %s\n", oneLine(m.ID), senderOf(m), oneLine(err.Error()))
}

// continued begins the further lines of a message, so that nobody writes what looks like a message of another.
const continued = "\n    "

// heard prints a message.
func (a *app) heard(_ context.Context, _ *client.Client, m *lime.Message) error {
	return a.envelope(m, fmt.Sprintf("%s: %s", senderOf(m), strings.ReplaceAll(words.Content(m.Type, m.Content), "\n", continued)))
}

// watched tells people of a connection that is lost, and of the next one, now and then.
type watched struct {
	*app
	online, said bool
	pause        time.Duration // between two times
	last         time.Time
}

func (w *watched) is(s client.Status) {
	switch s.State {
	case client.StateOnline:
		if w.said {
			w.note("back", "back at %s", s.Server)
		}
		w.online, w.said = true, false
	case client.StateConnecting, client.StateWaiting:
		if !w.online {
			return // it is the first one, or was told
		}
		w.online = false
		now := time.Now()
		if !w.last.IsZero() && now.Sub(w.last) < w.pause {
			return
		}
		w.last, w.said = now, true
		why := ""
		if s.Err != nil {
			why = ": " + s.Err.Error()
		}
		w.note("lost", "connection lost, trying again%s", why)
	}
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
				end(fmt.Errorf("enter %s: %w", room, roomHint(err)))
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
		Example: `  lime publish /chat/lobby "hello, all"`,
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := roomPath(args[0])
			if err != nil {
				return err
			}
			name, err := room.Parse(path)
			if err != nil {
				return usage("ROOM: %w", err)
			}
			s := a.sending(lime.Node{Identity: lime.Identity{Name: name.Address()}}, mediaType)
			s.transient, s.room = transient, true
			return s.run(cmd.Context(), args[1:])
		},
	}
	c.Flags().StringVar(&mediaType, "type", lime.MediaText, "`TYPE` of the content; other than text/plain it is JSON, or text where TYPE is not JSON's")
	c.Flags().BoolVar(&transient, "transient", false, "publish without an id: nobody says that it was published")
	return c
}
