package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/internal/status"
)

const ignoreHelp = `Have all edges take nothing from a peer for a while: an identity, name@domain, with all its sessions; a node,
name@domain/instance, one of them; or a domain, by itself, which needs --domain unless it has a dot. It is for a client that floods the cluster, or does harm
otherwise, until its people have mended it.

What the peer sends to others is dropped, and counted as such: what has an id is refused with reason 31, so that its
sender knows; what has none is dropped in silence. Its commands to the server are answered, and what others send it
goes on, with what it says of that. All edges know at once, and those that start later; it ends by itself, after a day
at most. To end its sessions, too, there is lime disconnect. It needs the admin token: LIMEGROVE_ADMIN_TOKEN.`

func (a *app) ignore() *cobra.Command {
	var during time.Duration
	var domain bool
	c := &cobra.Command{
		Use: "ignore PEER", Short: "Take nothing from somebody for a while, on all edges", Args: cobra.ExactArgs(1), Long: ignoreHelp,
		Example: `  lime ignore bot@example.org --for 30m
  lime ignore list
  lime ignore stop bot@example.org`,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch peer := args[0]; {
			case domain && strings.ContainsAny(peer, "@/"):
				return usage("--domain: %q is more than a domain", peer)
			case !domain && !strings.ContainsAny(peer, "@."):
				meant := ""
				if all := cmd.SuggestionsFor(peer); len(all) > 0 {
					meant = fmt.Sprintf("; is it `%s %s`?", cmd.CommandPath(), all[0])
				}
				return usage("PEER: %q is neither name@domain nor a domain with a dot; --domain says that it is a domain%s", peer, meant)
			}
			if during < time.Second || during > 24*time.Hour {
				return usage("--for: 1s to 24h0m0s, not %s", during)
			}
			return a.changeIgnored(cmd.Context(), "/status/ignore", map[string]any{"peer": args[0], "for": during.Seconds()}, "ignored until")
		},
	}
	c.Flags().BoolVar(&domain, "domain", false, "PEER is a domain, though it has no dot")
	c.Flags().DurationVar(&during, "for", 10*time.Minute, "for how long, 24h at most")
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List who is ignored, and until when", Args: cobra.NoArgs, Example: "  lime ignore list",
			RunE: func(cmd *cobra.Command, _ []string) error { return a.listIgnored(cmd.Context()) },
		},
		&cobra.Command{
			Use: "stop PEER", Short: "Take from somebody again", Args: cobra.ExactArgs(1), Example: "  lime ignore stop bot@example.org",
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.changeIgnored(cmd.Context(), "/status/ignore/stop", map[string]any{"peer": args[0]}, "ignored no more; it would have been until")
			},
		},
	)
	return c
}

func (a *app) changeIgnored(ctx context.Context, path string, body map[string]any, what string) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.admin(ctx, func(ctx context.Context, p *profile, at string) error {
		var is status.Ignored
		if err := a.call(ctx, p, http.MethodPost, at+path, p.AdminToken, body, &is); err != nil {
			return err
		}
		return a.print(is, "%s is %s %s", is.Peer, what, is.Until.Local().Format(time.DateTime))
	})
}

func (a *app) listIgnored(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return a.admin(ctx, func(ctx context.Context, p *profile, at string) error {
		var all struct{ Ignored []status.Ignored }
		if err := a.call(ctx, p, http.MethodGet, at+"/status/ignore", p.AdminToken, nil, &all); err != nil {
			return err
		}
		t := a.table("PEER", "UNTIL", "FOR", "BY")
		for _, one := range all.Ignored {
			t.row(one, one.Peer, one.Until.Local().Format(time.DateTime), time.Until(one.Until).Round(time.Second), strings.TrimSpace(one.By))
		}
		return t.end()
	})
}
