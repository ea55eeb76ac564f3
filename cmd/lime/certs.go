package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/certs"
)

const certsHelp = `Certificates of a cluster's own authority, without other tools.

  lime certs create certs edge.example.org 192.0.2.7
  edge -tls-cert certs/server.pem -tls-key certs/server.key -authority certs -auth transport,plain …
  lime login wss://edge.example.org/ ana@example.org --ca certs/authorities.pem --certificate certs/default.pem

The first line makes the authority, the certificate of the edges and the default one, which all clients may have
that have none of their own yet. The last has the server issue one to ana, whose key stays here; whoever asks for
the same name later is refused. Keys are for their owner alone (mode 0600). Who knows authority.key can be
anybody: give it to routers, and to edges with -router, and to nobody else.

issue, revoke and list ask the cluster, over the HTTP API: --api or LIME_API, and LIMEGROVE_API_KEY with the scope
commands.`

func (a *app) certs() *cobra.Command {
	c := &cobra.Command{
		Use: "certs", Short: "Certificates: the authority, issue, revoke, list", Long: certsHelp, Args: cobra.NoArgs, RunE: help,
		Example: `  lime certs create certs localhost
  lime certs list`,
	}
	c.AddCommand(a.certsCreate(), a.certsServer(), a.certsRotate(), a.certsIssue(), a.certsRevoke(), a.certsList())
	return c
}

// written tells of files that were made.
type written struct {
	Folder  string    `json:"folder"`
	Files   []string  `json:"files"`
	Expires time.Time `json:"expires"`
}

func (a *app) certsCreate() *cobra.Command {
	var replace bool
	var name string
	c := &cobra.Command{
		Use: "create FOLDER NAME...", Short: "Make an authority, a server's certificate and the default one", Args: cobra.MinimumNArgs(2),
		Long: `Make an authority in FOLDER, with the certificate of the edges for the DNS names and addresses NAME, and the default
certificate of clients. What is there is not overwritten, unless --replace says so: then all that the authority before
has signed counts no more. All of it is ECDSA of P-256; the authority and the default certificate are good for ten
years, the server's for 397 days (lime certs server makes another).

  authority.pem authority.key   who signs; the key for routers alone
  authorities.pem               whom edges believe, and clients of the edges (--ca)
  server.pem server.key         -tls-cert and -tls-key of edges
  default.pem default.key       for clients that have none of their own`,
		Example: `  lime certs create certs localhost 127.0.0.1
  lime certs create certs '*.edges.example.org' chat.example.org`,
		RunE: func(_ *cobra.Command, args []string) error {
			files, expires, err := createAuthority(name, args[1:])
			if err != nil {
				return usage("%w", err)
			}
			return a.writeCerts(args[0], replace, files, expires)
		},
	}
	c.Flags().BoolVar(&replace, "replace", false, "overwrite what is there")
	c.Flags().StringVar(&name, "name", "Limegrove", "`NAME` of the authority, for people")
	return c
}

func createAuthority(name string, hosts []string) (files map[string][]byte, expires time.Time, err error) {
	authority, err := certs.NewAuthority(name, certs.AuthorityLifetime)
	if err != nil {
		return nil, expires, err
	}
	key, err := authority.EncodeKey()
	if err != nil {
		return nil, expires, err
	}
	own := certs.EncodeCertificates(authority.Certificate())
	files = map[string][]byte{certs.FileAuthority: own, certs.FileAuthorities: own, certs.FileKey: key}
	if expires, err = addServer(files, authority, hosts, certs.ServerLifetime); err != nil {
		return nil, expires, err
	}
	k, err := certs.NewKey()
	if err != nil {
		return nil, expires, err
	}
	shared, err := authority.Default(k.Public(), certs.DefaultLifetime)
	if err != nil {
		return nil, expires, err
	}
	files[certs.FileDefault] = certs.EncodeCertificates(shared)
	files[certs.FileDefaultKey], err = certs.EncodeKey(k)
	return files, expires, err
}

func addServer(files map[string][]byte, authority *certs.Authority, hosts []string, lifetime time.Duration) (expires time.Time, err error) {
	k, err := certs.NewKey()
	if err != nil {
		return expires, err
	}
	server, err := authority.Server(hosts, k.Public(), lifetime)
	if err != nil {
		return expires, err
	}
	files[certs.FileServer] = certs.EncodeCertificates(server)
	files[certs.FileServerKey], err = certs.EncodeKey(k)
	return server.NotAfter, err
}

func (a *app) writeCerts(folder string, replace bool, files map[string][]byte, expires time.Time) error {
	err := certs.Write(folder, replace, files)
	if errors.Is(err, certs.ErrExists) {
		return usage("%w: --replace overwrites it", err)
	}
	if err != nil {
		return fmt.Errorf("write certificates: %w", err)
	}
	w := written{Folder: folder, Files: slices.Sorted(maps.Keys(files)), Expires: expires}
	return a.print(w, "%s: %s; the server's is good until %s", folder, strings.Join(w.Files, ", "), expires.Format(time.DateOnly))
}

func (a *app) certsServer() *cobra.Command {
	var days int
	var replace bool
	c := &cobra.Command{
		Use: "server FOLDER NAME...", Short: "Make the edges' certificate anew", Args: cobra.MinimumNArgs(2),
		Long: `Make another certificate of the edges, signed by the authority in FOLDER, with a new key. Edges show it when they have
read it: kill -HUP. No session ends by that.`,
		Example: `  lime certs server certs edge.example.org --replace && kill -HUP $(pidof edge)`,
		RunE: func(_ *cobra.Command, args []string) error {
			if days < 1 || days > 3650 {
				return usage("--days: 1 to 3650, not %d", days)
			}
			f, err := certs.ReadFolder(args[0])
			if err == nil && f.Authority == nil {
				err = fmt.Errorf("%s has no %s", args[0], certs.FileKey)
			}
			if err != nil {
				return usage("%w", err)
			}
			files := map[string][]byte{}
			expires, err := addServer(files, f.Authority, args[1:], time.Duration(days)*24*time.Hour)
			if err != nil {
				return usage("%w", err)
			}
			return a.writeCerts(args[0], replace, files, expires)
		},
	}
	c.Flags().IntVar(&days, "days", 397, "`DAYS` for which it is good")
	c.Flags().BoolVar(&replace, "replace", false, "overwrite what is there")
	return c
}

// The files of an authority that is to come, and of the one that was.
const (
	fileNext        = "next.pem"
	fileNextKey     = "next.key"
	filePrevious    = "previous.pem"
	filePreviousKey = "previous.key"
)

func (a *app) certsRotate() *cobra.Command {
	c := &cobra.Command{
		Use: "rotate", Short: "Put another authority in the place of the one that there is, in three steps", Args: cobra.NoArgs, RunE: help,
		Long: `Put another authority in the place of the one in a folder. No session ends by it. Bring the folder to all edges and
routers after each step, and have them read it: kill -HUP. Then the next step:

  lime certs rotate add FOLDER    another one is believed, and signs nothing yet
  lime certs rotate use FOLDER    it signs; the one before is believed still
  lime certs server FOLDER NAME… --replace
  lime certs rotate drop FOLDER   the one before is believed no more: when clients have renewed theirs, and
                                  believe the new one (authorities.pem)`,
		Example: `  lime certs rotate add certs`,
	}
	for _, step := range []struct {
		use, short string
		do         func(dir string) (map[string][]byte, error)
	}{
		{"add", "Make another authority, which is believed and signs nothing yet", rotateAdd},
		{"use", "Have the other authority sign", rotateUse},
		{"drop", "Believe the authority before no more", rotateDrop},
	} {
		c.AddCommand(&cobra.Command{
			Use: step.use + " FOLDER", Short: step.short, Args: cobra.ExactArgs(1), Example: "  lime certs rotate " + step.use + " certs",
			RunE: func(_ *cobra.Command, args []string) error {
				files, err := step.do(args[0])
				if err != nil {
					return usage("%w", err)
				}
				if err := certs.Write(args[0], true, files); err != nil {
					return fmt.Errorf("write certificates: %w", err)
				}
				if step.use == "use" {
					err = errors.Join(os.Remove(filepath.Join(args[0], fileNext)), os.Remove(filepath.Join(args[0], fileNextKey)))
				}
				if err != nil {
					return fmt.Errorf("remove the files of the step before: %w", err)
				}
				w := written{Folder: args[0], Files: slices.Sorted(maps.Keys(files))}
				return a.print(w, "%s: %s", args[0], strings.Join(w.Files, ", "))
			},
		})
	}
	return c
}

func rotateAdd(dir string) (map[string][]byte, error) {
	f, err := certs.ReadFolder(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, fileNext)); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is there already: the next step is use", filepath.Join(dir, fileNext))
	}
	next, err := certs.NewAuthority(f.Authorities[0].Subject.CommonName, certs.AuthorityLifetime)
	if err != nil {
		return nil, err
	}
	key, err := next.EncodeKey()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		fileNext: certs.EncodeCertificates(next.Certificate()), fileNextKey: key,
		certs.FileAuthorities: certs.EncodeCertificates(append(f.Authorities, next.Certificate())...),
	}, nil
}

func rotateUse(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for from, to := range map[string]string{
		fileNext: certs.FileAuthority, fileNextKey: certs.FileKey, certs.FileAuthority: filePrevious, certs.FileKey: filePreviousKey,
	} {
		text, err := os.ReadFile(filepath.Join(dir, from))
		if errors.Is(err, fs.ErrNotExist) && (from == fileNext || from == fileNextKey) {
			return nil, fmt.Errorf("there is no other authority in %s: the first step is add", dir)
		}
		if err != nil {
			return nil, err
		}
		files[to] = text
	}
	if _, err := certs.ReadAuthority(files[certs.FileAuthority], files[certs.FileKey]); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, fileNext), err)
	}
	return files, nil
}

func rotateDrop(dir string) (map[string][]byte, error) {
	f, err := certs.ReadFolder(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, fileNext)); err == nil {
		return nil, fmt.Errorf("the other authority in %s does not sign yet: the next step is use", dir)
	}
	return map[string][]byte{certs.FileAuthorities: certs.EncodeCertificates(f.Authorities[0])}, nil
}
