package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/internal/status"
)

// levels are those of logs, and the word for what a configuration says.
var levels = []string{"trace", "debug", "info", "warn", "error", configuredLevel}

const (
	configuredLevel = "configured"
	allMembers      = "all"
)

func (a *app) logLevel() *cobra.Command {
	var during time.Duration
	c := &cobra.Command{
		Use: "loglevel [MEMBER [LEVEL]]", Short: "Show how much members log, or have them log more or less for a time", Args: cobra.MaximumNArgs(2),
		Long: `Show from which level on members log, or have one of them, or all, log from another level on: trace, debug, info, warn or
error. MEMBER is its id (lime cluster), or "all". It goes before the configuration until the time of --for is over, or
LEVEL is "configured", or the process ends; a configuration that is read again meanwhile (SIGHUP) is what comes after
it. Each member logs who has asked, and tells of its new level with its next report, a second
later or more. Changing needs the admin token: LIMEGROVE_ADMIN_TOKEN.`,
		Example: `  lime loglevel
  lime loglevel edge-1 debug --for 10m
  lime loglevel all configured`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 && cmd.Flags().Changed("for") {
				return usage("--for: without a LEVEL there is nothing to end")
			}
			if during < 0 || during > 7*24*time.Hour {
				return usage("--for: 0s to 168h0m0s, not %s", during)
			}
			if len(args) == 1 && slices.Contains(levels, args[0]) {
				return usage("of which member? lime loglevel %s %s is for all", allMembers, args[0])
			}
			if len(args) < 2 {
				return a.showLevels(cmd.Context(), strings.Join(args, ""))
			}
			if !slices.Contains(levels, args[1]) {
				return usage("LEVEL: %q is none of %s", args[1], strings.Join(levels, ", "))
			}
			body := map[string]any{"level": args[1], "for": during.Seconds()}
			if args[1] == configuredLevel {
				body = map[string]any{"level": ""}
			}
			if args[0] != allMembers {
				m, err := a.member(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				body["member"] = m.Incarnation
			}
			if err := a.order(cmd.Context(), "/status/log-level", body); err != nil {
				return err
			}
			if a.output != outputJSON {
				a.note("note", "until the next report of a member, in a second or more, lime loglevel shows the level before")
			}
			return nil
		},
	}
	c.Flags().DurationVar(&during, "for", 0, "for how long; 0 until it is taken back")
	return c
}

// member is the one with an id.
func (a *app) member(ctx context.Context, id string) (*status.Shown, error) {
	s, err := a.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.Members, func(m status.Shown) bool { return m.ID == id && m.Health != status.Gone })
	if i < 0 {
		return nil, usage("there is no member %q", id)
	}
	return &s.Members[i], nil
}

func (a *app) showLevels(ctx context.Context, id string) error {
	s, err := a.snapshot(ctx)
	if err != nil {
		return err
	}
	t := a.table("MEMBER", "ROLE", "LEVEL", "CONFIGURED", "UNTIL")
	shown := false
	for _, m := range s.Members {
		if id != "" && id != allMembers && m.ID != id || m.Health == status.Gone {
			continue
		}
		shown = true
		one := struct {
			ID   string      `json:"id"`
			Role status.Role `json:"role"`
			Log  *status.Log `json:"log,omitempty"` // absent: it has told nothing
		}{ID: m.ID, Role: m.Role}
		level, configured, until := "?", "", ""
		if m.Report != nil && m.Report.Log.Level != "" {
			one.Log = &m.Report.Log
			level, configured = one.Log.Level, one.Log.Configured
			switch {
			case configured == "":
				configured = level
			case one.Log.Until.IsZero():
				until = "taken back"
			default:
				until = one.Log.Until.Local().Format(time.DateTime)
			}
		}
		t.row(one, m.ID, m.Role, level, configured, until)
	}
	if !shown {
		return usage("there is no member %q", id)
	}
	return t.end()
}
