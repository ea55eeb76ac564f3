package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"limegrove/certs"
	"limegrove/lime"
)

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
