package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"limegrove/lime"
	"limegrove/lime/client"
)

// asks has the server do something, and prints what it answers.
func (a *app) asks(ctx context.Context, cmd *lime.Command, show func(*lime.Command) error) error {
	return a.with(ctx, func(ctx context.Context, c *client.Client) error {
		answer, err := c.Command(ctx, cmd)
		if err != nil {
			return fmt.Errorf("%s %s: %w", cmd.Method, cmd.URI, err)
		}
		if show == nil {
			return nil
		}
		return show(answer)
	})
}

// collection is one of LIME's.
type collection struct {
	Total int               `json:"total"`
	Items []json.RawMessage `json:"items"`
}

// lists prints a collection as a table of some of its members.
func (a *app) lists(answer *lime.Command, members ...string) error {
	var all collection
	if err := json.Unmarshal(answer.Resource, &all); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	heads := make([]string, len(members))
	for i, m := range members {
		heads[i] = strings.ToUpper(m)
	}
	t := a.table(heads...)
	for _, item := range all.Items {
		var fields map[string]any
		if json.Unmarshal(item, &fields) != nil { // a plain text, such as an identity
			fields = map[string]any{members[0]: strings.Trim(string(item), `"`)}
		}
		cells := make([]any, len(members))
		for i, m := range members {
			if cells[i] = fields[m]; cells[i] == nil {
				cells[i] = ""
			}
		}
		t.row(item, cells...)
	}
	return t.end()
}

// shows prints a resource as it is.
func (a *app) shows(answer *lime.Command) error {
	if a.output == outputJSON {
		return json.NewEncoder(a.out).Encode(answer.Resource)
	}
	b, err := json.MarshalIndent(answer.Resource, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, clean(string(b)))
	return err
}

func get(uri string) *lime.Command { return &lime.Command{Method: lime.MethodGet, URI: uri} }

func (a *app) accounts() *cobra.Command {
	c := &cobra.Command{Use: "accounts", Short: "Your account, and those of a domain's directory", Args: cobra.NoArgs, RunE: help}
	var password string
	passwd := &cobra.Command{
		Use: "password", Short: "Change the password, to the first line of --new-password-file", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			word, err := a.firstLine(password)
			if err != nil {
				return usage("--new-password-file: %w", err)
			}
			p, err := a.profile()
			if err != nil {
				return err
			}
			resource, err := json.Marshal(map[string][]byte{"password": []byte(word), "oldPassword": []byte(p.Password)})
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodMerge, URI: "/account", Type: lime.MediaAccount, Resource: resource}, nil)
		},
	}
	passwd.Flags().StringVar(&password, "new-password-file", "-", "`FILE` with the new password in its first line; - is the standard input")
	c.AddCommand(
		&cobra.Command{
			Use: "show [IDENTITY]", Short: "Show your account, or what the directory has of another", Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				uri := "/account"
				if len(args) == 1 {
					id, err := lime.ParseIdentity(args[0])
					if err != nil || id.Domain == "" {
						return usage("IDENTITY: %q is none", args[0])
					}
					uri = "lime://" + id.Domain + "/accounts/" + url.PathEscape(id.String())
				}
				return a.asks(cmd.Context(), get(uri), a.shows)
			},
		},
		&cobra.Command{
			Use: "list DOMAIN", Short: "List the directory of a domain", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.asks(cmd.Context(), get("lime://"+args[0]+"/accounts"), func(answer *lime.Command) error {
					return a.lists(answer, "identity", "fullName", "email")
				})
			},
		},
		passwd,
		&cobra.Command{
			Use: "delete", Short: "Delete your account", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: "/account"}, nil)
			},
		},
	)
	return c
}

func (a *app) keys() *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "Keys that your account logs in with", Args: cobra.NoArgs, RunE: help}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the keys, without their secrets", Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.asks(cmd.Context(), get("/account/keys"), func(answer *lime.Command) error { return a.lists(answer, "name", "created", "lastUsed") })
			},
		},
		&cobra.Command{
			Use: "create NAME", Short: "Make a key and print it, which is done once", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				resource, err := json.Marshal(map[string]string{"name": args[0]})
				if err != nil {
					return err
				}
				order := &lime.Command{Method: lime.MethodSet, URI: "/account/keys", Type: lime.MediaJSON, Resource: resource}
				return a.asks(cmd.Context(), order, func(answer *lime.Command) error {
					var made struct{ Key string }
					if err := json.Unmarshal(answer.Resource, &made); err != nil || a.output == outputJSON {
						return a.shows(answer)
					}
					_, err := fmt.Fprintln(a.out, clean(made.Key))
					return err
				})
			},
		},
		&cobra.Command{
			Use: "revoke NAME", Short: "Revoke a key: nobody logs in by it any more, and who has is cut", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: "/account/keys/" + url.PathEscape(args[0])}, nil)
			},
		},
	)
	return c
}

func (a *app) grants() *cobra.Command {
	c := &cobra.Command{
		Use: "grants [IDENTITY]", Short: "What you, or somebody, may do with rooms", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			uri := "/room-grants"
			if len(args) == 1 {
				uri = "lime://" + args[0] + uri
			}
			return a.asks(cmd.Context(), get(uri), a.shows)
		},
	}
	return c
}

func (a *app) rooms() *cobra.Command {
	c := &cobra.Command{
		Use: "rooms ROOM", Short: "Who is in a room", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" || args[0][0] != '/' {
				return usage("ROOM: %q does not begin with /", args[0])
			}
			return a.asks(cmd.Context(), get("/rooms"+args[0]), a.shows)
		},
	}
	return c
}

// help is what a command does that only has others.
func help(c *cobra.Command, _ []string) error { return c.Help() }
