package main

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"limegrove/lime"
)

// changed is what is printed of something that was done.
type changed struct {
	Done string `json:"done"`
	What string `json:"what"`
	Who  string `json:"who,omitempty"`
}

func (a *app) done(done, what, who string) error {
	return a.print(changed{done, what, who}, "%s", strings.TrimSpace(done+" "+what+" "+who))
}

// groupURI is that of a group, or of something in it. A name without a domain is one of the requester's domain.
func groupURI(group string, below ...string) (string, error) {
	id, err := lime.ParseIdentity(group)
	if err != nil || id.Name == "" {
		return "", usage("GROUP: %q is no address, which is name@groups.domain, or name", group)
	}
	path := "/groups/" + url.PathEscape(group)
	for _, one := range below {
		path += "/" + url.PathEscape(one)
	}
	return path, nil
}

// member is what the server takes for one.
func memberNamed(text string) error {
	if n, err := lime.ParseNode(text); err != nil || n.Name == "" || n.Domain == "" {
		return usage("WHO: %q is no address, which is name@domain", text)
	}
	return nil
}

func (a *app) groups() *cobra.Command {
	c := &cobra.Command{
		Use: "groups", Short: "Groups: addresses whose messages all members get, now or later", Args: cobra.NoArgs, RunE: help,
		Long: `Groups have an address, name@groups.domain, and members, each of whom gets what is sent to it, now or when he comes back;
lime send NAME@groups.DOMAIN sends. A name alone is of your domain. Rooms, unlike groups, are there while somebody is in them.`,
		Example: `  lime groups create ops --name "Operations"
  lime groups add ops rui@localhost
  lime send ops@groups.localhost "hello all"`,
	}
	c.AddCommand(a.groupsList(), a.groupsShow(), a.groupsCreate(), a.groupsDelete(), a.groupsMembers(), a.groupsAdd(), a.groupsRemove(), a.groupsJoin())
	return c
}

func (a *app) groupsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the groups that you are in", Args: cobra.NoArgs, Example: "  lime groups list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.asks(cmd.Context(), get("/groups"), func(answer *lime.Command) error { return a.lists(answer, "identity", "name", "type") })
		},
	}
}

func (a *app) groupsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show GROUP", Short: "Show what a group says of itself", Args: cobra.ExactArgs(1), Example: "  lime groups show ops",
		RunE: func(cmd *cobra.Command, args []string) error {
			uri, err := groupURI(args[0])
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), get(uri), a.shows)
		},
	}
}

func (a *app) groupsCreate() *cobra.Command {
	var name, description, kind string
	c := &cobra.Command{
		Use: "create GROUP", Short: "Make a group, which you own", Args: cobra.ExactArgs(1),
		Long: `Make a group, which you own. A private one is seen by its members alone, and joined by nobody who was not added; a public
one is seen and joined by whoever has an account. One that is yours already is changed.`,
		Example: `  lime groups create ops --name "Operations"
  lime groups create news --type public`,
		RunE: func(cmd *cobra.Command, args []string) error {
			uri, err := groupURI(args[0])
			if err != nil {
				return err
			}
			if kind != "private" && kind != "public" {
				return usage("--type: %q is neither private nor public", kind)
			}
			given := map[string]string{"type": kind}
			for key, value := range map[string]string{"name": name, "description": description} {
				if value != "" {
					given[key] = value
				}
			}
			resource, err := json.Marshal(given)
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodSet, URI: uri, Type: lime.MediaGroup, Resource: resource}, func(*lime.Command) error {
				return a.done("made", args[0], "")
			})
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", "`TEXT` that people see")
	f.StringVar(&description, "description", "", "`TEXT` that says what it is for")
	f.StringVar(&kind, "type", "private", "`TYPE`: private or public")
	return c
}

func (a *app) groupsDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete GROUP", Short: "Delete a group that you own, with what its members have not got yet", Args: cobra.ExactArgs(1),
		Example: "  lime groups delete ops",
		RunE: func(cmd *cobra.Command, args []string) error {
			uri, err := groupURI(args[0])
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: uri}, func(*lime.Command) error { return a.done("deleted", args[0], "") })
		},
	}
}

func (a *app) groupsMembers() *cobra.Command {
	return &cobra.Command{
		Use: "members GROUP", Short: "List who is in a group, and as what", Args: cobra.ExactArgs(1), Example: "  lime groups members ops",
		RunE: func(cmd *cobra.Command, args []string) error {
			uri, err := groupURI(args[0], "members")
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), get(uri), func(answer *lime.Command) error { return a.lists(answer, "address", "role") })
		},
	}
}

// roles are those of members.
var roles = []string{"listener", "member", "moderator", "owner"}

func (a *app) groupsAdd() *cobra.Command {
	var role string
	c := &cobra.Command{
		Use: "add GROUP WHO", Short: "Add somebody to a group, or give a member another role", Args: cobra.ExactArgs(2),
		Long: `Add somebody with an account to a group, or give a member another role. A listener hears, a member sends, too, a moderator
adds and removes those below, and an owner does all.`,
		Example: `  lime groups add ops rui@localhost
  lime groups add ops rui@localhost --role moderator`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(roles, role) {
				return usage("--role: %q is none of %s", role, strings.Join(roles, ", "))
			}
			return a.setMember(cmd, args[0], args[1], role, "added")
		},
	}
	c.Flags().StringVar(&role, "role", "member", "`ROLE`: "+strings.Join(roles, ", "))
	return c
}

func (a *app) setMember(cmd *cobra.Command, group, who, role, done string) error {
	if err := memberNamed(who); err != nil {
		return err
	}
	uri, err := groupURI(group, "members")
	if err != nil {
		return err
	}
	resource, err := json.Marshal(map[string]string{"address": who, "role": role})
	if err != nil {
		return err
	}
	return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodSet, URI: uri, Type: lime.MediaMember, Resource: resource}, func(*lime.Command) error {
		return a.done(done, group, who)
	})
}

func (a *app) groupsJoin() *cobra.Command {
	return &cobra.Command{
		Use: "join GROUP", Short: "Become a member of a public group", Args: cobra.ExactArgs(1), Example: "  lime groups join news",
		RunE: func(cmd *cobra.Command, args []string) error {
			me, err := a.me()
			if err != nil {
				return err
			}
			return a.setMember(cmd, args[0], me, "member", "joined")
		},
	}
}

// me is the identity of the profile.
func (a *app) me() (string, error) {
	p, err := a.profile()
	if err != nil {
		return "", err
	}
	n, err := lime.ParseNode(p.Identity)
	if err != nil || n.Name == "" || n.Domain == "" {
		return "", usage("it is for who has an account: log in as somebody, or name one with --as")
	}
	return n.Identity.String(), nil
}

func (a *app) groupsRemove() *cobra.Command {
	return &cobra.Command{
		Use: "remove GROUP [WHO]", Short: "Take somebody out of a group, or yourself: leave it", Args: cobra.RangeArgs(1, 2),
		Example: `  lime groups remove ops rui@localhost
  lime groups remove ops`,
		RunE: func(cmd *cobra.Command, args []string) error {
			who := ""
			var err error
			if len(args) == 2 {
				who, err = args[1], memberNamed(args[1])
			} else {
				who, err = a.me()
			}
			if err != nil {
				return err
			}
			uri, err := groupURI(args[0], "members", who)
			if err != nil {
				return err
			}
			return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: uri}, func(*lime.Command) error {
				return a.done("removed", args[0], who)
			})
		},
	}
}
