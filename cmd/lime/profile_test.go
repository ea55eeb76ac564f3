package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"limegrove/internal/filelock"
	"limegrove/lime"
)

// TestLoginsAtTheSameTimeLoseNoProfile, each of which is a process of its own, as far as the file is concerned.
func TestLoginsAtTheSameTimeLoseNoProfile(t *testing.T) {
	s := newShell(t)
	const logins = 16
	var all sync.WaitGroup
	for i := range logins {
		all.Go(func() {
			a := &app{streams: streams{out: new(strings.Builder), err: new(strings.Builder)}, env: func(k string) string { return s.env[k] }, timeout: time.Minute}
			name := fmt.Sprintf("p%d", i)
			if err := a.remember(t.Context(), name, true, profile{Server: "ws://" + name}, lime.Node{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	a := &app{env: func(k string) string { return s.env[k] }}
	if p, err := a.readProfiles(); err != nil || len(p.Profiles) != logins {
		t.Errorf("of %d there are %d: %v, %v", logins, len(p.Profiles), p.Profiles, err)
	}
}

func TestALockedFileIsWaitedForInTime(t *testing.T) {
	s := newShell(t)
	a := &app{env: func(k string) string { return s.env[k] }, timeout: 20 * time.Millisecond}
	if err := a.writeProfiles(profiles{}); err != nil {
		t.Fatal(err)
	}
	locked, err := filelock.Take(s.env["LIME_PROFILES"] + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(*profiles) error { return nil }
	if err := a.changeProfiles(t.Context(), nothing); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another changes them: %v", err)
	}
	_ = locked.Close()
	a.timeout = time.Minute
	if err := a.changeProfiles(t.Context(), nothing); err != nil {
		t.Error(err)
	}
}

// A proof of the environment goes before all of the profile's, and that of a flag before both.
func TestWhichProofIsMeant(t *testing.T) {
	for name, tc := range map[string]struct {
		kept     profile
		env      map[string]string
		flag     string
		password string
		key      string
	}{
		"the profile's":                 {profile{Password: "p"}, nil, "", "p", ""},
		"a key before a password":       {profile{Password: "p"}, map[string]string{"LIME_KEY": "k"}, "", "", "k"},
		"a password before a key":       {profile{Key: "k"}, map[string]string{"LIME_PASSWORD": "p"}, "", "p", ""},
		"the flag's before a key":       {profile{Key: "k"}, nil, "p", "p", ""},
		"the flag's before a variable":  {profile{}, map[string]string{"LIME_KEY": "k"}, "p", "p", ""},
		"a variable before certificate": {profile{Certificate: "c"}, map[string]string{"LIME_KEY": "k"}, "", "", "k"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			a := &app{env: func(k string) string {
				if v := tc.env[k]; v != "" {
					return v
				}
				return s.env[k]
			}}
			tc.kept.Identity = "ana@one"
			if err := a.writeProfiles(profiles{Profiles: map[string]profile{"default": tc.kept}}); err != nil {
				t.Fatal(err)
			}
			a.given.Password = tc.flag
			p, err := a.profile()
			if err != nil || p.Password != tc.password || p.Key != tc.key {
				t.Errorf("it is password %q and key %q, %v", p.Password, p.Key, err)
			}
			want := "plain"
			if tc.key != "" {
				want = "key"
			}
			if cfg, err := p.config(); err != nil || cfg.Scheme.Name != want {
				t.Errorf("the scheme is %q, %v", cfg.Scheme.Name, err)
			}
		})
	}
	s := newShell(t)
	s.env["LIME_KEY"], s.env["LIME_PASSWORD"] = "k", "p"
	if status, _, errs := s.does("", "ping", "--as", "a@b"); status != statusUsage || !strings.Contains(errs, "LIME_KEY") {
		t.Errorf("with two: status %d, %s", status, errs)
	}
	file := filepath.Join(t.TempDir(), "proof")
	if err := os.WriteFile(file, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := newShell(t).does("", "login", "ws://127.0.0.1:1/", "a@b", "--key-file", file, "--password-file", file); status != statusUsage || !strings.Contains(errs, "--key-file and --password-file") {
		t.Errorf("login with two: status %d, %s", status, errs)
	}
}

func TestProfilesThatCannotBeRead(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long.json")
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := errors.Join(os.WriteFile(long, []byte(strings.Repeat(" ", maxProfiles)+"{}"), 0o600), os.WriteFile(broken, []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{long, broken, os.DevNull, t.TempDir()} {
		s := newShell(t)
		s.env["LIME_PROFILES"] = file
		for _, line := range []string{"profiles", "ping", "cluster", "ping --server ws://127.0.0.1:1/ --profile x", "login ws://127.0.0.1:1/ --guest"} {
			if status, _, errs := s.does("", strings.Fields(line)...); status != statusFailed || !strings.Contains(errs, file) || !strings.Contains(errs, "LIME_PROFILES") {
				t.Errorf("%s with %s: status %d, %s", line, file, status, errs)
			}
		}
		for _, line := range []string{"ping --server ws://127.0.0.1:1/", "cluster --admin http://127.0.0.1:1"} {
			if status, _, errs := s.does("", strings.Fields(line)...); status != statusAway || !strings.Contains(errs, "goes without profiles") || strings.Count(errs, "\n") != 2 {
				t.Errorf("%s with %s: status %d, %s", line, file, status, errs)
			}
		}
	}
}

func TestLoginSaysWhichProfileIsInForce(t *testing.T) {
	s := newShell(t)
	var out, errs strings.Builder
	a := &app{streams: streams{out: &out, err: &errs}, env: func(k string) string { return s.env[k] }, timeout: time.Minute}
	login := func(name string, named bool, p profile) (string, string) {
		t.Helper()
		out.Reset()
		errs.Reset()
		if err := a.remember(t.Context(), name, named, p, lime.Node{}); err != nil {
			t.Fatal(err)
		}
		return out.String(), errs.String()
	}
	if said, _ := login(defaultProfile, false, profile{Server: "ws://one", Identity: "ana@one"}); strings.Contains(said, "in force") {
		t.Error(said)
	}
	if said, warned := login("bot", true, profile{Server: "ws://one", Identity: "bot@one"}); !strings.Contains(said, "default is in force: lime profiles use bot") || warned != "" {
		t.Errorf("%s%s", said, warned)
	}
	if _, warned := login(defaultProfile, false, profile{Server: "ws://one", Identity: "Ana@one"}); warned != "" {
		t.Error(warned)
	}
	if _, warned := login(defaultProfile, false, profile{Server: "ws://one", Identity: "rui@one"}); !strings.Contains(warned, "was ana@one at ws://one") && !strings.Contains(warned, "was Ana@one at ws://one") {
		t.Error(warned)
	}
}
