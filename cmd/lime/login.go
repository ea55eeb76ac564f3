package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"limegrove/lime"
	"limegrove/lime/client"
)

func (a *app) login() *cobra.Command {
	var guest, register bool
	var key, keyFile, certificate, certificateKey string
	c := &cobra.Command{
		Use: "login SERVER [IDENTITY]", Short: "Log in, and remember where and as whom in a profile",
		Long: `Log in at a server, and remember in a profile where and as whom, so that the other commands need not be told. The
password is asked for, or the first line of --password-file. It is kept in the profile's file, which is for you
alone; --key-file takes one of an account's keys in its place, which can be revoked by itself (lime keys), where the edges take keys (-auth guest,plain,key). --register
makes the account first. With --certificate there is no password: FILE has the identity's own certificate (lime certs
issue), or the one that clients without any share, by which the server issues the identity one of its own if
nobody has the name; its key is made here, and both are kept beside the profiles and renewed in time. Profiles are in lime.json in the configuration folder, or where LIME_PROFILES says.`,
		Example: `  lime login ws://localhost:8080/ ana@localhost --register
  lime login wss://chat.example.org/ bot@example.org --key-file bot.key --profile bot
  lime login wss://edge.example.org/ kiosk7@example.org --ca authorities.pem --certificate default.pem
  lime login ws://localhost:8080/ --guest`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("SERVER is missing, and IDENTITY or --guest, as in `lime login ws://localhost:8080/ ana@localhost`")
			}
			return cobra.RangeArgs(1, 2)(c, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.given.Server = args[0]
			if len(args) == 2 {
				a.given.Identity = args[1]
			}
			if guest == (len(args) == 2) {
				return usage("either IDENTITY or --guest")
			}
			if keyFile != "" && a.given.Password != "" {
				return usage("--key-file and --password-file: one of them is the proof")
			}
			if keyFile != "" {
				var err error
				if key, err = a.firstLine(cmd.Context(), keyFile); err != nil {
					return unread(cmd.Context(), "--key-file", err)
				}
			}
			if certificate != "" && (guest || register || key != "" || a.given.Password != "") {
				return usage("--certificate: the identity is proved by it, and by nothing else")
			}
			return a.logIn(cmd.Context(), guest, register, key, certificate, certificateKey)
		},
	}
	f := c.Flags()
	f.BoolVar(&guest, "guest", false, "be a guest, with a name of the client's making")
	f.BoolVar(&register, "register", false, "make the account")
	f.StringVar(&certificate, "certificate", "", "`FILE` of a certificate: your own, or the one that all clients share (lime certs)")
	f.StringVar(&certificateKey, "certificate-key", "", "`FILE` of its key; default in the same file, or beside it as .key")
	f.StringVar(&keyFile, "key-file", "", "`FILE` with a key in its first line, in place of a password; - is the standard input")
	return c
}

func (a *app) logIn(ctx context.Context, guest, register bool, key, certificate, certificateKey string) error {
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	name, named := a.profileName(all), a.given.name != "" || a.env("LIME_PROFILE") != ""
	p := all.Profiles[name]
	p.Server, p.Identity, p.Key, p.Password = a.given.Server, a.given.Identity, key, a.given.Password
	for to, said := range map[*string]string{&p.CA: a.given.CA, &p.Admin: a.given.Admin, &p.API: a.given.API} {
		if said != "" {
			*to = said
		}
	}
	p.Certificate = ""
	if certificate != "" {
		if err := a.takeCertificate(ctx, name, &p, certificate, certificateKey); err != nil {
			return err
		}
	}
	if !guest && p.Key == "" && p.Password == "" && p.Certificate == "" {
		if p.Password, err = a.askPassword(ctx); err != nil {
			return err
		}
	}
	node, err := a.enter(ctx, p, register)
	if err != nil {
		return err
	}
	return a.remember(ctx, name, named, p, node)
}

// loggedIn is what is printed of a login.
type loggedIn struct {
	Profile string `json:"profile"`
	Node    string `json:"node"`
	Current string `json:"current"` // the profile that is in force where none is named
	// Replaced is who the profile was before, if somebody else.
	Replaced string `json:"replaced,omitempty"`
}

// remember keeps a profile that is good. It is in force from now on where none is named, unless this one was named.
func (a *app) remember(ctx context.Context, name string, named bool, p profile, node lime.Node) error {
	is := loggedIn{Profile: name, Node: node.String()}
	err := a.changeProfiles(ctx, func(all *profiles) error {
		old, known := all.Profiles[name]
		if known && (old.Server != p.Server || !strings.EqualFold(old.Identity, p.Identity)) {
			who := old.Identity
			if who == "" {
				who = "a guest"
			}
			is.Replaced = who + " at " + old.Server
		}
		if all.Profiles[name] = p; all.Current == "" || !named {
			all.Current = name
		}
		is.Current = all.Current
		return nil
	})
	if err != nil {
		return err
	}
	if is.Replaced != "" && a.output != outputJSON {
		a.note("warning", "profile %s was %s, and is no more: --profile keeps several", name, is.Replaced)
	}
	inForce := ""
	if is.Current != name {
		inForce = fmt.Sprintf("; where none is named, %s is in force: lime profiles use %s changes that", is.Current, name)
	}
	return a.print(is, "profile %s: %s at %s%s", name, node, p.Server, inForce)
}

// enter sees whether the login is good, and makes the account before if it is to be.
func (a *app) enter(ctx context.Context, p profile, register bool) (node lime.Node, err error) {
	cfg, err := p.config()
	if err != nil {
		return node, err
	}
	cfg.SendOnly, cfg.ConnectTimeout, cfg.Backoff.Tries = true, a.timeout, -1
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if register {
		guest := cfg
		guest.Scheme = client.Guest()
		if err := a.registers(ctx, p, guest); err != nil {
			return node, err
		}
	}
	c, err := client.Dial(ctx, p.Server, cfg)
	if err != nil {
		return node, a.explain(ctx, p.Server, p.keyOffered(loginError("log in", p.Server, err)))
	}
	node = c.Node()
	return node, a.finish(c, nil)
}

// registers has a guest make an account of its name.
func (a *app) registers(ctx context.Context, p profile, cfg client.Config) error {
	if p.Password == "" {
		return usage("--register: an account is made with a password")
	}
	c, err := client.Dial(ctx, p.Server, cfg)
	if err != nil {
		return a.explain(ctx, p.Server, mayExist(loginError("log in as a guest", p.Server, err)))
	}
	resource, err := json.Marshal(map[string][]byte{"password": []byte(p.Password)}) // Base64
	if err == nil {
		_, err = c.Command(ctx, &lime.Command{Method: lime.MethodSet, URI: "/account", Type: lime.MediaAccount, Resource: resource})
	}
	if err != nil {
		c.Close()
		return fmt.Errorf("make the account: %w", mayExist(err))
	}
	return a.finish(c, nil)
}

// mayExist adds to the refusal of an account what it comes of, most often: nobody is a guest by an account's name.
func mayExist(err error) error {
	var why *lime.Reason
	if errors.As(err, &why) && (why.Code == lime.CodeSessionAuthenticationFailed || why.Code == lime.CodeCommandNotAllowed) {
		return fmt.Errorf("%w; the account may exist already: log in without --register", err)
	}
	return err
}

// askPassword asks somebody at a terminal.
func (a *app) askPassword(ctx context.Context) (string, error) {
	in, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", usage("there is no terminal to ask for the password at: give --password-file, or LIME_PASSWORD to the other commands")
	}
	_, _ = fmt.Fprint(a.err, "Password: ")
	word, err := readPassword(ctx, int(in.Fd()))
	_, _ = fmt.Fprintln(a.err)
	if err == nil && len(word) == 0 {
		err = errors.New("there is none")
	}
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(word), nil
}

// readPassword reads a line that a terminal does not show, until ctx is done.
func readPassword(ctx context.Context, terminal int) (word []byte, err error) {
	before, err := term.GetState(terminal)
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return nil, err
	}
	ends := make(chan func(), 1)
	go func() {
		read, failed := term.ReadPassword(terminal)
		ends <- func() { word, err = read, failed }
	}()
	select {
	case takes := <-ends:
		takes()
		return word, err
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), term.Restore(terminal, before)) // it shows again what is written
	}
}

func (a *app) profilesCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "profiles", Short: "List, choose and forget profiles", Args: cobra.NoArgs,
		Example: "  lime profiles\n  lime profiles use bot",
		RunE:    func(*cobra.Command, []string) error { return a.listProfiles() },
	}
	c.AddCommand(
		&cobra.Command{
			Use: "use NAME", Short: "Have a profile be the one that is meant where none is named", Args: cobra.ExactArgs(1),
			Example: "  lime profiles use bot",
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.changeProfile(cmd.Context(), args[0], func(all *profiles) { all.Current = args[0] })
			},
		},
		&cobra.Command{
			Use: "forget NAME", Short: "Forget a profile, with its secrets", Args: cobra.ExactArgs(1),
			Example: "  lime profiles forget bot",
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.changeProfile(cmd.Context(), args[0], func(all *profiles) {
					delete(all.Profiles, args[0])
					if all.Current == args[0] {
						all.Current = ""
					}
				})
			},
		},
	)
	return c
}

func (a *app) listProfiles() error {
	all, err := a.readProfiles()
	if err != nil {
		return err
	}
	current := a.profileName(all)
	t := a.table("", "PROFILE", "SERVER", "IDENTITY")
	for _, name := range slices.Sorted(maps.Keys(all.Profiles)) {
		p, mark := all.Profiles[name], ""
		if name == current {
			mark = "*"
		}
		t.row(struct {
			Profile  string `json:"profile"`
			Server   string `json:"server"`
			Identity string `json:"identity,omitempty"`
			Current  bool   `json:"current,omitempty"`
		}{name, p.Server, p.Identity, mark != ""}, mark, name, p.Server, p.Identity)
	}
	return t.end()
}

// changeProfile changes something about one that is there.
func (a *app) changeProfile(ctx context.Context, name string, change func(*profiles)) error {
	return a.changeProfiles(ctx, func(all *profiles) error {
		if _, known := all.Profiles[name]; !known {
			return usage("there is no profile %q", name)
		}
		change(all)
		return nil
	})
}
