package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shell is somebody at a shell, with profiles and an environment of their own.
type shell struct {
	t   testing.TB
	env []string
}

func newShell(t testing.TB, env ...string) *shell {
	own := slices.DeleteFunc(os.Environ(), func(one string) bool { return strings.HasPrefix(one, "LIME") }) // that of who runs the tests
	return &shell{t, append(append(own, "LIME_PROFILES="+filepath.Join(t.TempDir(), "lime.json")), env...)}
}

// printed is what a command has printed.
type printed struct {
	status    int
	out, errs string
}

// begins starts `lime ARGS`, and returns what waits for its end.
func (s *shell) begins(in string, args ...string) (ends func() printed) {
	s.t.Helper()
	ends, _ = s.starts(in, args...)
	return ends
}

// starts is begins. interrupt is what a keyboard does.
func (s *shell) starts(in string, args ...string) (ends func() printed, interrupt func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	c := exec.CommandContext(ctx, limeProgram, args...)
	var out, errs bytes.Buffer
	c.Env, c.Stdin, c.Stdout, c.Stderr = s.env, strings.NewReader(in), &out, &errs
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	return func() printed {
		defer cancel()
		err := c.Wait()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			s.t.Fatal(err)
		}
		return printed{c.ProcessState.ExitCode(), out.String(), errs.String()}
	}, func() { _ = c.Process.Signal(os.Interrupt) } // it may have ended
}

// does runs a command and wants a status and some words, of what it prints or complains of.
func (s *shell) does(status int, says string, in string, args ...string) string {
	s.t.Helper()
	p := s.begins(in, args...)()
	if p.status != status || !strings.Contains(p.out+p.errs, says) {
		s.t.Fatalf("lime %s: status %d, %s%s, want %d, %s", strings.Join(args, " "), p.status, p.out, p.errs, status, says)
	}
	return p.out
}

// TestTheCommandLime: two people at shells, each at another edge, and an operator.
func TestTheCommandLime(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rooms.json")
	if err := os.WriteFile(rules, []byte(`[{"room":"/public/*","may":["enter","publish"]}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	const token = "token-of-an-operator"
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, settings: []string{"-room-rules", rules}, env: []string{"LIMEGROVE_ADMIN_TOKEN=" + token}}
	ports := freePorts(t, 2)
	c.settings = append(c.settings, "-files-url", "http://"+address(ports))
	c.start(t, 1, "-auth", "guest,plain,key", "-files", address(ports))
	c.addEdge(t, "-auth", "guest,plain,key", "-files", address(ports+1))
	api := c.startBackend(t, "router-api")
	ana, rui := c.name("ana")+"@"+domain, c.name("rui")+"@"+domain
	one, two := newShell(t), newShell(t)
	one.does(0, ana, "word of ana\n", "login", c.edges[0].url, ana, "--register", "--password-file", "-")
	two.does(0, rui, "word of rui\n", "login", c.edges[1].url, rui, "--register", "--password-file", "-")

	t.Run("messages wait, and come in order", func(t *testing.T) {
		one.does(0, "accepted", "", "send", rui, "one")
		one.does(0, "accepted", "two\nthree\n", "send", rui)
		heard := two.does(0, "", "", "listen", "--count", "3")
		if lines := strings.Split(heard, "\n"); len(lines) != 4 || !strings.HasSuffix(lines[0], ": one") || !strings.HasSuffix(lines[1], ": two") || !strings.HasSuffix(lines[2], ": three") {
			t.Errorf("heard is\n%s", heard)
		}
	})
	t.Run("what the recipient says", func(t *testing.T) {
		ends := two.begins("", "listen", "--count", "1", "-o", "json")
		one.does(0, "consumed", "", "send", rui, `{"n":1}`, "--type", "application/json", "--wait", "consumed")
		p := ends()
		var m Envelope
		if err := json.Unmarshal([]byte(p.out), &m); err != nil || p.status != 0 || !strings.HasPrefix(m.From, ana) || m.Type != "application/json" {
			t.Errorf("status %d, %s%s, %v", p.status, p.out, p.errs, err)
		}
	})
	t.Run("rooms", func(t *testing.T) {
		ends := two.begins("", "subscribe", "/public/lobby", "--count", "1")
		eventually(t, "who listens is in the room", patience, func() error {
			if out := one.does(0, "", "", "rooms", "/public/lobby"); !strings.Contains(out, rui) {
				return errors.New(out)
			}
			return nil
		})
		one.does(0, "accepted", "", "publish", "/public/lobby", "to all")
		if p := ends(); p.status != 0 || !strings.HasSuffix(p.out, ": to all\n") {
			t.Errorf("status %d, %s%s", p.status, p.out, p.errs)
		}
		one.does(5, "code", "", "publish", "/private", "x")
	})
	t.Run("files", func(t *testing.T) {
		dir := t.TempDir()
		sent := filepath.Join(dir, "cat.txt")
		content := bytes.Repeat([]byte("a cat "), 200_000)
		if err := os.WriteFile(sent, content, 0o600); err != nil {
			t.Fatal(err)
		}
		one.does(0, "cat.txt", "", "files", "send", rui, sent)
		got := two.does(0, "", "", "files", "get", "--count", "1", "--into", filepath.Join(dir, "got"), "--template", "{type}/{from}")
		path, _, _ := strings.Cut(got, ", ")
		if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, content) || path != filepath.Join(dir, "got", "text", ana, "cat.txt") {
			t.Errorf("the file is at %q, %d bytes, %v", path, len(b), err)
		}
		list := one.does(0, "cat.txt", "", "files", "list")
		id, _, _ := strings.Cut(strings.Split(list, "\n")[1], " ")
		one.does(0, "", "", "files", "remove", id)
		one.does(5, "code 67", "", "files", "remove", id)
	})
	t.Run("keys", func(t *testing.T) {
		key := one.does(0, "", "", "keys", "create", "bot")
		one.does(0, ana, key, "login", c.edges[1].url, ana, "--key-file", "-", "--profile", "bot")
		one.does(0, "postmaster", "", "ping", "--profile", "bot")
		one.does(0, "bot", "", "keys", "list")
		one.does(0, "", "", "keys", "revoke", "bot")
		one.does(5, "code 13", "", "ping", "--profile", "bot")
	})
	t.Run("an error of each kind", func(t *testing.T) {
		one.does(5, "code 33", "", "send", "nobody@"+domain, "x")
		one.does(5, "code 13", "wrong\n", "ping", "--password-file", "-")
		one.does(3, "refused", "", "ping", "--server", "ws://"+address(freePorts(t, 1)))
		one.does(3, "no such host", "", "ping", "--server", "ws://nowhere.invalid/")
		one.does(4, "no answer in time", "", "request", rui, "who answers?", "--timeout", "500ms")
	})
	t.Run("an operator", func(t *testing.T) {
		admin := newShell(t, "LIME_ADMIN=http://"+c.edges[0].admin, "LIMEGROVE_ADMIN_TOKEN="+token, "LIME_API="+api.url, "LIMEGROVE_API_KEY="+bootstrapKey)
		out := admin.does(0, "", "", "cluster")
		for _, id := range []string{"edge-1", "edge-2", "router", "router-api"} {
			if !strings.Contains(out, id) {
				t.Errorf("the cluster is without %s:\n%s", id, out)
			}
		}
		admin.does(0, "received", "", "top", "--count", "1")
		one.does(0, "accepted", "", "send", rui, "for later") // behind what nobody has answered
		eventually(t, "it is in the inbox", patience, func() error {
			if out := admin.does(0, "", "", "inbox", rui); !strings.Contains(out, "for later") {
				return errors.New(out)
			}
			return nil
		})
		admin.does(0, "2 purged", "", "inbox", rui, "--purge")
		ends, interrupt := two.starts("", "listen")
		eventually(t, "the session is there", patience, func() error {
			if out := admin.does(0, "", "", "sessions", rui); !strings.Contains(out, "edge-2") {
				return errors.New(out)
			}
			return nil
		})
		admin.does(0, "1 ended", "", "disconnect", rui, "--because", "for a test")
		eventually(t, "and back", patience, func() error {
			if out := admin.does(0, "", "", "sessions", rui); !strings.Contains(out, "edge-2") {
				return errors.New(out)
			}
			return nil
		})
		interrupt()
		if p := ends(); p.status != 0 || !strings.HasPrefix(p.errs, "lime: connection lost, trying again: ") || !strings.Contains(p.errs, "for a test") {
			t.Errorf("status %d, %s%s", p.status, p.out, p.errs)
		}
		newShell(t, "LIME_ADMIN=http://"+c.edges[0].admin).does(5, "401", "", "rebalance")
		admin.does(0, "edges even out", "", "rebalance")
		admin.does(2, "no member", "", "drain", "nobody")
		admin.does(0, "drains", "", "drain", "edge-2")
		if status := c.edges[1].wantExit(t, patience); status.ExitStatus() != 0 {
			t.Errorf("the drained edge ended with %d", status.ExitStatus())
		}
	})
}

// TestTheCommandLimeInTLS believes whom it is told to.
func TestTheCommandLimeInTLS(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startCluster(t, 1, "-tls-cert", certificate, "-tls-key", key)
	s := newShell(t)
	s.does(3, "--ca names who is to be believed", "", "ping", "--server", c.edges[0].url)
	s.does(0, "postmaster", "", "ping", "--server", c.edges[0].url, "--ca", certificate)
	s.does(3, "speaks TLS there: wss:// in the place of ws://", "", "ping", "--server", strings.Replace(c.edges[0].url, "wss://", "ws://", 1), "--timeout", "5s")
}
