package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write what help says into testdata")

// shell runs command lines of a person with a profiles' file.
type shell struct {
	t   *testing.T
	env map[string]string
}

func newShell(t *testing.T) *shell {
	return &shell{t, map[string]string{"LIME_PROFILES": filepath.Join(t.TempDir(), "of", "lime.json")}}
}

// does runs a command line.
func (s *shell) does(in string, args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(s.t.Context(), args, streams{strings.NewReader(in), &o, &e}, func(k string) string { return s.env[k] })
	return status, o.String(), e.String()
}

// TestHelpSaysWhatItSays: of every command, as testdata has it. -update writes that.
func TestHelpSaysWhatItSays(t *testing.T) {
	seen := map[string]bool{}
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		name := strings.Join(append([]string{"lime"}, path...), "-") + ".txt"
		seen[name] = true
		status, out, errs := newShell(t).does("", append(path, "--help")...)
		file := filepath.Join("testdata", "help", name)
		if *update {
			if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || status != statusDone || errs != "" || out != string(want) {
			t.Errorf("lime %s --help: status %d, %v, it says\n%s%s", strings.Join(path, " "), status, err, out, errs)
		}
		if c.HasParent() && !strings.HasPrefix(c.Example, "  lime ") && !strings.Contains(c.Example, "\n  lime ") {
			t.Errorf("lime %s has no example, but %q", strings.Join(path, " "), c.Example)
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("lime %s has the short help %q", strings.Join(path, " "), c.Short)
		}
		for _, below := range c.Commands() {
			if below.Name() != "completion" && below.Name() != "help" {
				walk(below, append(path[:len(path):len(path)], below.Name()))
			}
		}
	}
	walk((&app{env: func(string) string { return "" }}).root(), nil)
	all, err := os.ReadDir(filepath.Join("testdata", "help"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if !seen[f.Name()] {
			t.Errorf("there is no command for %s", f.Name())
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	for line, says := range map[string]string{
		"nonsense":            `no command "nonsense"`,
		"send":                "accepts between 1 and 2 arg(s)",
		"send /chat/lobby hi": "lime publish /chat/lobby",
		"send #lobby hi":      "lime publish /chat/lobby",
		"subscribe #a/b":      "a short name has",
		"send a@b --type application/json {\"n\":": "TEXT is no JSON",
		"send a@b --type application/x+json {":     "TEXT is no JSON",
		"send x y":                                 `"x" is no address`,
		"send a@b --wait later y":                  `"later" is none of`,
		"send a@b --wait failed y":                 `"failed" is none of`,
		"send a@b --transient --id 1 y":            "--transient",
		"send a@b y --nothing":                     "unknown flag: --nothing",
		"request a@b":                              "accepts 2 arg(s)",
		"publish lobby x":                          "does not begin with /",
		"subscribe lobby":                          "does not begin with /",
		"subscribe":                                "requires at least 1 arg(s)",
		"listen --count -1":                        "negative",
		"chat":                                     "needs a terminal",
		"chat a b":                                 "accepts at most 1 arg(s)",
		"ping --count 0":                           "less than 1",
		"ping --timeout 0s":                        "no time",
		"ping -o xml":                              "neither text nor json",
		"ping --ca /nowhere":                       "--ca",
		"ping --as @x":                             "no identity",
		"ping --password-file /nowhere":            "--password-file",
		"ping --profile x":                         `no profile "x"`,
		"profiles use x":                           `no profile "x"`,
		"profiles forget x":                        `no profile "x"`,
		"login ws://localhost":                     "either IDENTITY or --guest",
		"login ws://localhost a@b":                 "no terminal",
		"login ws://localhost a@b --guest":         "either IDENTITY or --guest",
		"accounts show x":                          `"x" is none`,
		"sessions x":                               `"x" is none`,
		"sessions a@b":                             "LIMEGROVE_API_KEY",
		"inbox a@b --take 0":                       "1 to 500",
		"rooms lobby":                              "does not begin with /",
		"cluster extra":                            "unknown command",
		"files send a@b":                           "requires at least 2 arg(s)",
		"files send a@b /nowhere":                  "FILE",
		"files send x /nowhere":                    "no address",
		"files get --template {x}":                 "--template",
		"keys create":                              "accepts 1 arg(s)",
		"drain":                                    "accepts 1 arg(s)",
		"bench --pairs 0":                          "--pairs: 1 to",
		"bench --rate -1":                          "less than nothing",
		"bench --rate 901 --pairs 1":               "more --pairs take more",
		"bench --size 1":                           "--size: ",
		"bench --for 1h":                           "--for: 1s to",
		"ping --server localhost":                  `"localhost" is no URL`,
		"ping --server 127.0.0.1:8080":             "is no URL that begins with ws:// or wss:// or net.tcp://",
		"login http://localhost --guest":           "is no URL",
		"bench localhost":                          "SERVER: ",
		"cluster --admin localhost":                "--admin: ",
		"ignore":                                   "accepts 1 arg(s)",
		"ignore a@b --for 25h":                     "--for: 1s to",
		"ignore lst":                               "lime ignore list",
		"ignore localhost":                         "--domain says",
		"ignore a@b --domain":                      "more than a domain",
		"help nosuch":                              `no command "nosuch"`,
		"help snd":                                 "lime send",
		"help files snd":                           "lime files send",
		"completion nosuch":                        `no command "nosuch"`,
		"completion bsh":                           "lime completion bash",
		"snd":                                      "is it `lime send`",
		"files gett":                               "lime files get",
		"login":                                    "SERVER is missing",
		"ignore stop":                              "accepts 1 arg(s)",
		"queues --top 101":                         "--top: 0 to 100",
		"loglevel debug":                           "lime loglevel all debug is for all",
		"loglevel e1 loud":                         `"loud" is none of trace`,
		"loglevel e1 --for 1m":                     "without a LEVEL",
		"loglevel all debug --for 1000h":           "--for: 0s to",
		"config template gateway":                  `"gateway" is neither edge nor router`,
		"config check":                             "accepts 1 arg(s)",
		"config check --of x y":                    `"x" is neither edge nor router`,
		"config check /nowhere":                    "/nowhere",
		"groups show @x":                           `"@x" is no address`,
		"groups create ops --type x":               `"x" is neither private nor public`,
		"groups add ops rui":                       `"rui" is no address`,
		"groups add ops a@b --role x":              `"x" is none of listener, member`,
		"groups join ops":                          "log in as somebody",
		"groups remove ops":                        "log in as somebody",
		"grants add a@b lobby":                     "neither a path",
		"grants add a@b /x --may leave":            `"leave" is not of enter and publish`,
		"grants add x /x":                          `"x" is none`,
		"grants remove a@b":                        "either ROOM or --all",
		"grants remove a@b /x --all":               "either ROOM or --all",
		"rooms members lobby":                      "does not begin with /",
		"accounts create x":                        `"x" is none`,
		"accounts create a@b":                      "--new-password-file: - is empty",
		"accounts delete a@b":                      "LIMEGROVE_API_KEY",
		"accounts delete":                          "--self",
		"accounts delete a@b --self":               "either IDENTITY, or --self",
	} {
		status, out, errs := newShell(t).does("", strings.Fields(line)...)
		if status != statusUsage || out != "" || !strings.HasPrefix(errs, "lime: ") || !strings.Contains(errs, says) || strings.Count(errs, "\n") != 1 {
			t.Errorf("lime %s: status %d, %q%q, want %q", line, status, out, errs, says)
		}
	}
}

func TestErrorsAsJSON(t *testing.T) {
	if status, _, errs := newShell(t).does("", "-o", "json", "chat"); status != statusUsage || !strings.Contains(errs, "a chat is no json") {
		t.Errorf("status %d, %s", status, errs)
	}
	status, _, errs := newShell(t).does("", "-o", "json", "--server", "ws://127.0.0.1:1/", "ping")
	var f fault
	if err := json.Unmarshal([]byte(errs), &f); err != nil || status != statusAway || f.Kind != "away" || f.Text == "" {
		t.Errorf("status %d, %s, %v", status, errs, err)
	}
	status, _, errs = newShell(t).does("", "ping", "-o", "json", "--count", "0")
	if err := json.Unmarshal([]byte(errs), &f); err != nil || status != statusUsage || f.Kind != "usage" {
		t.Errorf("status %d, %s, %v", status, errs, err)
	}
}

// What flags say goes before the environment, and that before the profile.
func TestWhoIsMeant(t *testing.T) {
	s := newShell(t)
	a := &app{env: func(k string) string { return s.env[k] }}
	err := a.writeProfiles(profiles{Current: "one", Profiles: map[string]profile{
		"one": {Server: "ws://one", Identity: "ana@one", Password: "p"}, "two": {Server: "ws://two"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := s.env["LIME_PROFILES"]
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the profiles are %v, %v", info, err)
	}
	meant := func(server, identity string) {
		t.Helper()
		if p, err := a.profile(); err != nil || p.Server != server || p.Identity != identity {
			t.Errorf("it is %+v, %v, want %s at %s", p, err, identity, server)
		}
	}
	meant("ws://one", "ana@one")
	s.env["LIME_PROFILE"] = "two"
	meant("ws://two", "")
	s.env["LIME_IDENTITY"] = "rui@env"
	meant("ws://two", "rui@env")
	a.given.name, a.given.Identity = "one", "lia@flag"
	meant("ws://one", "lia@flag")

	if _, out, _ := s.does("", "profiles"); !strings.Contains(out, "*  two") || strings.Contains(out, "p\n") {
		t.Errorf("the profiles are\n%s", out)
	}
	if status, _, errs := s.does("", "profiles", "forget", "one"); status != statusDone {
		t.Error(errs)
	}
	if status, out, _ := s.does("", "profiles", "-o", "json"); status != statusDone || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"profile":"two"`) {
		t.Errorf("status %d, then they are\n%s", status, out)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, errs := s.does("", "profiles"); status != statusFailed || !strings.Contains(errs, file) {
		t.Errorf("status %d, %s", status, errs)
	}
}

func TestALineIsReadAndNoMore(t *testing.T) {
	in := strings.NewReader("first\r\nsecond")
	a := &app{streams: streams{in: in}}
	if line, err := a.firstLine(t.Context(), "-"); err != nil || line != "first" || in.Len() != len("second") {
		t.Errorf("%q, %v, %d left", line, err, in.Len())
	}
	if line, err := a.firstLine(t.Context(), "-"); err != nil || line != "second" {
		t.Errorf("%q, %v", line, err)
	}
	if _, err := a.firstLine(t.Context(), "-"); err == nil {
		t.Error("nothing is a line")
	}
	if _, err := readLine(strings.NewReader(strings.Repeat("x", maxLine+1))); err == nil {
		t.Error("a line may be as long as it likes")
	}
}

func TestTheStandardInputIsReadUntilTheCommandIsInterrupted(t *testing.T) {
	in, writes := io.Pipe()
	a := &app{streams: streams{in: in}}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	ended, taken := make(chan error), make(chan string)
	go func() {
		ended <- a.lines(ctx, func(line string) error {
			taken <- line
			return nil
		})
	}()
	_, _ = io.WriteString(writes, "one\ntw") // half a line is none
	if line := <-taken; line != "one" {
		t.Errorf("%q", line)
	}
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("it ends with %v", err)
	}
	_ = writes.Close() // and what was left behind with it
	if _, err := a.firstLine(ctx, "-"); !errors.Is(err, enough) {
		t.Errorf("then a line is %v", err)
	}
}
