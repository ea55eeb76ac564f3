package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/cmd/lime/words"
	"limegrove/lime"
	"limegrove/lime/client"
)

// told is what is printed of a message that was sent.
type told struct {
	ID    string `json:"id,omitempty"`
	Event string `json:"event"`
	From  string `json:"from,omitempty"`
}

// content makes the content of a message of what somebody has written.
func content(mediaType, text string) (json.RawMessage, error) {
	if mediaType == lime.MediaText {
		return json.Marshal(text)
	}
	if !json.Valid([]byte(text)) {
		if t, err := lime.ParseMediaType(mediaType); err == nil && (strings.EqualFold(t.Subtype, "json") || strings.EqualFold(t.Suffix, "json")) {
			return nil, usage("TEXT is no JSON, and --type says that it is")
		}
		b, err := json.Marshal(text)
		return b, err
	}
	return json.RawMessage(text), nil
}

func (a *app) send() *cobra.Command {
	var mediaType, id, until string
	var transient bool
	c := &cobra.Command{
		Use: "send TO [TEXT]", Short: "Send a message, or each line of the standard input as one",
		Long: `Send a message to an identity, a node or a group; lime publish is for rooms. Without
TEXT each line of the standard input, of 512 KiB at most, is a message. It is stored, and lime waits until the cluster
has it: accepted. --wait has it wait for more: dispatched, when a session has it,
received or consumed, when the recipient says so.`,
		Example: `  lime send rui@localhost "hello"
  lime send rui@localhost --wait received "are you there?"
  tail -f log | lime send bot@localhost --transient
  lime send bot@localhost --type application/json '{"n":1}'`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if room, err := roomPath(args[0]); err == nil {
				return usage("TO: %q is a room: `lime publish %s` publishes there", args[0], room)
			}
			to, err := lime.ParseNode(args[0])
			if err != nil || to.Name == "" || to.Domain == "" {
				return usage("TO: %q is no address, which is name@domain or name@domain/instance", args[0])
			}
			event := lime.EventAccepted
			if err := event.UnmarshalText([]byte(until)); err != nil || event == 0 || event == lime.EventFailed {
				return usage("--wait: %q is none of accepted, dispatched, received and consumed", until)
			}
			if transient && (cmd.Flags().Changed("wait") || id != "") {
				return usage("--transient: such a message has no id, and nothing is told of it")
			}
			s := a.sending(to, mediaType)
			s.id, s.until, s.transient = id, event, transient
			return s.run(cmd.Context(), args[1:])
		},
	}
	f := c.Flags()
	f.StringVar(&mediaType, "type", lime.MediaText, "`TYPE` of the content; other than text/plain it is JSON, or text where TYPE is not JSON's")
	f.StringVar(&id, "id", "", "`ID` of the message, so that it can be sent again and is one (default a random one)")
	f.StringVar(&until, "wait", "accepted", "`EVENT` to wait for: accepted, dispatched, received or consumed")
	f.BoolVar(&transient, "transient", false, "send without an id: it is not stored, and reaches who is there")
	return c
}

// sending is one command of it.
type sending struct {
	*app
	to            lime.Node
	mediaType, id string
	until         lime.Event
	transient     bool
	room          bool // to is one
	told          chan *lime.Notification
}

func (a *app) sending(to lime.Node, mediaType string) *sending {
	return &sending{app: a, to: to, mediaType: mediaType, until: lime.EventAccepted, told: make(chan *lime.Notification, 64)}
}

func (s *sending) run(ctx context.Context, texts []string) error {
	for _, text := range texts {
		if _, err := content(s.mediaType, text); err != nil {
			return err
		}
	}
	c, err := s.dial(ctx, false, func(cfg *client.Config) {
		cfg.SendOnly = true
		var m client.Mux
		m.HandleNotification(func(_ context.Context, _ *client.Client, n *lime.Notification) {
			select {
			case s.told <- n:
			default: // nobody waits for so many
			}
		})
		cfg.Handler = &m
	})
	if err != nil {
		return err
	}
	if s.to.Domain == "" { // a room of the domain that this is
		s.to.Domain = lime.RoomsDomain(c.Node().Domain)
	}
	if len(texts) == 1 {
		return s.finish(c, s.one(ctx, c, texts[0]))
	}
	if s.id != "" {
		return s.finish(c, usage("--id: there may be several messages in the standard input"))
	}
	err = s.lines(ctx, func(line string) error { return s.one(ctx, c, line) })
	if ctx.Err() != nil { // what was sent before is not given up
		return errors.Join(err, s.finish(c, nil))
	}
	return s.finish(c, err)
}

// one sends a message and waits.
func (s *sending) one(ctx context.Context, c *client.Client, text string) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	body, err := content(s.mediaType, text)
	if err != nil {
		return err
	}
	m := &lime.Message{To: s.to, Type: s.mediaType, Content: body}
	if s.transient {
		return c.Send(ctx, m)
	}
	if m.ID = s.id; m.ID == "" {
		m.ID = rand.Text()
	}
	if err := c.Publish(ctx, m); err != nil {
		if s.room {
			err = roomHint(err)
		}
		return fmt.Errorf("send to %s: %w", s.to, err)
	}
	at := told{ID: m.ID, Event: lime.EventAccepted.String()}
	for s.until != lime.EventAccepted {
		select {
		case n := <-s.told:
			if n.ID != m.ID {
				continue
			}
			if n.Event == lime.EventFailed {
				if n.Reason != nil {
					return fmt.Errorf("%s: %w", n.From, n.Reason)
				}
				return fmt.Errorf("%s: it has failed %s", n.From, reasonText(nil))
			}
			at.Event, at.From = n.Event.String(), n.From.String()
			if !reaches(n.Event, s.until) {
				continue
			}
		case <-ctx.Done():
			return fmt.Errorf("message %s is %s, and not %s: %w", m.ID, at.Event, s.until, ctx.Err())
		case <-c.Done():
			return fmt.Errorf("message %s is %s: %w", m.ID, at.Event, errors.Join(client.ErrLost, c.Err()))
		}
		break
	}
	return s.print(at, "%s %s", at.ID, at.Event)
}

// reaches tells whether an event is one, or comes after it.
func reaches(e, wanted lime.Event) bool {
	rank := func(e lime.Event) int {
		for i, one := range []lime.Event{lime.EventAccepted, lime.EventDispatched, lime.EventReceived, lime.EventConsumed} {
			if one == e {
				return i
			}
		}
		return -1
	}
	return rank(e) >= rank(wanted)
}

func (a *app) request() *cobra.Command {
	var mediaType string
	c := &cobra.Command{
		Use: "request TO TEXT", Short: "Send a message and wait for the message that answers it",
		Example: `  lime request bot@localhost "what time is it?"`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := lime.ParseNode(args[0])
			if err != nil || to.Name == "" {
				return usage("TO: %q is no address", args[0])
			}
			body, err := content(mediaType, args[1])
			if err != nil {
				return err
			}
			c, err := a.dial(cmd.Context(), false, func(cfg *client.Config) { cfg.Presence = &lime.Presence{Status: lime.StatusAvailable} })
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
			defer cancel()
			answer, err := c.Request(ctx, &lime.Message{ID: rand.Text(), To: to, Type: mediaType, Content: body})
			if err == nil {
				err = a.envelope(answer, words.Content(answer.Type, answer.Content))
			}
			return a.finish(c, err)
		},
	}
	c.Flags().StringVar(&mediaType, "type", lime.MediaText, "`TYPE` of the content; other than text/plain it is JSON, or text where TYPE is not JSON's")
	return c
}

func (a *app) ping() *cobra.Command {
	var count int
	c := &cobra.Command{
		Use: "ping [NODE]", Short: "Ask the server, or a node, whether it is there",
		Example: "  lime ping\n  lime ping rui@localhost/phone --count 5",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var to lime.Node
			if len(args) == 1 {
				var err error
				if to, err = lime.ParseNode(args[0]); err != nil {
					return usage("NODE: %q is no address", args[0])
				}
			}
			if count < 1 {
				return usage("--count: %d is less than 1", count)
			}
			return a.with(cmd.Context(), func(_ context.Context, c *client.Client) error {
				for i := range count {
					if i > 0 {
						select {
						case <-time.After(time.Second):
						case <-cmd.Context().Done():
							return nil
						}
					}
					if err := a.pingOnce(cmd.Context(), c, to); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().IntVarP(&count, "count", "c", 1, "how often, once a second")
	return c
}

func (a *app) pingOnce(ctx context.Context, c *client.Client, to lime.Node) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	began := time.Now()
	answer, err := c.Command(ctx, &lime.Command{To: to, Method: lime.MethodGet, URI: "/ping"})
	if err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	took := time.Since(began)
	return a.print(struct {
		From    string  `json:"from"`
		Seconds float64 `json:"seconds"`
	}{answer.From.String(), took.Seconds()}, "%s %s", answer.From, took.Round(time.Microsecond))
}
