package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"limegrove/internal/filelock"
	"limegrove/lime/client"
)

// profile is where somebody logs in, as whom, and where a cluster is steered. Secrets are in it, so that the file is for
// its owner alone.
type profile struct {
	Server   string `json:"server,omitempty"`   // ws, wss, net.tcp
	Identity string `json:"identity,omitempty"` // name@domain, or a node; empty: a guest with a name of the client's making
	Password string `json:"password,omitempty"`
	Key      string `json:"key,omitempty"` // Base64, as the server has given it
	// Certificate is the file of a certificate of its own, with its key.
	Certificate string `json:"certificate,omitempty"`

	CA string `json:"ca,omitempty"` // a file of certificates that are believed beside the system's

	Admin      string `json:"admin,omitempty"` // URL of a member's admin port
	AdminToken string `json:"adminToken,omitempty"`
	API        string `json:"api,omitempty"` // URL of the HTTP API
	APIKey     string `json:"apiKey,omitempty"`

	own *client.Certificate // of the file, when a session is begun by it; see config
}

// isAccount tells whether somebody is an account, and no guest.
func (p *profile) isAccount() bool { return p.Password != "" || p.Key != "" || p.Certificate != "" }

// account is the identity alone.
func (p *profile) account() string {
	identity, _, _ := strings.Cut(p.Identity, "/")
	return identity
}

// profiles are those of a person, in one file.
type profiles struct {
	Current  string             `json:"current,omitempty"`
	Profiles map[string]profile `json:"profiles"`
}

// defaultProfile is the one without a name.
const defaultProfile = "default"

// profilesFile is where they are.
func (a *app) profilesFile() (string, error) {
	if f := a.env("LIME_PROFILES"); f != "" {
		return f, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find the profiles: %w; LIME_PROFILES names their file", err)
	}
	return filepath.Join(dir, "limegrove", "lime.json"), nil
}

func (a *app) readProfiles() (p profiles, err error) {
	p.Profiles = map[string]profile{}
	file, err := a.profilesFile()
	if err != nil {
		return p, err
	}
	b, err := readProfilesFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read the profiles in %s: %w; mend the file, or move it away and log in again, or have LIME_PROFILES name another", file, err)
	}
	if p.Profiles == nil {
		p.Profiles = map[string]profile{}
	}
	return p, nil
}

// maxProfiles is how many bytes the profiles' file may have.
const maxProfiles = 1 << 20

// readProfilesFile reads one that is a file, and no device or pipe that never ends.
func readProfilesFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no file")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxProfiles+1))
	if err == nil && len(b) > maxProfiles {
		err = fmt.Errorf("it has more than %d bytes", maxProfiles)
	}
	return b, err
}

// lockPause is how long is waited between two tries to lock the profiles.
const lockPause = 5 * time.Millisecond

// changeProfiles reads the profiles, has them changed, and writes them, while nobody else does: logins may come together.
func (a *app) changeProfiles(ctx context.Context, change func(*profiles) error) error {
	file, err := a.profilesFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	locked, err := a.lockProfiles(ctx, file)
	if err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	defer locked.Close()
	all, err := a.readProfiles()
	if err == nil {
		err = change(&all)
	}
	if err != nil {
		return err
	}
	return a.writeProfiles(all)
}

// lockProfiles takes what goes with a file of profiles. They themselves are replaced, so that a lock on them would be one on the old ones.
func (a *app) lockProfiles(ctx context.Context, file string) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	for {
		locked, err := filelock.Take(file + ".lock")
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			return os.OpenFile(file+".lock", os.O_RDWR|os.O_CREATE, 0o600) // the last one wins there
		case !errors.Is(err, filelock.ErrTaken):
			return locked, err
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return nil, fmt.Errorf("another lime changes those in %s: %w", file, ctx.Err())
		}
	}
}

// writeProfiles puts others in the place of those that there are, all or none.
func (a *app) writeProfiles(p profiles) error {
	file, err := a.profilesFile()
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	made, err := os.CreateTemp(filepath.Dir(file), ".lime-*") // which is for its owner alone
	if err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	defer func() { _ = os.Remove(made.Name()) }() // in vain, when all is well
	_, err = made.Write(append(b, '\n'))
	if err = errors.Join(err, made.Close()); err == nil {
		err = os.Rename(made.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write the profiles: %w", err)
	}
	return nil
}

// profile is the one in force for a session: what the command line says, or else the environment, or else the file.
func (a *app) profile() (profile, error) { return a.profileAt(a.given.Server, "LIME_SERVER") }

// profileAt is the one in force for who is asked at an URL, which a flag has given or a variable has. Where one has it and no
// profile is named, it goes without profiles that cannot be read.
func (a *app) profileAt(given, variable string) (profile, error) {
	named := a.given.name != "" || a.env("LIME_PROFILE") != ""
	all, err := a.readProfiles()
	if err != nil {
		if named || given == "" && a.env(variable) == "" {
			return profile{}, err
		}
		if !a.warned {
			a.warned = true
			a.note("warning", "this goes without profiles: %v", err)
		}
	}
	name := a.profileName(all)
	p, known := all.Profiles[name]
	if !known && named {
		return p, usage("there is no profile %q: `lime login --profile %s` makes it", name, name)
	}
	// A proof that is nearer to the command line goes before others of whatever kind.
	for _, proof := range [][2]string{{a.given.Password, a.given.Key}, {a.env("LIME_PASSWORD"), a.env("LIME_KEY")}} {
		if proof != [2]string{} {
			p.Password, p.Key = proof[0], proof[1]
			break
		}
	}
	for _, v := range []struct {
		to          *string
		given, name string
	}{
		{&p.Server, a.given.Server, "LIME_SERVER"},
		{&p.Identity, a.given.Identity, "LIME_IDENTITY"},
		{&p.CA, a.given.CA, "LIME_CA"},
		{&p.Admin, a.given.Admin, "LIME_ADMIN"},
		{&p.AdminToken, "", "LIMEGROVE_ADMIN_TOKEN"},
		{&p.API, a.given.API, "LIME_API"},
		{&p.APIKey, "", "LIMEGROVE_API_KEY"},
	} {
		switch said := a.env(v.name); {
		case v.given != "":
			*v.to = v.given
		case said != "":
			*v.to = said
		}
	}
	if p.Server == "" {
		p.Server = "ws://localhost:8080/"
	}
	if p.Admin == "" {
		p.Admin = "http://127.0.0.1:8090"
	}
	return p, nil
}

// profileName is the name of the one in force.
func (a *app) profileName(all profiles) string {
	for _, name := range []string{a.given.name, a.env("LIME_PROFILE"), all.Current} {
		if name != "" {
			return name
		}
	}
	return defaultProfile
}
