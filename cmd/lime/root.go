package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"limegrove/internal/version"
)

// app is one command line.
type app struct {
	streams
	env func(string) string

	given   given
	output  string
	timeout time.Duration
	warned  bool // of profiles that cannot be read

	telling sync.Mutex // one line after the other on the standard error
}

// given is what flags say.
type given struct {
	name string // of the profile
	profile
	passwordFile string
}

const (
	outputText = "text"
	outputJSON = "json"
)

const rootHelp = `lime speaks with a Limegrove cluster.

Log in once, and the profile remembers where and as whom:

  lime login ws://localhost:8080/ ana@localhost
  lime send rui@localhost "hello"
  lime listen

Without a profile it is a guest at ws://localhost:8080/. What flags say goes
before the environment (LIME_SERVER, LIME_IDENTITY, LIME_PASSWORD, LIME_KEY,
LIME_CA, LIME_PROFILE, LIME_ADMIN, LIME_API, LIMEGROVE_ADMIN_TOKEN,
LIMEGROVE_API_KEY), and that before the profile.

Statuses: 0 done, 1 failed, 2 bad command line, 3 nobody answers there or its
certificate is not believed, 4 no answer in time, 5 refused, with a reason.`

// root is the command that has all others.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "lime", Short: "Speak with a Limegrove cluster", Long: rootHelp, Version: version.String(),
		SilenceUsage: true, SilenceErrors: true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return noCommand(c, args[0])
			}
			return nil
		},
		PersistentPreRunE: func(c *cobra.Command, _ []string) error { return a.checkFlags(c.Context()) },
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.given.name, "profile", "", "`NAME` of the profile")
	f.StringVar(&a.given.Server, "server", "", "`URL` of an edge: ws, wss or net.tcp")
	f.StringVar(&a.given.Identity, "as", "", "`IDENTITY` to be, name@domain or name@domain/instance")
	f.StringVar(&a.given.passwordFile, "password-file", "", "`FILE` with the password in its first line; - is the standard input")
	f.StringVar(&a.given.CA, "ca", "", "`FILE` of certificates that are believed beside the system's")
	f.StringVar(&a.given.Admin, "admin", "", "`URL` of a member's admin port")
	f.StringVar(&a.given.API, "api", "", "`URL` of the HTTP API")
	f.StringVarP(&a.output, "output", "o", outputText, "`FORMAT` of what is printed: text, or json, an object a line")
	f.DurationVar(&a.timeout, "timeout", 10*time.Second, "how long an answer is waited for")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	groups := []struct{ id, title string }{{"talk", "Talk:"}, {"own", "Who you are:"}, {"run", "Run a cluster:"}}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
	}
	add := func(group string, all ...*cobra.Command) {
		for _, c := range all {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	add("talk", a.chat(), a.send(), a.listen(), a.request(), a.publish(), a.subscribe(), a.ping(), a.files())
	add("own", a.login(), a.profilesCommand(), a.accounts(), a.keys(), a.grants(), a.rooms(), a.groups())
	add("run", a.cluster(), a.top(), a.sessions(), a.disconnect(), a.drain(), a.rebalance(), a.inbox(), a.certs(), a.ignore(), a.queues(), a.logLevel(), a.bench(), a.config())
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.RunE = help // so that what is no shell is looked at
		}
		refuseExtra(c)
	}
	root.SuggestionsMinimumDistance = suggested
	return root
}

// suggested is how many letters may be wrong in what is taken for a command.
const suggested = 2

// noCommand is what is said of a word that is no command below c.
func noCommand(c *cobra.Command, word string) error {
	if meant := c.SuggestionsFor(word); len(meant) > 0 {
		return usage("there is no command %q: is it `%s %s`?", word, c.CommandPath(), strings.Join(meant, "` or `"+c.CommandPath()+" "))
	}
	return usage("there is no command %q; `lime help%s` has them", word, strings.TrimPrefix(c.CommandPath(), "lime"))
}

// helpCommand is help, which refuses what there is no help for.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about any command", Args: cobra.ArbitraryArgs,
		Long:    "Help about any command: lime help COMMAND says all about it.",
		Example: "  lime help send",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
			if of, _, err := c.Root().Find(args); err == nil {
				for _, below := range of.Commands() {
					if below.IsAvailableCommand() {
						names = append(names, cobra.CompletionWithDesc(below.Name(), below.Short))
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			of := c.Root()
			for _, word := range args {
				i := slices.IndexFunc(of.Commands(), func(below *cobra.Command) bool { return below.Name() == word || below.HasAlias(word) })
				if i < 0 {
					return noCommand(of, word)
				}
				of = of.Commands()[i]
			}
			of.InitDefaultHelpFlag()
			return of.Help()
		},
	}
}

// refuseExtra has arguments that are too many or too few be a bad command line.
func refuseExtra(c *cobra.Command) {
	c.SuggestionsMinimumDistance = suggested
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if len(args) > 0 && c.HasSubCommands() && c.Use == c.Name() && check(c, args) != nil { // it takes commands alone
				return noCommand(c, args[0])
			}
			if err := check(c, args); err != nil {
				return usage("%w: %s", err, c.UseLine())
			}
			return nil
		}
	}
	for _, below := range c.Commands() {
		refuseExtra(below)
	}
}

// checkFlags looks at what cobra does not.
func (a *app) checkFlags(ctx context.Context) error {
	if a.output != outputText && a.output != outputJSON {
		given := a.output
		a.output = outputText
		return usage("--output: %q is neither text nor json", given)
	}
	if a.timeout <= 0 {
		return usage("--timeout: %s is no time", a.timeout)
	}
	if a.given.passwordFile != "" {
		word, err := a.firstLine(ctx, a.given.passwordFile)
		if err != nil {
			return unread(ctx, "--password-file", err)
		}
		a.given.Password = word
	}
	return nil
}

// unread is why there is no first line of what a flag names: the command line is of no use, unless somebody has ended it.
func unread(ctx context.Context, flag string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return usage("%s: %w", flag, err)
}

// firstLine is that of a file, or of the standard input for -.
func (a *app) firstLine(ctx context.Context, file string) (string, error) {
	var in io.Reader = a.input(ctx)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	line, err := readLine(in)
	if err != nil {
		return "", err
	}
	if line == "" {
		return "", fmt.Errorf("%s is empty", file)
	}
	return strings.TrimSuffix(line, "\r"), nil
}
