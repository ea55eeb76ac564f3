package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"limegrove/lime"
	"limegrove/lime/client"
	"limegrove/lime/client/files"
)

func (a *app) files() *cobra.Command {
	c := &cobra.Command{
		Use: "files", Short: "Send files, fetch those that come, and see which are kept",
		Long: `Files are kept by the cluster, for who has sent them and whoever has their link. A transfer that
breaks goes on from where it stands, at whichever edge.`,
		Example: "  lime files send rui@localhost cat.jpg\n  lime files get --into received",
		Args:    cobra.NoArgs, RunE: help,
	}
	c.AddCommand(a.sendFile(), a.getFiles(), a.listFiles(), a.removeFile())
	return c
}

func (a *app) sendFile() *cobra.Command {
	var title string
	c := &cobra.Command{
		Use: "send TO FILE...", Short: "Upload files, and send their links",
		Example: "  lime files send rui@localhost cat.png",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := lime.ParseNode(args[0])
			if err != nil || to.Name == "" || to.Domain == "" {
				return usage("TO: %q is no address, which is name@domain or name@domain/instance", args[0])
			}
			for _, path := range args[1:] {
				if info, err := os.Stat(path); err != nil {
					return usage("FILE: %w", err)
				} else if !info.Mode().IsRegular() || info.Size() == 0 {
					return usage("FILE: %s is no file with something in it", path)
				}
			}
			return a.transfers(cmd.Context(), func(ctx context.Context, c *client.Client, t *files.Transfers) error {
				for _, path := range args[1:] {
					if err := a.sendOne(ctx, c, t, to, path, title); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&title, "title", "", "`TEXT` that the link has for people (default the file's name)")
	return c
}

// transfers has a session move files, which may take its time.
func (a *app) transfers(ctx context.Context, do func(context.Context, *client.Client, *files.Transfers) error) error {
	c, err := a.dial(ctx, true, func(cfg *client.Config) {
		line := watched{app: a, pause: 5 * time.Second}
		cfg.SendOnly, cfg.OnStatus = true, line.is
	})
	if err != nil {
		return err
	}
	t, err := a.mover(c, a.progress())
	if err == nil {
		err = do(ctx, c, t)
	}
	return a.finish(c, err)
}

// mover moves files at who is believed. The session may be nil where nothing is sent.
func (a *app) mover(session files.Session, progress func(done, total int64)) (*files.Transfers, error) {
	p, err := a.profile()
	if err != nil {
		return nil, err
	}
	asks, err := p.http()
	if err != nil {
		return nil, err
	}
	return files.New(session, files.Config{HTTP: asks, Progress: progress})
}

// progress shows how far a transfer is, to somebody at a terminal.
func (a *app) progress() func(done, total int64) {
	out, ok := a.err.(*os.File)
	if !ok || a.output == outputJSON || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int64) {
		if bar == nil || bar.GetMax64() != total {
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(out), progressbar.OptionShowBytes(true),
				progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set64(done) // what cannot be shown is not
	}
}

// sendOne uploads a file and sends its link.
func (a *app) sendOne(ctx context.Context, c *client.Client, t *files.Transfers, to lime.Node, path, title string) error {
	f, err := t.UploadFile(ctx, path)
	if err != nil {
		return fmt.Errorf("upload %s: %w", path, err)
	}
	link := f.Link()
	if title != "" {
		link.Title = title
	}
	content, err := json.Marshal(link)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	m := &lime.Message{ID: rand.Text(), To: to, Type: lime.MediaLinkType, Content: content}
	if err := c.Publish(ctx, m); err != nil {
		return fmt.Errorf("send the link of %s: %w", path, err)
	}
	return a.print(struct {
		ID      string `json:"id"`
		Message string `json:"message"`
		URI     string `json:"uri"`
	}{f.ID, m.ID, link.URI}, "%s accepted: %s, %d bytes", m.ID, f.Name, f.Size)
}

func (a *app) getFiles() *cobra.Command {
	var e ears
	var into, template, link string
	var overwrite bool
	c := &cobra.Command{
		Use: "get", Short: "Fetch the files whose links come, or that of one link",
		Long: `Fetch the files whose links come in messages into a directory, until the command is interrupted, and print where
they are; what else comes is printed as by listen. A message is consumed when its file is there, and failed when the server
says that it gives none. Where a file cannot be had for another reason, its message is not spent: it waits for the next time.
A file of which less than 16 KiB come in --timeout is given up. Where any was not had, the status is 1 at the end. With --link one
file is fetched, without a session.

--template puts files into folders by {type}, the media type's first part, {subtype}, {from}, the sender, or its {domain} and
{name}. No file leaves the directory. One whose name is taken comes as "name (2).txt", or in the other's place with --overwrite.`,
		Example: "  lime files get --into received --template '{type}/{from}'\n  lime files get --link https://edge/files/…",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := files.OpenDirectory(into, template)
			if err != nil {
				return usage("--into, --template: %w", err)
			}
			dir.Overwrite, dir.Rename = overwrite, true
			defer func() { _ = dir.Close() }() // it was read
			if link != "" {
				return a.fetch(cmd.Context(), lime.MediaLink{URI: link}, lime.Identity{}, dir)
			}
			return a.fetchAll(cmd.Context(), e, dir)
		},
	}
	e.flags(c)
	f := c.Flags()
	f.StringVar(&into, "into", ".", "`DIRECTORY` for what is fetched")
	f.StringVar(&template, "template", "", "`PATH` in it, of {type} and {from}")
	f.StringVar(&link, "link", "", "`URI` of one file")
	f.BoolVar(&overwrite, "overwrite", false, "let a file take the place of one of its name")
	return c
}

// fetchAll fetches what links lead to that come, and prints what else comes as listen does.
func (a *app) fetchAll(ctx context.Context, e ears, into *files.Directory) error {
	return a.hear(ctx, e, func(ctx context.Context, c *client.Client, m *lime.Message) error {
		var link lime.MediaLink
		if m.Type != lime.MediaLinkType || json.Unmarshal(m.Content, &link) != nil {
			return a.heard(ctx, c, m)
		}
		if err := a.fetch(ctx, link, senderOf(m).Identity, into); err != nil {
			return failedError{err, forGood(err)}
		}
		return nil
	})
}

// fetched is what is printed of a file that has come.
type fetched struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	Verified bool   `json:"verified"`
}

// leastMoved is how many bytes of a file renew the time that it has.
const leastMoved = 16 << 10

// fetch fetches one file. It ends when hardly anything has moved for the time for answers, however often that was tried.
func (a *app) fetch(ctx context.Context, link lime.MediaLink, from lime.Identity, into *files.Directory) error {
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(a.timeout, func() { cancel(context.DeadlineExceeded) })
	defer timer.Stop()
	show := a.progress()
	var at int64 // what there was when the time was renewed
	t, err := a.mover(nil, func(done, total int64) {
		if done < at {
			at = done // it has begun again
		}
		if done-at >= leastMoved {
			at = done
			timer.Reset(a.timeout)
		}
		if show != nil {
			show(done, total)
		}
	})
	if err != nil {
		return err
	}
	got, err := t.Download(limited, link, from, into)
	if err != nil {
		return a.explain(ctx, link.URI, tooLate(limited, link.URI, err))
	}
	f := fetched{got.Path, got.Size, hex.EncodeToString(got.SHA256), got.Verified}
	return a.print(f, "%s, %d bytes", f.Path, f.Size)
}

// tooLate is what has come of a download that the time is over for: what kept it from beginning, if anything did.
func tooLate(limited context.Context, at string, err error) error {
	if !errors.Is(context.Cause(limited), context.DeadlineExceeded) {
		return err
	}
	var op *net.OpError
	var status *files.StatusError
	switch {
	case errors.As(err, &op):
		return fmt.Errorf("download %s: %w", at, op)
	case errors.As(err, &status):
		return fmt.Errorf("download %s: %w", at, status)
	}
	return fmt.Errorf("download %s: nothing moves: %w", at, context.DeadlineExceeded)
}

// forGood tells of a download that has failed whether it would for ever.
func forGood(err error) bool {
	var status *files.StatusError
	if errors.As(err, &status) {
		switch status.Status {
		case http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusLocked, http.StatusNotImplemented, http.StatusInsufficientStorage:
			return false // that is no word about the file
		}
		return status.Lasting()
	}
	return errors.Is(err, files.ErrNotAllowed) || errors.Is(err, files.ErrTooLong) || errors.Is(err, files.ErrDigest)
}

func (a *app) listFiles() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List your files that the cluster keeps", Args: cobra.NoArgs,
		Example: "  lime files list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.asks(cmd.Context(), get("/files"), func(answer *lime.Command) error {
				return a.lists(answer, "id", "name", "type", "size", "complete", "expires")
			})
		},
	}
}

func (a *app) removeFile() *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Short: "Remove a file for good, also for those who have its link", Args: cobra.ExactArgs(1),
		Example: "  lime files remove 0b2f5a",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.asks(cmd.Context(), &lime.Command{Method: lime.MethodDelete, URI: "/files/" + url.PathEscape(args[0])}, nil)
		},
	}
}
