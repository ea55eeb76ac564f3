package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/certs"
	"limegrove/lime"
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

// issued is a certificate as the cluster tells of it.
type issued struct {
	Identity    string    `json:"identity"`
	Serial      string    `json:"serial"`
	Issued      time.Time `json:"issued"`
	Expires     time.Time `json:"expires"`
	Revoked     time.Time `json:"revoked,omitzero"`
	Certificate string    `json:"certificate,omitempty"`
	Authorities string    `json:"authorities,omitempty"`
	File        string    `json:"file,omitempty"`
}

// asServer has a router answer a command in an identity's name, "" for the server's own.
func (a *app) asServer(ctx context.Context, identity, method, uri string, resource, into any) error {
	p, err := a.profile()
	if err != nil {
		return err
	}
	if p.API == "" || p.APIKey == "" {
		return usage("it is asked over the HTTP API: --api or LIME_API names it, and LIMEGROVE_API_KEY has a key")
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	body := struct {
		From     string `json:"from,omitempty"`
		Method   string `json:"method"`
		URI      string `json:"uri"`
		Type     string `json:"type,omitempty"`
		Resource any    `json:"resource,omitempty"`
	}{From: identity, Method: method, URI: uri, Resource: resource}
	if resource != nil {
		body.Type = "application/vnd.limegrove.certificate+json"
	}
	var said struct {
		Status   string
		Reason   *lime.Reason
		Resource json.RawMessage
	}
	if err := a.call(ctx, &p, http.MethodPost, strings.TrimSuffix(p.API, "/")+"/v1/commands", p.APIKey, body, &said); err != nil {
		return err
	}
	if said.Reason != nil {
		return said.Reason
	}
	if len(said.Resource) == 0 || into == nil {
		return nil
	}
	if err := json.Unmarshal(said.Resource, into); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

func (a *app) certsIssue() *cobra.Command {
	var out string
	var days int
	var replace bool
	c := &cobra.Command{
		Use: "issue IDENTITY", Short: "Issue a certificate to an identity, with a new key", Args: cobra.ExactArgs(1),
		Long: `Make a key here, and have the cluster issue a certificate of it to IDENTITY: a person, a program or a connector. Both are written
to one file, with the authorities, as lime login and the Go client take it (mode 0600). The name is taken from then on.`,
		Example: `  lime certs issue kiosk7@aio.example.org
  lime certs issue bot@example.org --out bot.pem --days 30`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := lime.ParseIdentity(args[0])
			if err == nil {
				err = certs.CheckIdentity(id)
			}
			if err != nil {
				return usage("IDENTITY: %q: %w", args[0], err)
			}
			file := out
			if file == "" {
				file = url.PathEscape(args[0]) + ".pem"
			}
			if _, err := os.Lstat(file); err == nil && !replace {
				return usage("%s is there already: --replace overwrites it", file)
			}
			key, err := certs.NewKey()
			if err != nil {
				return err
			}
			request, err := certs.NewRequest(args[0], key)
			if err != nil {
				return err
			}
			secret, err := certs.EncodeKey(key)
			if err != nil {
				return err
			}
			var made issued
			ask := map[string]any{"request": string(request)}
			if days != 0 {
				ask["days"] = days
			}
			if err := a.asServer(cmd.Context(), args[0], "set", "/certificates", ask, &made); err != nil {
				return err
			}
			if err := writeSecret(file, []byte(made.Certificate+string(secret)+made.Authorities)); err != nil {
				return fmt.Errorf("write the certificate: %w", err)
			}
			made.File = file
			made.Certificate, made.Authorities = "", ""
			return a.print(made, "%s: %s, good until %s", file, made.Serial, made.Expires.Format(time.DateTime))
		},
	}
	c.Flags().StringVar(&out, "out", "", "`FILE` to write; default IDENTITY.pem")
	c.Flags().IntVar(&days, "days", 0, "`DAYS` for which it is good; default what routers say")
	c.Flags().BoolVar(&replace, "replace", false, "overwrite what is there")
	return c
}

// writeSecret writes a file for its owner alone, in one step.
func writeSecret(file string, text []byte) error {
	made, err := os.CreateTemp(filepath.Dir(file), ".lime-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(made.Name()) }() // in vain, when all is well
	_, err = made.Write(text)
	if err := errors.Join(err, made.Close()); err != nil {
		return err
	}
	return os.Rename(made.Name(), file)
}

func (a *app) certsRevoke() *cobra.Command {
	var free bool
	var why, file string
	c := &cobra.Command{
		Use: "revoke IDENTITY|SERIAL", Short: "Revoke certificates: nobody comes in by them any more, and who has is cut", Args: cobra.MaximumNArgs(1),
		Long: `Revoke all certificates of IDENTITY, or the one of SERIAL (lime certs list), or the one in --file. All edges end the sessions that were
begun with it at once, and take no new ones; also those that start later, until it would have expired. The name
stays taken; with --free anybody gets it who asks for it with the default certificate. To revoke the default
certificate itself, name its file: then nobody is issued a first one any more.`,
		Example: `  lime certs revoke kiosk7@aio.example.org --because stolen
  lime certs revoke 4f:1c:… 
  lime certs revoke --file certs/default.pem`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (file != "") {
				return usage("either IDENTITY, SERIAL or --file")
			}
			who, uri := "", "/certificates"
			switch {
			case file != "":
				text, err := os.ReadFile(file)
				if err != nil {
					return usage("--file: %w", err)
				}
				all, err := certs.ParseCertificates(text)
				if err != nil {
					return usage("--file: %s: %w", file, err)
				}
				uri += "/" + string(certs.SerialOf(all[0]))
			case strings.Contains(args[0], "@"):
				who = args[0]
			default:
				serial, err := certs.ParseSerial(args[0])
				if err != nil {
					return usage("%q is neither an identity nor a serial", args[0])
				}
				if who, err = a.holderOf(cmd.Context(), serial); err != nil {
					return err
				}
				uri += "/" + string(serial)
			}
			if free && uri != "/certificates" {
				return usage("--free: a name is given free with all its certificates: name the IDENTITY")
			}
			query := url.Values{}
			if free {
				query.Set("free", "true")
			}
			if why != "" {
				query.Set("because", why)
			}
			if len(query) > 0 {
				uri += "?" + query.Encode()
			}
			var gone struct {
				Revoked []issued `json:"revoked"`
			}
			if err := a.asServer(cmd.Context(), who, "delete", uri, nil, &gone); err != nil {
				return err
			}
			serials := make([]string, len(gone.Revoked))
			for i, c := range gone.Revoked {
				serials[i] = c.Serial
			}
			return a.print(gone, "%d revoked: %s", len(serials), strings.Join(serials, ", "))
		},
	}
	c.Flags().BoolVar(&free, "free", false, "give the name free")
	c.Flags().StringVar(&why, "because", "", "`TEXT` that is kept with it")
	c.Flags().StringVar(&file, "file", "", "`FILE` of the certificate, in place of IDENTITY or SERIAL")
	return c
}

// holderOf is the identity that has a certificate of a serial, "" where nobody is known to.
func (a *app) holderOf(ctx context.Context, serial certs.Serial) (string, error) {
	found := ""
	err := a.eachCertificate(ctx, "", func(c issued) error {
		if c.Serial == string(serial) {
			found = c.Identity
		}
		return nil
	})
	return found, err
}

// page is how many certificates are asked for at once.
const page = 500

// eachCertificate hands out those of an identity, or of all.
func (a *app) eachCertificate(ctx context.Context, identity string, take func(issued) error) error {
	for skip := 0; ; skip += page {
		var all struct {
			Total int      `json:"total"`
			Items []issued `json:"items"`
		}
		uri := fmt.Sprintf("/certificates?skip=%d&take=%d", skip, page)
		if err := a.asServer(ctx, identity, "get", uri, nil, &all); err != nil {
			return err
		}
		for _, c := range all.Items {
			if err := take(c); err != nil {
				return err
			}
		}
		if len(all.Items) < page {
			return nil
		}
	}
}

func (a *app) certsList() *cobra.Command {
	return &cobra.Command{
		Use: "list [IDENTITY]", Short: "List certificates of an identity, or of all of the first domain", Args: cobra.MaximumNArgs(1),
		Example: `  lime certs list
  lime certs list kiosk7@aio.example.org -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			who := ""
			if len(args) == 1 {
				who = args[0]
			}
			t := a.table("IDENTITY", "SERIAL", "ISSUED", "EXPIRES", "REVOKED")
			err := a.eachCertificate(cmd.Context(), who, func(c issued) error {
				revoked := ""
				if !c.Revoked.IsZero() {
					revoked = c.Revoked.Format(time.DateTime)
				}
				t.row(c, c.Identity, c.Serial, c.Issued.Format(time.DateTime), c.Expires.Format(time.DateTime), revoked)
				return nil
			})
			if err != nil {
				return err
			}
			return t.end()
		},
	}
}
