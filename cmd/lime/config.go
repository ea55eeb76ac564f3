package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"limegrove/cmd/internal/process"
	"limegrove/cmd/lime/words"
	"limegrove/internal/config"
)

// kinds are the programs that have a configuration.
type kind struct {
	template func() (string, error)
	check    func(file string, env func(string) string) (*config.Settings, error)
}

var kinds = map[string]kind{
	"edge": {config.EdgeTemplate, func(file string, env func(string) string) (*config.Settings, error) {
		cfg, s, err := config.ReadEdge([]string{"-config", file}, env, io.Discard)
		if err == nil {
			_, err = process.MakeEdge(cfg)
		}
		return s, err
	}},
	"router": {config.RouterTemplate, func(file string, env func(string) string) (*config.Settings, error) {
		cfg, s, err := config.ReadRouter([]string{"-config", file}, env, io.Discard)
		if err == nil {
			_, err = process.Make(cfg.Shared, cfg.API, true)
		}
		return s, err
	}},
}

func kindNamed(flag, name string) (kind, error) {
	k, known := kinds[name]
	if !known {
		return k, usage("%s: %q is neither edge nor router", flag, name)
	}
	return k, nil
}

func (a *app) config() *cobra.Command {
	c := &cobra.Command{
		Use: "config", Short: "Write and check the files that edges and routers are given by -config", Args: cobra.NoArgs, RunE: help,
		Example: "  lime config template > edge.yaml\n  lime config check edge.yaml",
	}
	c.AddCommand(a.configTemplate(), a.configCheck())
	return c
}

func (a *app) configTemplate() *cobra.Command {
	return &cobra.Command{
		Use: "template [edge|router]", Short: "Print a file with all settings, what they mean, and their defaults", Args: cobra.MaximumNArgs(1),
		Long: `Print a file for -config of an edge, or of a router, that has all settings as comments, each with what it means and its
default. What a process cannot do without is no comment.`,
		Example: `  lime config template > edge.yaml
  lime config template router > router.yaml`,
		ValidArgs: []string{"edge", "router"},
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := kindNamed("config template", append(args, "edge")[0])
			if err != nil {
				return err
			}
			text, err := k.template()
			if err != nil {
				return err
			}
			return a.text(text, "template")
		},
	}
}

func (a *app) configCheck() *cobra.Command {
	var of string
	var env bool
	c := &cobra.Command{
		Use: "check FILE", Short: "Check a file, and what it names, and print what would be in force", Args: cobra.ExactArgs(1),
		Long: `Check a file for -config as edge -check and router -check do: every setting, and the content of the files that it names, as
seen from the current directory. It connects to nobody. What would be in force is printed, as another such file, without
secrets. The status is 0, or 2 after a line that names the setting.

The environment is left out, since it is that of a shell and not of the process; --env has it count.`,
		Example: `  lime config check edge.yaml
  lime config check --of router router.yaml && systemctl reload limegrove-router`,
		RunE: func(_ *cobra.Command, args []string) error {
			k, err := kindNamed("--of", of)
			if err != nil {
				return err
			}
			from := func(string) string { return "" }
			if env {
				from = a.env
			}
			if args[0] == "" {
				return usage("FILE: it has no name")
			}
			settings, err := k.check(args[0], from)
			if err != nil {
				if errors.Is(err, process.ErrUsage) {
					err = errors.New(strings.TrimPrefix(err.Error(), process.ErrUsage.Error()+": "))
				}
				return usage("%s: %w", args[0], err)
			}
			var b strings.Builder
			if err := settings.Print(&b); err != nil {
				return err
			}
			return a.text(b.String(), "configuration")
		},
	}
	c.Flags().StringVar(&of, "of", "edge", "`PROGRAM` that it is for: edge or router")
	c.Flags().BoolVar(&env, "env", false, "have the variables LIMEGROVE_… of the environment count, as they do for the process")
	return c
}

// text prints a text of several lines, or an object that has it.
func (a *app) text(text, name string) error {
	if a.output == outputJSON {
		return a.print(map[string]string{name: text}, "")
	}
	_, err := fmt.Fprint(a.out, words.Clean(text))
	return err
}
