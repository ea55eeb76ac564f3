package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"limegrove/cmd/lime/words"
	"limegrove/lime"
	"limegrove/lime/client"
)

// asks has the server do something, and prints what it answers.
func (a *app) asks(ctx context.Context, cmd *lime.Command, show func(*lime.Command) error) error {
	return a.with(ctx, func(ctx context.Context, c *client.Client) error {
		answer, err := c.Command(ctx, cmd)
		if err != nil {
			return a.asGuest(commandError(cmd.Method, cmd.URI, err))
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
			if n, is := cells[i].(float64); is && m == "size" { // in bytes
				cells[i] = size(n)
			} else if is {
				cells[i] = strconv.FormatFloat(n, 'f', -1, 64)
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
	_, err = fmt.Fprintln(a.out, words.Clean(string(b)))
	return err
}

func get(uri string) *lime.Command { return &lime.Command{Method: lime.MethodGet, URI: uri} }

func (a *app) accounts() *cobra.Command {
	c := &cobra.Command{
		Use: "accounts", Short: "Your account, and those of a domain's directory", Args: cobra.NoArgs, RunE: help,
		Long: `Your account, and those of a domain's directory. Who runs the cluster makes, changes and deletes those of others over
the HTTP API, with --api and a key in LIMEGROVE_API_KEY that has the scope "accounts".`,
		Example: `  lime accounts create rui@localhost --new-password-file rui.password
  lime accounts show
  lime accounts delete rui@localhost`,
	}
	var password string
	passwd := &cobra.Command{
		Use: "password [IDENTITY]", Short: "Change the password, to the first line of --new-password-file", Args: cobra.MaximumNArgs(1),
		Long: `Change your password, to the first line of --new-password-file. The profile keeps the old one: log in again. Somebody else's is
changed over the HTTP API, without the old one.`,
		Example: "  lime accounts password --new-password-file new",
		RunE: func(cmd *cobra.Command, args []string) error {
			word, err := a.firstLine(cmd.Context(), password)
			if err != nil {
				return unread(cmd.Context(), "--new-password-file", err)
			}
			if len(args) == 1 {
				return a.accountOf(cmd.Context(), args[0], http.MethodPatch, map[string]string{"password": word}, "changed")
			}
			p, err := a.profile()
			if err != nil {
				return err
			}
			resource, err := json.Marshal(map[string][]byte{"password": []byte(word), "oldPassword": []byte(p.Password)})
			if err != nil {
				return err
			}
			merge := &lime.Command{Method: lime.MethodMerge, URI: "/account", Type: lime.MediaAccount, Resource: resource}
			return a.asks(cmd.Context(), merge, func(*lime.Command) error { return a.done("changed", p.account(), "") })
		},
	}
	var self bool
	remove := &cobra.Command{
		Use: "delete {IDENTITY | --self}", Short: "Delete your account, or over the HTTP API another", Args: cobra.MaximumNArgs(1),
		Long:    "Delete your account, or over the HTTP API that of another. Its sessions end, and what is stored for it is removed.",
		Example: "  lime accounts delete --self\n  lime accounts delete rui@localhost",
		RunE: func(cmd *cobra.Command, args []string) error {
			if self == (len(args) == 1) { // an argument that is missing by mistake is not oneself
				return usage("either IDENTITY, or --self for your own account")
			}
			if !self {
				return a.accountOf(cmd.Context(), args[0], http.MethodDelete, nil, "deleted")
			}
			p, err := a.profile()
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: "/account"}, func(*lime.Command) error { return a.done("deleted", p.account(), "") })
		},
	}
	remove.Flags().BoolVar(&self, "self", false, "delete your own account")
	passwd.Flags().StringVar(&password, "new-password-file", "-", "`FILE` with the new password in its first line; - is the standard input")
	c.AddCommand(
		&cobra.Command{
			Use: "show [IDENTITY]", Short: "Show your account, or what the directory has of another", Args: cobra.MaximumNArgs(1),
			Example: "  lime accounts show\n  lime accounts show rui@localhost",
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
			Example: "  lime accounts list localhost",
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.asks(cmd.Context(), get("lime://"+args[0]+"/accounts"), func(answer *lime.Command) error {
					return a.lists(answer, "identity", "fullName", "email")
				})
			},
		},
		a.accountsCreate(), passwd, remove,
	)
	return c
}

func (a *app) accountsCreate() *cobra.Command {
	var password string
	c := &cobra.Command{
		Use: "create IDENTITY", Short: "Make an account", Args: cobra.ExactArgs(1),
		Long: `Make an account, with the first line of --new-password-file as its password. It is made over the HTTP API where --api and
LIMEGROVE_API_KEY are given, and else as anybody can who may be a guest at the server. No profile is changed: lime
login --register is for oneself.`,
		Example: "  lime accounts create rui@localhost --new-password-file rui.password",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := lime.ParseIdentity(args[0])
			if err != nil || id.Name == "" || id.Domain == "" {
				return usage("IDENTITY: %q is none, which is name@domain", args[0])
			}
			word, err := a.firstLine(cmd.Context(), password)
			if err != nil {
				return unread(cmd.Context(), "--new-password-file", err)
			}
			p, err := a.profile()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
			defer cancel()
			if p.API != "" && p.APIKey != "" {
				body := map[string]string{"identity": id.String(), "password": word}
				err = a.call(ctx, &p, http.MethodPost, strings.TrimSuffix(p.API, "/")+"/v1/accounts", p.APIKey, body, nil)
			} else {
				p.Identity, p.Password, p.Key = id.String(), word, ""
				cfg, wrong := p.config()
				if wrong != nil {
					return wrong
				}
				cfg.SendOnly, cfg.ConnectTimeout, cfg.Backoff.Tries, cfg.Scheme = true, a.timeout, -1, client.Guest()
				err = a.registers(ctx, p, cfg)
			}
			if err != nil {
				return err
			}
			return a.done("made", id.String(), "")
		},
	}
	c.Flags().StringVar(&password, "new-password-file", "-", "`FILE` with the password in its first line; - is the standard input")
	return c
}

// accountOf does something with somebody's account over the HTTP API.
func (a *app) accountOf(ctx context.Context, identity, method string, body any, done string) error {
	return a.api(ctx, identity, func(ctx context.Context, p *profile, _ string) error {
		at := strings.TrimSuffix(p.API, "/") + "/v1/accounts/" + url.PathEscape(identity)
		if err := a.call(ctx, p, method, at, p.APIKey, body, nil); err != nil {
			return err
		}
		return a.done(done, identity, "")
	})
}

func (a *app) keys() *cobra.Command {
	c := &cobra.Command{
		Use: "keys", Short: "Keys that your account logs in with", Args: cobra.NoArgs, RunE: help,
		Long: `Keys that your account logs in with, in the place of its password, at edges that take keys: those that were started with
-auth guest,plain,key, which is not the default.`,
		Example: "  lime keys create bot > bot.key\n  lime login ws://localhost:8080/ ana@localhost --key-file bot.key --profile bot",
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the keys, without their secrets", Args: cobra.NoArgs,
			Example: "  lime keys list",
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.asks(cmd.Context(), get("/account/keys"), func(answer *lime.Command) error { return a.lists(answer, "name", "created", "lastUsed") })
			},
		},
		&cobra.Command{
			Use: "create NAME", Short: "Make a key and print it, which is done once", Args: cobra.ExactArgs(1),
			Example: "  lime keys create bot > bot.key",
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
					_, err := fmt.Fprintln(a.out, words.Clean(made.Key))
					return err
				})
			},
		},
		&cobra.Command{
			Use: "revoke NAME", Short: "Revoke a key: nobody logs in by it any more, and who has is cut", Args: cobra.ExactArgs(1),
			Example: "  lime keys revoke bot",
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: "/account/keys/" + url.PathEscape(args[0])}, nil)
			},
		},
	)
	return c
}

func (a *app) rooms() *cobra.Command {
	members := func(cmd *cobra.Command, args []string) error {
		path, err := roomPath(args[0])
		if err != nil {
			return err
		}
		return roomHint(a.asks(cmd.Context(), get("/rooms"+path), a.shows))
	}
	c := &cobra.Command{
		Use: "rooms ROOM", Short: "Who is in a room", Args: cobra.ExactArgs(1), RunE: members,
		Long: `Who is in a room, for those who may enter it. A room is there while somebody is in it (lime subscribe), and needs no making;
who may enter it is told by the cluster's rules, by the login and by grants. What is made and deleted, and keeps
messages for who is away, is a group (lime groups).`,
		Example: `  lime rooms /chat/lobby
  lime rooms invite rui@localhost /ride/42
  lime subscribe /chat/lobby`,
	}
	invite := a.grantsAdd()
	invite.Use, invite.Short = "invite IDENTITY ROOM", "Let somebody into a room: the same as lime grants add"
	invite.Example = "  lime rooms invite rui@localhost /ride/42"
	expel := a.grantsRemove()
	expel.Use, expel.Short = "expel IDENTITY [ROOM]", "Take that back: the same as lime grants remove"
	expel.Example = "  lime rooms expel rui@localhost /ride/42"
	c.AddCommand(&cobra.Command{
		Use: "members ROOM", Short: "Who is in a room, for those who may enter it", Args: cobra.ExactArgs(1), RunE: members,
		Example: "  lime rooms members /chat/lobby",
	}, invite, expel)
	return c
}

// help is what a command does that only has others.
func help(c *cobra.Command, _ []string) error { return c.Help() }
