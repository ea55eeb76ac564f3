package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/room"
)

// granted is what an identity may do with rooms.
type granted struct {
	Rooms []grantedRule `json:"rooms"`
}

// grantedRule is one rule of it. The room is a path or an object.
type grantedRule struct {
	Room json.RawMessage `json:"room"`
	May  []string        `json:"may"`
}

// roomNamed is a room as rules and resources have it: a path, or an object.
func roomNamed(text string) (json.RawMessage, error) {
	named := json.RawMessage(text)
	if !strings.HasPrefix(text, "{") {
		path := text
		if strings.HasPrefix(text, "#") {
			var err error
			if path, err = roomPath(text); err != nil {
				return nil, err
			}
		}
		var err error
		if named, err = json.Marshal(path); err != nil {
			return nil, err
		}
	}
	if _, err := room.Of(named); err != nil {
		return nil, usage("ROOM: %q is neither a path, which begins with /, nor #name, nor an object", text)
	}
	return named, nil
}

// same tells whether two names are of one room.
func same(a, b json.RawMessage) bool {
	one, err := room.Of(a)
	other, or := room.Of(b)
	return err == nil && or == nil && one == other
}

const grantsHelp = `What an identity may do with rooms, beside what the rules of the cluster and its login let it. Its owner may look; who
may change it is an authority over its domain, or has a key of the HTTP API with the scope "grants": with --api and
LIMEGROVE_API_KEY that way is taken for whom IDENTITY names.`

func (a *app) grants() *cobra.Command {
	list := func(cmd *cobra.Command, args []string) error {
		return a.granting(cmd.Context(), append(args, "")[0], func(_ context.Context, g *granting) error {
			t := a.table("ROOM", "MAY")
			for _, rule := range g.rules {
				t.row(rule, roomText(rule.Room), strings.Join(rule.May, ","))
			}
			return t.end()
		})
	}
	c := &cobra.Command{
		Use: "grants [IDENTITY]", Short: "What you, or somebody, may do with rooms", Args: cobra.MaximumNArgs(1), Long: grantsHelp, RunE: list,
		Example: `  lime grants
  lime grants add rui@localhost /ride/42 --may enter,publish
  lime grants remove rui@localhost /ride/42`,
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list [IDENTITY]", Short: "List what you, or somebody, may do with rooms", Args: cobra.MaximumNArgs(1), RunE: list,
			Example: "  lime grants list rui@localhost",
		},
		a.grantsAdd(), a.grantsRemove(),
	)
	return c
}

// roomText is a room's name for people.
func roomText(named json.RawMessage) string {
	var path string
	if json.Unmarshal(named, &path) == nil {
		return path
	}
	var short bytes.Buffer
	if json.Compact(&short, named) != nil {
		return string(named)
	}
	return short.String()
}

func (a *app) grantsAdd() *cobra.Command {
	var may []string
	c := &cobra.Command{
		Use: "add IDENTITY ROOM", Short: "Let somebody enter a room, or publish to it", Args: cobra.ExactArgs(2),
		Long: `Let somebody enter a room, or publish to it, at once. ROOM is a path, #name or an object; * is any value. What the identity may do
with the room is then what --may says. All grants of an identity are one resource, which is read and written: two
who change the grants of one identity at the same time may undo each other's.`,
		Example: `  lime grants add rui@localhost /ride/42
  lime grants add rui@localhost '{"target":"news"}' --may enter`,
		RunE: func(cmd *cobra.Command, args []string) error {
			named, err := roomNamed(args[1])
			if err != nil {
				return err
			}
			slices.Sort(may)
			if may = slices.Compact(may); len(may) == 0 || slices.ContainsFunc(may, func(one string) bool { return one != "enter" && one != "publish" }) {
				return usage("--may: %q is not of enter and publish", strings.Join(may, ","))
			}
			return a.granting(cmd.Context(), args[0], func(ctx context.Context, g *granting) error {
				g.rules = append(slices.DeleteFunc(g.rules, func(rule grantedRule) bool { return same(rule.Room, named) }), grantedRule{named, may})
				if err := g.write(ctx); err != nil {
					return err
				}
				return a.done("granted", args[1], args[0])
			})
		},
	}
	c.Flags().StringSliceVar(&may, "may", []string{"enter", "publish"}, "`RIGHTS`: enter, publish, or both with a comma")
	return c
}

func (a *app) grantsRemove() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "remove IDENTITY [ROOM]", Short: "Take back what somebody may do with a room, or with all", Args: cobra.RangeArgs(1, 2),
		Long: `Take back what somebody was granted of a room, a path, #name or an object, or with --all of every room, at once: who is in a room that he may not be in
any more is put out of it.`,
		Example: `  lime grants remove rui@localhost /ride/42
  lime grants remove rui@localhost --all`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 2) {
				return usage("either ROOM or --all")
			}
			var named json.RawMessage
			if !all {
				var err error
				if named, err = roomNamed(args[1]); err != nil {
					return err
				}
			}
			return a.granting(cmd.Context(), args[0], func(ctx context.Context, g *granting) error {
				before := len(g.rules)
				g.rules = slices.DeleteFunc(g.rules, func(rule grantedRule) bool { return all || same(rule.Room, named) })
				if len(g.rules) == before && !all {
					return &lime.Reason{Code: lime.CodeCommandResourceNotFound, Description: args[0] + " was not granted that room by itself"}
				}
				if err := g.write(ctx); err != nil {
					return err
				}
				return a.done("taken back", strings.Join(args[1:], ""), args[0])
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "take back everything")
	return c
}

// granting is somebody's grants, and the way to them.
type granting struct {
	rules []grantedRule
	ask   func(ctx context.Context, method lime.Method, body any, into any) error
}

// granting reads somebody's grants, or one's own for "", and does something with them.
func (a *app) granting(ctx context.Context, identity string, do func(context.Context, *granting) error) error {
	p, err := a.profile()
	if err != nil {
		return err
	}
	if identity != "" {
		if id, err := lime.ParseIdentity(identity); err != nil || id.Name == "" || id.Domain == "" {
			return usage("IDENTITY: %q is none, which is name@domain", identity)
		}
	}
	begin := func(ctx context.Context, g *granting) error {
		var all granted
		if err := g.ask(ctx, lime.MethodGet, nil, &all); err != nil {
			return err
		}
		g.rules = all.Rooms
		return do(ctx, g)
	}
	if identity != "" && p.API != "" && p.APIKey != "" {
		return a.api(ctx, identity, func(ctx context.Context, p *profile, at string) error {
			return begin(ctx, &granting{ask: func(ctx context.Context, method lime.Method, body, into any) error {
				verbs := map[lime.Method]string{lime.MethodGet: http.MethodGet, lime.MethodSet: http.MethodPut, lime.MethodDelete: http.MethodDelete}
				return a.call(ctx, p, verbs[method], at+"/room-grants", p.APIKey, body, into)
			}})
		})
	}
	uri := "/room-grants"
	if identity != "" {
		uri = "lime://" + identity + uri
	}
	return a.with(ctx, func(ctx context.Context, c *client.Client) error {
		return begin(ctx, &granting{ask: func(ctx context.Context, method lime.Method, body, into any) error {
			order := &lime.Command{Method: method, URI: uri}
			if body != nil {
				resource, err := json.Marshal(body)
				if err != nil {
					return err
				}
				order.Type, order.Resource = lime.MediaRoomGrants, resource
			}
			answer, err := c.Command(ctx, order)
			if err != nil {
				return a.asGuest(commandError(method, uri, err))
			}
			if into == nil {
				return nil
			}
			return json.Unmarshal(answer.Resource, into)
		}})
	})
}

// write puts the rules in the place of those that there were.
func (g *granting) write(ctx context.Context) error {
	if len(g.rules) > 0 {
		return g.ask(ctx, lime.MethodSet, granted{g.rules}, nil)
	}
	err := g.ask(ctx, lime.MethodDelete, nil, nil)
	if err != nil && (isNotFound(err) || faultOf(err).Code == lime.CodeCommandResourceNotFound) {
		return nil // there is nothing, as there should be
	}
	return err
}

func isNotFound(err error) bool {
	var no *answerError
	return errors.As(err, &no) && no.status == http.StatusNotFound
}
