package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"limegrove/cmd/lime/chat"
	"limegrove/lime"
	"limegrove/lime/client/spool"
)

func (a *app) chat() *cobra.Command {
	var keep, into string
	c := &cobra.Command{
		Use: "chat [WITH]", Short: "Chat in the terminal: people, rooms, files",
		Long: `Chat in the terminal, with people and in rooms. WITH is whom to begin with: a name, name@domain, or a room as #name
or as a path. !help in there has what can be typed, and the last row which keys do something.

What is typed without a connection waits on disk and is sent when there is one, by the next lime chat if need be; what was
sent to you meanwhile comes then. The ticks of your own messages are: … waits, ✓ stored, ✓✓ has come, ✓✓✓ was read, ✗ failed.`,
		Example: "  lime chat\n  lime chat rui@localhost\n  lime chat '#garden' --as ana@localhost",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.wantsTerminal(); err != nil {
				return err
			}
			p, err := a.profile()
			if err != nil {
				return err
			}
			cfg := chat.Config{Server: p.Server, Account: p.isAccount(), Into: into, Timeout: a.timeout}
			if len(args) == 1 {
				cfg.With = args[0]
			}
			if cfg.Client, err = p.config(); err != nil {
				return err
			}
			cfg.Client.ConnectTimeout, cfg.Certificate = a.timeout, p.own
			if cfg.HTTP, err = p.http(); err != nil {
				return err
			}
			if keep == "" {
				if keep, err = a.chatFolder(cfg.Client.Node.Identity); err != nil {
					return err
				}
			}
			if keep != "" {
				if err := os.MkdirAll(keep, 0o700); err != nil {
					return fmt.Errorf("make the folder of what waits to be sent: %w", err)
				}
				cfg.Spool, cfg.Rooms = filepath.Join(keep, "spool"), filepath.Join(keep, "rooms.json")
			}
			if err := chat.Run(cmd.Context(), cfg); errors.Is(err, spool.ErrInUse) {
				return fmt.Errorf("another chat as %s is open here, and has what waits to be sent; --keep DIRECTORY gives this one a place of its own: %w", cfg.Client.Node.Identity, err)
			} else if err != nil {
				return fmt.Errorf("chat at %s: %w", p.Server, err)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&into, "into", ".", "`DIRECTORY` for files that !get fetches")
	f.StringVar(&keep, "keep", "", "`DIRECTORY` of what waits to be sent, and of the rooms (default one for each identity, beside the profiles)")
	return c
}

// wantsTerminal refuses what is none that one can chat in.
func (a *app) wantsTerminal() error {
	if a.output != outputText {
		return usage("--output: a chat is no %s; `lime listen` and `lime send` have it", a.output)
	}
	in, isFile := a.in.(*os.File)
	out, alsoFile := a.out.(*os.File)
	if !isFile || !alsoFile || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return usage("chat needs a terminal for its input and its output; `lime listen` and `lime send` do without")
	}
	if kind := a.env("TERM"); kind == "dumb" || kind == "" && runtime.GOOS != "windows" {
		return usage("chat cannot draw on a terminal of the kind %q (TERM); `lime listen` and `lime send` do without", kind)
	}
	return nil
}

// chatFolder is where it is kept what somebody's chat has to keep. It is the same at every edge. A guest without a name has
// another one each time, so that nothing is kept.
func (a *app) chatFolder(who lime.Identity) (string, error) {
	if who.Name == "" {
		return "", nil
	}
	file, err := a.profilesFile()
	if err != nil {
		return "", err
	}
	name := string(lime.AppendEscapedName(nil, who.Fold().String()))
	if len(name) > 200 { // of the 255 bytes that systems have
		sum := sha256.Sum256([]byte(name))
		name = hex.EncodeToString(sum[:])
	}
	return filepath.Join(filepath.Dir(file), "chat", name), nil
}
