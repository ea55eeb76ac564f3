package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// way is how a command reaches a cluster.
type way string

const (
	bySession way = "--server"
	byAdmin   way = "--admin"
	byAPI     way = "--api"
	nowhere   way = "" // it asks nobody
)

// ways has every command, with what it may be given. {url} is the server's, in the place of the flag.
var ways = map[way][]string{
	bySession: {
		"send a@b x", "listen --count 1", "request a@b x", "publish /x y", "subscribe /x --count 1", "ping", "bench --pairs 1 --for 1s",
		"login {url} --guest", "accounts show", "accounts list b", "accounts create a@b", "accounts password", "accounts delete --self",
		"keys list", "keys create x", "keys revoke x", "grants", "grants list", "grants add a@b /x", "grants remove a@b /x",
		"rooms /x", "rooms members /x", "rooms invite a@b /x", "rooms expel a@b /x",
		"groups list", "groups show x", "groups create x", "groups delete x", "groups members x", "groups add x a@b", "groups remove x a@b", "groups join x --as a@b",
		"files send a@b {file}", "files get --count 1 --into {dir}", "files list", "files remove x",
	},
	byAdmin: {"cluster", "top --count 1", "drain x", "rebalance", "loglevel", "loglevel x debug", "queues", "ignore a@b", "ignore list", "ignore stop a@b"},
	byAPI:   {"sessions a@b", "disconnect a@b", "inbox a@b", "certs list", "certs revoke a@b", "certs issue a@b"},
	nowhere: {"profiles", "profiles use", "profiles forget", "config template", "config check", "chat", "certs create", "certs server", "certs rotate add", "certs rotate use", "certs rotate drop"}, // without a terminal
}

// TestEveryCommandIsInTheTableOfErrors, so that somebody has looked at what it says when it cannot.
func TestEveryCommandIsInTheTableOfErrors(t *testing.T) {
	var walk func(c *cobra.Command, path []string)
	walk = func(c *cobra.Command, path []string) {
		if len(path) > 0 && (path[0] == "help" || path[0] == "completion") {
			return
		}
		if c.RunE != nil && !(c.HasSubCommands() && c.Use == c.Name()) {
			line := strings.Join(path, " ")
			found := slices.ContainsFunc(slices.Concat(ways[bySession], ways[byAdmin], ways[byAPI], ways[nowhere]), func(one string) bool {
				return one == line || strings.HasPrefix(one, line+" ")
			})
			if !found {
				t.Errorf("lime %s is not in the table", line)
			}
		}
		for _, below := range c.Commands() {
			walk(below, append(path[:len(path):len(path)], below.Name()))
		}
	}
	walk((&app{env: func(string) string { return "" }}).root(), nil)
}

// TestAnErrorOfEachKindForEveryCommand: what somebody sees who has made an ordinary mistake.
func TestAnErrorOfEachKindForEveryCommand(t *testing.T) {
	quiet := func(h http.Handler, start func(*httptest.Server)) string {
		s := httptest.NewUnstartedServer(h)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		start(s)
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	refuses := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"error":"you may not"}`)
	})
	inClear := quiet(refuses, (*httptest.Server).Start)
	inTLS := quiet(refuses, (*httptest.Server).StartTLS)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()

	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		trouble, address string
		secure           bool
		status           int
		kind, says       string
	}{
		{"nobody is there", closed.Addr().String(), false, statusAway, "away", "connection refused"},
		{"nobody answers", silent.Addr().String(), false, statusLate, "late", "no answer in time"},
		{"the certificate is not believed", inTLS, true, statusAway, "certificate", "--ca names who is to be believed"},
		{"the answer is no", inClear, false, statusRefused, "refused", "403"},
		{"TLS is spoken there", inTLS, false, statusAway, "protocol", "speaks TLS there: "},
		{"no TLS is spoken there", inClear, true, statusAway, "protocol", "speaks no TLS there: "},
	} {
		t.Run(tc.trouble, func(t *testing.T) {
			for by, commands := range ways {
				if by == nowhere {
					continue
				}
				scheme := map[way]string{bySession: "ws", byAdmin: "http", byAPI: "http"}[by]
				if tc.secure {
					scheme += "s"
				}
				url := scheme + "://" + tc.address
				for _, command := range commands {
					t.Run(command, func(t *testing.T) {
						t.Parallel()
						s := newShell(t)
						args := strings.Fields(strings.NewReplacer("{url}", url, "{file}", file, "{dir}", t.TempDir()).Replace(command))
						args = append(args, "-o", "json", string(by), url)
						if by == byAPI {
							s.env["LIMEGROVE_API_KEY"] = "key"
						}
						if tc.kind == "late" {
							args = append(args, "--timeout", "150ms")
						}
						status, out, errs := s.does("word\n", args...)
						var f fault
						if err := json.Unmarshal([]byte(errs), &f); err != nil || status != tc.status || f.Kind != tc.kind || !strings.Contains(f.Text, tc.says) || out != "" {
							t.Errorf("status %d, %s, %s, %v", status, out, errs, err)
						}
						if at, _, _ := strings.Cut(tc.address, ":"); !strings.Contains(f.Text, at) {
							t.Errorf("it does not say where: %s", f.Text)
						}
					})
				}
			}
		})
	}
}
