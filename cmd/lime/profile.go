package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read the profiles in %s: %w", file, err)
	}
	if p.Profiles == nil {
		p.Profiles = map[string]profile{}
	}
	return p, nil
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

// profile is the one in force: what the command line says, or else the environment, or else the file.
func (a *app) profile() (profile, error) {
	all, err := a.readProfiles()
	if err != nil {
		return profile{}, err
	}
	name := a.profileName(all)
	p, known := all.Profiles[name]
	if !known && (a.given.name != "" || a.env("LIME_PROFILE") != "") {
		return p, usage("there is no profile %q: `lime login --profile %s` makes it", name, name)
	}
	for _, v := range []struct {
		to          *string
		given, name string
	}{
		{&p.Server, a.given.Server, "LIME_SERVER"},
		{&p.Identity, a.given.Identity, "LIME_IDENTITY"},
		{&p.Password, a.given.Password, "LIME_PASSWORD"},
		{&p.Key, a.given.Key, "LIME_KEY"},
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
