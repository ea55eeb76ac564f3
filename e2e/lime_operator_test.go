package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheCommandLimeRunsACluster: what who runs one does with it, over two edges.
func TestTheCommandLimeRunsACluster(t *testing.T) {
	t.Parallel()
	const token = "token-of-an-operator"
	nats := startNATS(t)
	c := &cluster{nats: nats, broker: nats.url, env: []string{"LIMEGROVE_ADMIN_TOKEN=" + token}}
	settings := fileOf(t, "edge.yaml", "log-level: info\n")
	c.start(t, 1, "-auth", "guest,plain,key", "-config", settings)
	c.addEdge(t, "-auth", "guest,plain,key")
	api := c.startBackend(t, "router-api")
	ana, rui, lia := c.name("ana")+"@"+domain, c.name("rui")+"@"+domain, c.name("lia")+"@"+domain
	admin := newShell(t, "LIME_SERVER="+c.edges[0].url, "LIME_ADMIN=http://"+c.edges[0].admin, "LIMEGROVE_ADMIN_TOKEN="+token, "LIME_API="+api.url, "LIMEGROVE_API_KEY="+bootstrapKey)
	one, two := newShell(t), newShell(t)

	t.Run("accounts", func(t *testing.T) {
		admin.does(0, "made "+ana, "word of ana\n", "accounts", "create", ana)
		newShell(t, "LIME_SERVER="+c.edges[1].url).does(0, "made "+rui, "word of rui\n", "accounts", "create", rui)
		admin.does(5, "", "x\n", "accounts", "create", ana)
		admin.does(0, "made "+lia, "word of lia\n", "accounts", "create", lia)
		admin.does(0, "accepted", "", "send", lia, "for later") // which is in the inbox by then
		one.does(0, ana, "word of ana\n", "login", c.edges[0].url, ana, "--password-file", "-")
		two.does(0, rui, "word of rui\n", "login", c.edges[1].url, rui, "--password-file", "-")
		admin.does(0, "changed "+ana, "other of ana\n", "accounts", "password", ana)
		one.does(5, "code 13", "", "ping")
		one.does(0, ana, "other of ana\n", "login", c.edges[0].url, ana, "--password-file", "-")
	})
	t.Run("groups", func(t *testing.T) {
		name := c.name("ops")
		one.does(0, "made "+name, "", "groups", "create", name, "--name", "Operations")
		two.does(5, "code 35", "", "groups", "show", name)
		one.does(0, "added "+name, "", "groups", "add", name, rui)
		if out := two.does(0, "", "", "groups", "members", name); !strings.Contains(out, ana) || !strings.Contains(out, "owner") || !strings.Contains(out, rui) {
			t.Errorf("the members are\n%s", out)
		}
		two.does(0, name, "", "groups", "list", "-o", "json")
		one.does(0, "accepted", "", "send", name+"@groups."+domain, "to all")
		two.does(0, "to all", "", "listen", "--count", "1")
		two.does(0, "removed", "", "groups", "remove", name)
		one.does(0, "deleted", "", "groups", "delete", name)
		one.does(5, "code 67", "", "groups", "show", name)
		one.does(0, "made", "", "groups", "create", name, "--type", "public")
		two.does(0, "joined", "", "groups", "join", name)
	})
	t.Run("grants", func(t *testing.T) {
		const room = "/ride/42"
		two.does(5, "code 66", "", "rooms", "members", room)
		two.does(5, "code 35", "", "grants", "add", rui, room)
		admin.does(0, "granted", "", "grants", "add", rui, room, "--may", "enter")
		admin.does(0, "granted", "", "rooms", "invite", rui, `{"target":"news"}`)
		admin.does(0, "granted", "", "grants", "add", rui, room)
		if out := two.does(0, "", "", "grants"); strings.Count(out, "\n") != 3 || !strings.Contains(out, room+"          enter,publish") && !strings.Contains(out, "enter,publish") {
			t.Errorf("the grants are\n%s", out)
		}
		eventually(t, "it is let in", patience, func() error {
			if p := two.begins("", "rooms", "members", room)(); p.status != 0 {
				return errors.New(p.errs)
			}
			return nil
		})
		admin.does(5, "was not granted", "", "grants", "remove", rui, "/other")
		admin.does(0, "taken back", "", "grants", "remove", rui, room)
		admin.does(0, "taken back", "", "rooms", "expel", rui, "--all")
		admin.does(0, "ROOM", "", "grants", "list", rui)
		if out := two.does(0, "", "", "grants", "list"); strings.Contains(out, "enter") {
			t.Errorf("the grants are still\n%s", out)
		}
	})
	t.Run("configurations", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "edge.yaml")
		if err := os.WriteFile(file, []byte(one.does(0, "#listen: ", "", "config", "template")), 0o600); err != nil {
			t.Fatal(err)
		}
		one.does(0, "listen: \":8080\" # default", "", "config", "check", file)
		one.does(2, "-nats: needs a URL", "", "config", "check", "--of", "router", file)
		for what, text := range map[string]string{"good": "max-rate: 7\nzone: a\n", "bad": "room-rules: /nowhere\n"} {
			file := fileOf(t, what+".yaml", text)
			out, told, status := checked(t, edgeProgram, "-config", file)
			p := one.begins("", "config", "check", file)()
			// What -check says, that the usage is bad, the status says here.
			if _, why, _ := strings.Cut(told, "-room-rules"); p.status != status || p.out != out || !strings.HasSuffix(p.errs, why) {
				t.Errorf("%s: status %d, %s%s, and of the edge %d, %s%s", what, p.status, p.out, p.errs, status, out, told)
			}
		}
	})
	t.Run("a bench", func(t *testing.T) {
		for _, course := range [][]string{{"--stored"}, {"--rate", "200"}} {
			args := append([]string{"bench", c.edges[0].url, c.edges[1].url, "--pairs", "4", "--for", "1s", "-o", "json"}, course...)
			var r struct {
				Sent, Received, Lost, Twice, Reordered, Refused int
				Arrived, Accepted                               struct{ Count int }
			}
			out := two.does(0, "", "", args...)
			if err := json.Unmarshal([]byte(out), &r); err != nil || r.Sent == 0 || r.Received != r.Sent || r.Lost+r.Twice+r.Reordered+r.Refused != 0 || r.Arrived.Count != r.Sent {
				t.Errorf("%v: %v, %s", course, err, out)
			}
			if course[0] == "--stored" && r.Accepted.Count != r.Sent {
				t.Errorf("%d of %d were accepted", r.Accepted.Count, r.Sent)
			}
		}
		ends, interrupt := newShell(t, "LIME_SERVER="+c.edges[0].url).starts("", "bench", "--pairs", "2", "--for", "9m")
		eventually(t, "it sends", patience, func() error {
			out := admin.does(0, "", "", "cluster", "-o", "json")
			for line := range strings.Lines(out) {
				var m struct {
					Sessions int
					Report   struct{ Received struct{ Envelopes float64 } }
				}
				if err := json.Unmarshal([]byte(line), &m); err == nil && m.Sessions == 4 && m.Report.Received.Envelopes > 20 {
					return nil
				}
			}
			return errors.New(out)
		})
		interrupt()
		if p := ends(); p.status != 0 || !strings.Contains(p.out, "closed loop") || !strings.Contains(p.out, "arrived") || p.errs != "" {
			t.Errorf("status %d, %s%s", p.status, p.out, p.errs)
		}
	})
	t.Run("levels of logs", func(t *testing.T) {
		admin.does(0, "4 of 4 members log debug", "", "loglevel", "all", "debug", "--for", "1h")
		admin.does(0, "1 of 1 members log info", "", "loglevel", "edge-2", "info")
		eventually(t, "they say so", patience, func() error {
			out := admin.does(0, "", "", "loglevel", "-o", "json")
			if strings.Count(out, `"level":"debug","configured":"info","until":`) != 3 || strings.Count(out, `"level":"info","configured":"info"`) != 1 {
				return errors.New(out)
			}
			return nil
		})
		admin.does(0, "edge-2", "", "loglevel", "edge-2")
		admin.does(2, "no member", "", "loglevel", "nobody", "debug")
		must(t, os.WriteFile(settings, []byte("log-level: warn\n"), 0o600)) // which waits for its turn
		c.edges[0].reload(t, c.edges[0].admin, "done", 1)
		eventually(t, "the level that was said is in force", patience, func() error {
			if out := admin.does(0, "", "", "loglevel", "edge-1", "-o", "json"); !strings.Contains(out, `"level":"debug","configured":"warning"`) {
				return errors.New(out)
			}
			return nil
		})
		admin.does(0, "4 of 4 members log as configured", "", "loglevel", "all", "configured")
		eventually(t, "and then that of the configuration", patience, func() error {
			if out := admin.does(0, "", "", "loglevel", "edge-1", "-o", "json"); !strings.Contains(out, `"log":{"level":"warning"}`) {
				return errors.New(out)
			}
			return nil
		})
	})
	t.Run("who is ignored", func(t *testing.T) {
		admin.does(0, rui+" is ignored until", "", "ignore", strings.ToUpper(rui), "--for", "1h")
		admin.does(2, "--for", "", "ignore", rui, "--for", "25h")
		admin.does(5, "neither an identity", "", "ignore", "postmaster@"+domain)
		eventually(t, "its edge has heard it", patience, func() error {
			if p := two.begins("", "send", lia, "x")(); p.status != 5 || !strings.Contains(p.errs, "code 31") {
				return errors.New(p.errs)
			}
			return nil
		})
		two.does(0, "postmaster", "", "ping")
		two.does(0, "", "", "send", lia, "lost", "--transient")
		admin.does(0, rui, "", "ignore", "list")
		c.addEdge(t, "-auth", "guest,plain,key") // which knows from the beginning
		late := newShell(t)
		late.does(0, rui, "word of rui\n", "login", c.edges[2].url, rui, "--password-file", "-")
		eventually(t, "an edge that starts later knows", patience, func() error {
			if p := late.begins("", "send", lia, "x")(); p.status != 5 || !strings.Contains(p.errs, "code 31") {
				return errors.New(p.errs)
			}
			return nil
		})
		admin.does(0, "ignored no more", "", "ignore", "stop", rui)
		admin.does(5, "is not ignored", "", "ignore", "stop", rui)
		for _, s := range []*shell{two, late} {
			eventually(t, "it is taken again", patience, func() error {
				if p := s.begins("", "send", lia, "x")(); p.status != 0 {
					return errors.New(p.errs)
				}
				return nil
			})
		}
		if out := admin.does(0, "PEER", "", "ignore", "list"); strings.Contains(out, rui) {
			t.Errorf("they are\n%s", out)
		}
		admin.does(0, "edge/ignored", "", "queues", "--top", "9") // which is not the answer of before
	})
	t.Run("what a port speaks", func(t *testing.T) {
		secure := "wss://" + strings.TrimPrefix(c.edges[0].url, "ws://")
		one.does(3, "speaks no TLS there: ws:// in the place of wss://", "", "ping", "--server", secure, "--timeout", "5s")
		one.does(3, "speaks no LIME over TCP there", "", "ping", "--server", "net.tcp://"+strings.TrimSuffix(strings.TrimPrefix(c.edges[0].url, "ws://"), "/"), "--timeout", "5s")
	})
	t.Run("what waits", func(t *testing.T) {
		eventually(t, "it is in the inbox", patience, func() error {
			out := admin.does(0, "", "", "queues", "-o", "json")
			var w struct {
				Members []struct{ ID, Error string }
				Waiting []struct {
					Identity string
					Messages int
				}
				Streams []struct{ Name string }
			}
			if err := json.Unmarshal([]byte(out), &w); err != nil || len(w.Members) != 4 || len(w.Streams) < 3 {
				return fmt.Errorf("%w: %s", err, out)
			}
			for _, m := range w.Members {
				if m.Error != "" {
					return errors.New(m.ID + ": " + m.Error)
				}
			}
			for _, of := range w.Waiting {
				if of.Identity == lia && of.Messages > 0 {
					return nil
				}
			}
			return errors.New(out)
		})
		if out := admin.does(0, lia, "", "queues", "--all"); !strings.Contains(out, "poll_queued_bytes") || !strings.Contains(out, "256.0 MiB") || !strings.Contains(out, "INBOX_0") {
			t.Errorf("what waits is\n%s", out)
		}
		newShell(t, "LIME_ADMIN=http://"+c.edges[0].admin).does(5, "admin token", "", "queues")
	})
	t.Run("an account goes", func(t *testing.T) {
		admin.does(0, "deleted "+ana, "", "accounts", "delete", ana)
		one.does(5, "code 13", "", "ping")
	})
}
