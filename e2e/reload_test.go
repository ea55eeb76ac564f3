package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"limegrove/lime"
)

// checked is what a program with -check prints, and its status.
func checked(t *testing.T, program string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, told strings.Builder
	cmd := exec.CommandContext(t.Context(), program, append(args, "-check")...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &told
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), told.String(), cmd.ProcessState.ExitCode()
}

// fileOf writes a file that is the test's.
func fileOf(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// TestCheckedConfigurationIsTheSame printed, given by -config and printed again, of both programs; what is wrong is one line
// that names the flag; and nothing is left behind.
func TestCheckedConfigurationIsTheSame(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	_, otherKey := newCertificate(t)
	rules := fileOf(t, "rooms.json", rulesOfRooms)
	stores := []string{"-nats", "nats://user:hunter2@127.0.0.1:1", "-redis", "redis://:hunter2@127.0.0.1:1/0"} // nobody listens there
	edges := append(stores, "-tls-cert", certificate, "-tls-key", key, "-room-rules", rules, "-max-rate", "7", "-gossip-key", "aHVudGVyMmh1bnRlcjJodW50ZXIyISEh")
	for program, args := range map[string][]string{
		edgeProgram: edges, routerProgram: append(stores, "-api", ":0", "-api-tls-cert", certificate, "-api-tls-key", key, "-api-key", "hunter2-and-more-of-it"),
	} {
		name := filepath.Base(program)
		args = append(args[:len(args):len(args)], "-id", "somebody")
		first, told, status := checked(t, program, args...)
		if status != 0 || told != "" {
			t.Fatalf("%s: status %d, %s", name, status, told)
		}
		if strings.Contains(first, "hunter2") || strings.Contains(first, "aHVudGVy") {
			t.Errorf("%s shows a secret:\n%s", name, first)
		}
		second, told, status := checked(t, program, "-config", fileOf(t, "again.yaml", first))
		if status != 0 {
			t.Fatalf("%s: what it has printed is wrong: %s\n%s", name, told, first)
		}
		third, _, _ := checked(t, program, "-config", fileOf(t, "again.yaml", second))
		if valuesOf(first) != valuesOf(second) || second != third {
			t.Errorf("%s has printed\n%s\nthen\n%s\nthen\n%s", name, first, second, third)
		}
	}
	for _, c := range []struct {
		program string
		args    []string
		flag    string
	}{
		{edgeProgram, []string{"-max-rate", "many"}, "-max-rate"},
		{edgeProgram, []string{"-tls-cert", certificate, "-tls-key", otherKey}, "-tls-cert"},
		{edgeProgram, []string{"-tls-cert", certificate, "-tls-key", key, "-tls-client-ca", key}, "-tls-client-ca"},
		{edgeProgram, []string{"-room-rules", "/nowhere/rules.json"}, "-room-rules"},
		{edgeProgram, []string{"-room-rules", certificate}, "-room-rules"},
		{edgeProgram, []string{"-redis", "redis://127.0.0.1:x"}, "-redis"},
		{edgeProgram, []string{"-config", fileOf(t, "wrong.yaml", "max-rates: 1")}, "max-rates"},
		{routerProgram, append(stores, "-auth-issuers", rules), "-auth-issuers"},
		{routerProgram, append(stores, "-events", "all", "-webhooks", rules), "-webhooks"},
		{routerProgram, append(stores, "-api", ":0", "-api-tls-cert", certificate, "-api-tls-key", otherKey), "-api-tls-cert"},
		{routerProgram, append(stores, "-events", "everything"), "-events"},
	} {
		out, told, status := checked(t, c.program, c.args...)
		if status != 2 || out != "" || strings.Count(told, "\n") != 1 || !strings.Contains(told, c.flag) {
			t.Errorf("%q: status %d, %q, %q", c.args, status, out, told)
		}
	}
}

// valuesOf is a printed configuration without comments.
func valuesOf(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if before, _, found := strings.Cut(line, " # "); found && !strings.HasPrefix(line, "#") {
			b.WriteString(before + "\n")
		}
	}
	return b.String()
}

// reload has a process read its configuration again, and waits until it has done so for the nth time, or refused to.
func (p *process) reload(t *testing.T, admin, result string, n float64) {
	t.Helper()
	p.signal(t, syscall.SIGHUP)
	wantMetric(t, admin, `limegrove_config_reloads_total{result="`+result+`"}`, n)
}

// TestReloadKeepsSessions under load, puts lower limits in force for those in progress, and a wrong file changes nothing.
func TestReloadKeepsSessions(t *testing.T) {
	t.Parallel()
	file := fileOf(t, "edge.yaml", "")
	write := func(text string) { must(t, os.WriteFile(file, []byte(text), 0o600)) }
	write("max-rate: 100000\n")
	c := startCluster(t, 1, "-config", file)
	e := c.edges[0]
	ana, rui := guest(t, goLibrary, e, "ana/home"), guest(t, goLibrary, e, "rui/desk")

	const reloads, each = 20, 50
	for i := range reloads {
		write(fmt.Sprintf("max-rate: %d\nlog-format: %s\nsend-queue: %d\n", 100_000+i, []string{"text", "json"}[i%2], 40_960+i))
		e.signal(t, syscall.SIGHUP)
		for j := range each {
			id := fmt.Sprintf("%d-%d", i, j)
			ana.send(text(id, rui.node, id))
			rui.send(text(id, ana.node, id))
		}
	}
	for _, s := range []*session{ana, rui} {
		for i := range reloads {
			for j := range each {
				s.wantText("nothing is lost", fmt.Sprintf("%d-%d", i, j))
			}
		}
	}
	done := func() float64 {
		n, err := metric(t.Context(), e.admin, `limegrove_config_reloads_total{result="done"}`)
		must(t, err)
		return n
	}

	write("max-rate: 2\nzone: elsewhere\nlisten: 127.0.0.1:1\nlog-format: text\n")
	e.reload(t, e.admin, "done", done()+1)
	e.wantPrinted(t, `needs a restart and stays as it was" changed="[^"]*-max-rate[^"]*" restart=-zone\n`) // -listen is a flag, which is stronger
	limited := func(what string, s *session) {
		t.Helper()
		for i := range 8 {
			s.send(text(fmt.Sprintf("fast-%d", i), rui.node, "fast"))
		}
		s.want(what, func(e Envelope) bool { return e.failedFor(lime.CodeAuthorizationQuotaThresholdExceeded) })
	}
	limited("a session in progress has the lower rate", ana)

	write("max-rate: 100000\nmax-envelope: tiny\n")
	e.reload(t, e.admin, "refused", 1)
	e.wantPrinted(t, `level=error msg="the configuration is wrong; the one of before stays in force" error=".*-max-envelope`)
	limited("the lower rate is in force", guest(t, goLibrary, e, "lia/home"))
	if v, err := metric(t.Context(), e.admin, "limegrove_config_last_reload_successful"); err != nil || v != 0 {
		t.Errorf("the last reload is said to have succeeded: %v, %v", v, err)
	}

	write("max-rate: 100000\n")
	n := done()
	e.reload(t, e.admin, "done", n+1)
	if v, err := metric(t.Context(), e.admin, "limegrove_config_last_reload_successful"); err != nil || v != 1 {
		t.Errorf("the last reload is said to have failed: %v, %v", v, err)
	}
	ana.forget()
	for i := range 100 {
		id := fmt.Sprintf("free-%d", i)
		ana.send(text(id, rui.node, id))
	}
	for i := range 100 {
		rui.wantText("the session goes on", fmt.Sprintf("free-%d", i))
	}
	for _, one := range ana.received() {
		if one.Event == "failed" {
			t.Errorf("%s has failed: %s", one.ID, one)
		}
	}
}

// TestReloadServesANewCertificate to connections that come, and those that are there go on.
func TestReloadServesANewCertificate(t *testing.T) {
	t.Parallel()
	certificate, key := newCertificate(t)
	c := startCluster(t, 0)
	e := c.addEdge(t, "-tcp", address(0), "-tls-cert", certificate, "-tls-key", key)
	served := func() string {
		conn, err := tls.Dial("tcp", strings.Trim(strings.TrimPrefix(e.url, "wss://"), "/"), &tls.Config{InsecureSkipVerify: true})
		must(t, err)
		defer func() { must(t, conn.Close()) }()
		return string(conn.ConnectionState().PeerCertificates[0].Raw)
	}
	lib := limeGo(t, "-pongs", "-ca", certificate)
	ana, rui := guest(t, lib, e.overTLS(), "ana/home"), guest(t, lib, e.overTLS(), "rui/desk")
	first := served()
	if served() != first {
		t.Fatal("there are several certificates")
	}

	certificate2, key2 := newCertificate(t)
	take := func(to, from string) {
		text, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(to, text, 0o600))
	}
	take(certificate, certificate2) // and not the key yet
	e.reload(t, e.admin, "refused", 1)
	e.wantPrinted(t, `stays in force" error=".*-tls-cert: `)
	if served() != first {
		t.Error("what does not fit together is served")
	}
	take(key, key2)
	e.reload(t, e.admin, "done", 1)
	if second := served(); second == first {
		t.Error("the old certificate is served")
	}
	guest(t, limeGo(t, "-pongs", "-ca", certificate), e.overTLS(), "lia/home")
	talk := talk{ana: ana, rui: rui}
	talk.exchange("over connections of before")
}

// TestReloadOfARouter takes another key of the API, another rate, and issuers that it reads again.
func TestReloadOfARouter(t *testing.T) {
	t.Parallel()
	const first, second = "the-first-key-of-all", "the-second-key-of-all"
	file := fileOf(t, "router.yaml", "api-key: "+first+"\n")
	c := startCluster(t, 0)
	admin := address(freePorts(t, 1))
	args := append(c.shared("backend", "-gossip", address(0), "-join", c.gossip, "-api", address(0), "-config", file), "-admin", admin)
	p := startProcess(t, "backend", t.TempDir(), routerProgram, args...)
	at := "http://" + p.wantPrinted(t, `the HTTP API serves" address="([^"]+)"`)[1]
	p.wantPrinted(t, "the router works")
	status := func(key string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/v1/keys", http.NoBody)
		must(t, err)
		r.Close = true
		r.Header.Set("Authorization", "Bearer "+key)
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		must(t, err)
		return answer.StatusCode
	}
	eventually(t, "the keys are known", patience, func() error {
		if a, b := status(first), status(second); a != 200 || b != 401 {
			return fmt.Errorf("the keys get %d and %d", a, b)
		}
		return nil
	})
	must(t, os.WriteFile(file, []byte("api-key: "+second+"\napi-rate: 60\npartitions: 3\n"), 0o600))
	p.reload(t, admin, "done", 1)
	p.wantPrinted(t, `changed="-api-key -api-rate" restart=-partitions\n`)
	if a, b := status(first), status(second); a != 401 || b != 200 {
		t.Errorf("the keys get %d and %d", a, b)
	}
	must(t, os.WriteFile(file, []byte("api-key: short\n"), 0o600))
	p.reload(t, admin, "refused", 1)
	p.wantPrinted(t, `error="-api-key: shorter`)
	if log, _ := p.output.read(); strings.Contains(string(log), second) || strings.Contains(string(log), first) {
		t.Error("the log has a key")
	}
	if got := status(second); got != 200 {
		t.Errorf("the key gets %d", got)
	}
}
