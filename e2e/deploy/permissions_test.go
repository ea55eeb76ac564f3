package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"limegrove/internal/childtest"
	"limegrove/internal/redistest"
)

// secureNATS is the example whose users k8s/ has as well. What they may is enough, and no more than that: e2e.TestSecuredStores
// runs a cluster with it.
const secureNATS = "../../examples/nats/secure.conf"

// TestNATSUsersAreThoseOfTheExample: and what differs is found.
func TestNATSUsersAreThoseOfTheExample(t *testing.T) {
	example := exampleUsers(t)
	for name, texts := range manifests(t, overlays...) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			all := parseObjects(t, texts)
			o, _ := natsOptions(t, all, strings.NewReplacer())
			for _, wrong := range drift(example, o.Users) {
				t.Error(wrong)
			}
			e, err := all.settingsOf(all.one("Deployment", "edge"))
			if err != nil {
				t.Fatal(err)
			}
			inboxes := strings.Count(strings.Join(rights(o.Users, "edge"), "\n"), "publish $JS.API.STREAM.MSG.DELETE.INBOX_")
			if inboxes != e.Partitions {
				t.Errorf("edges may remove what was acknowledged from %d inboxes, and there are %d partitions", inboxes, e.Partitions)
			}
		})
	}
	for _, tc := range []struct{ from, to, want string }{
		{`"auth.>", "cmd.>", "presence.>", "edge.>"`, `"auth.>", "presence.>", "edge.>"`, "edge has not: publish cmd.>"},
		{`"_INBOX.edge.>"`, `"_INBOX.>"`, "edge has too: subscribe _INBOX.>"},
		{`"$JS.API.DIRECT.GET.KV_apikeys"` + "\n", "\n", "edge has not: never publish $JS.API.DIRECT.GET.KV_apikeys"},
		{`"$JS.API.STREAM.PURGE.*"`, `"$JS.API.STREAM.>"`, "router has too: publish $JS.API.STREAM.>"},
		{"user: operator", "user: oper", "operator has not: in LIMEGROVE"},
		{"user: system, password: $NATS_SYSTEM_PASSWORD", "user: system, password: $NATS_SYSTEM_PASSWORD, permissions: {publish: x}", "system has not: publish everything"},
		{"users: [{ user: system", "users: [{ user: other, password: x }, { user: system", "other has too: in SYS"},
	} {
		text := read(t, "../../k8s/nats/accounts.conf")
		if !strings.Contains(text, tc.from) {
			t.Errorf("there is no %s to be made wrong", tc.from)
			continue
		}
		if found := strings.Join(drift(example, parseUsers(t, strings.Replace(text, tc.from, tc.to, 1))), "\n"); !strings.Contains(found, tc.want) {
			t.Errorf("%s for %s was found to be %q, not %q", tc.to, tc.from, found, tc.want)
		}
	}
}

var tlsBlock = regexp.MustCompile(`(?ms)^tls \{.*?^\}$`)

// exampleUsers are those of the example, for which no certificates are needed.
func exampleUsers(t *testing.T) []*server.User {
	t.Helper()
	t.Setenv("NATS_STORE", t.TempDir())
	return parseUsers(t, tlsBlock.ReplaceAllString(read(t, secureNATS), ""))
}

func parseUsers(t *testing.T, text string) []*server.User {
	t.Helper()
	for _, name := range []string{"EDGE", "ROUTER", "OPERATOR", "SYSTEM"} {
		t.Setenv("NATS_"+name+"_PASSWORD", "n"+name)
	}
	o := &server.Options{}
	if err := o.ProcessConfigString(text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return o.Users
}

// drift tells what users may that have the same names.
func drift(want, got []*server.User) (wrong []string) {
	names := map[string]bool{}
	for _, u := range slices.Concat(want, got) {
		names[u.Username] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, b := rights(want, name), rights(got, name)
		for _, line := range a {
			if !slices.Contains(b, line) {
				wrong = append(wrong, name+" has not: "+line)
			}
		}
		for _, line := range b {
			if !slices.Contains(a, line) {
				wrong = append(wrong, name+" has too: "+line)
			}
		}
	}
	return wrong
}

// rights are what a user has, a line each; none when he is not there.
func rights(users []*server.User, name string) (lines []string) {
	i := slices.IndexFunc(users, func(u *server.User) bool { return u.Username == name })
	if i < 0 {
		return nil
	}
	p := users[i].Permissions
	lines = append(lines, "in "+users[i].Account.GetName())
	if p == nil {
		p = &server.Permissions{}
	}
	if p.Response != nil {
		lines = append(lines, fmt.Sprintf("answers %+v", *p.Response))
	}
	for what, of := range map[string]*server.SubjectPermission{"publish ": p.Publish, "subscribe ": p.Subscribe} {
		if of == nil {
			of = &server.SubjectPermission{}
		}
		if of.Allow == nil {
			lines = append(lines, what+"everything")
		}
		for _, subject := range of.Allow {
			lines = append(lines, what+subject)
		}
		for _, subject := range of.Deny {
			lines = append(lines, "never "+what+subject)
		}
	}
	return lines
}

// natsOptions writes the configuration of the servers as they find it, with their environment, but for some texts, and reads it as they do.
func natsOptions(t *testing.T, all objects, other *strings.Replacer) (o *server.Options, path string) {
	t.Helper()
	w := all.one("StatefulSet", "nats")
	env, _ := all.env(w.container())
	for name, value := range env {
		t.Setenv(name, value)
	}
	path = writeNATS(t, all.one("ConfigMap", w.Spec.Template.Spec.Volumes[0].ConfigMap.Name).Data, other)
	o, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return o, path
}

// writeNATS writes the files of a server's configuration into a folder of their own, and returns the path of the first.
func writeNATS(t *testing.T, files map[string]string, other *strings.Replacer) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(other.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "nats.conf")
}

// TestProgramsDoWithTheirNATSUsers: a server with the configuration of k8s/, and a router and an edge with the URLs that their pods have.
func TestProgramsDoWithTheirNATSUsers(t *testing.T) {
	const overlay = "overlays/small"
	all := parseObjects(t, manifests(t, overlay)[overlay])
	at, monitor := local(t), local(t)
	_, path := natsOptions(t, all, strings.NewReplacer(
		"0.0.0.0:4222", at, "0.0.0.0:8222", monitor, "/run/nats/nats.pid", filepath.Join(t.TempDir(), "pid"), "store_dir: /data", "store_dir: "+strconv.Quote(t.TempDir()),
	))
	broker := start(t, tool(t, "nats-server"), "--config="+path)
	wantWell(t, broker, "http://"+monitor+"/healthz")

	stores := redistest.Start(t)
	addresses := map[string]string{}
	for _, name := range []string{"router", "edge"} { // edges may not make streams
		w := all.one("Deployment", name)
		s, err := all.settingsOf(w)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(s.NATS)
		if err != nil {
			t.Fatal(err)
		}
		u.Host = at
		addresses[name] = u.String()
		admin := local(t)
		args := []string{"-id", name, "-nats", addresses[name], "-redis", "redis://" + stores.Addr(), "-admin", admin, "-gossip", local(t)}
		switch name {
		case "edge":
			args = append(args, "-listen", local(t))
		case "router":
			args = append(args, "-api", local(t), "-api-key", samples["limegrove"]["api-key"])
		}
		for key, value := range all.one("ConfigMap", w.container().EnvFrom[0].ConfigMapRef.Name).Data {
			t.Setenv(key, value)
		}
		t.Setenv("LIMEGROVE_EVENTS", "all") // all the streams that can be wanted have room
		wantWell(t, start(t, filepath.Join(image(t), name), args...), "http://"+admin+"/readyz")
	}
	if log := broker.output.String(); strings.Contains(log, "Violation") {
		t.Errorf("somebody may not do what he does: %s", log)
	}

	for url, why := range map[string]string{
		"nats://" + at: "nobody", "nats://limegrove:n0123@" + at: "a user that is not there", "nats://router:n0123@" + at: "a router with an edge's password",
	} {
		if nc, err := nats.Connect(url); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s is let in: %v", why, err)
			if err == nil {
				nc.Close()
			}
		}
	}
	for name, subject := range map[string]string{"edge": "$JS.API.STREAM.PURGE.INBOX_0", "router": "$JS.API.STREAM.DELETE.INBOX_0"} {
		wantForbidden(t, addresses[name], subject)
	}
	passwords := samples["limegrove-stores"]
	if answer := ask(t, "nats://operator:"+passwords["nats-operator-password"]+"@"+at, "$JS.API.STREAM.NAMES"); !strings.Contains(answer, `"INBOX_0"`) {
		t.Errorf("an operator is told of no streams: %s", answer)
	}
	if answer := ask(t, "nats://system:"+passwords["nats-system-password"]+"@"+at, "$SYS.REQ.SERVER.PING"); !strings.Contains(answer, `"jetstream":true`) {
		t.Errorf("who watches is told of no server: %s", answer)
	}
}

// local is an address that nobody listens on.
func local(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort(childtest.Host, strconv.Itoa(childtest.FreePort(t)))
}

// wantWell waits until a page of a program says that it is well.
func wantWell(t *testing.T, p *process, page string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !well(ctx, page) {
		select {
		case <-p.exited:
			t.Fatalf("%s has ended: %s", filepath.Base(p.cmd.Path), p.output.String())
		case <-ctx.Done():
			t.Fatalf("%s is not well: %s", filepath.Base(p.cmd.Path), p.output.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// wantForbidden wants NATS to tell that a user may not publish something.
func wantForbidden(t *testing.T, address, subject string) {
	t.Helper()
	told := make(chan error, 8)
	nc, err := nats.Connect(address, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { told <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := errors.Join(nc.Publish(subject, nil), nc.Flush()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-told:
		if !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("%s: %v", subject, err)
		}
	case <-time.After(patience):
		t.Errorf("a user may publish to %s", subject)
	}
}

// ask is what a user is answered.
func ask(t *testing.T, address, subject string) string {
	t.Helper()
	nc, err := nats.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	answer, err := nc.Request(subject, nil, patience)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return string(answer.Data)
}
