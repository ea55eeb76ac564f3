package e2e

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"limegrove/e2e/programs"
)

// TestTheTourWithABackend does what the README says of the sample backend, by the command line
// that stands there, with other ports.
func TestTheTourWithABackend(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?s)go run \./cmd/edge (-api .*?)\n` + "```").FindSubmatch(text)
	if line == nil {
		t.Fatal("the README has no tour with a backend")
	}
	dir := t.TempDir()
	if err := programs.Go(t.Context(), dir, true, "limegrove/examples/backend", "limegrove/examples/rider"); err != nil {
		t.Fatal(err)
	}
	backend, api, listen := address(freePorts(t, 1)), address(freePorts(t, 1)), address(freePorts(t, 1))
	other := strings.NewReplacer("127.0.0.1:9000", backend, "127.0.0.1:8085", api)
	hooks, err := os.ReadFile("../examples/backend/webhooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "webhooks.yaml"), []byte(other.Replace(string(hooks))), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := other.Replace(strings.NewReplacer("\\\n", " ", "examples/backend/webhooks.yaml", "webhooks.yaml").Replace(string(line[1])))
	const secrets = "LIMEGROVE_API_KEY=0123456789abcdef0123456789abcdef BACKEND_SECRET='a secret of sixteen bytes or more' "
	const signed = "LIMEGROVE_AUTH_WEBHOOK_SECRET='a secret of sixteen bytes or more' "

	platform := startProcess(t, "backend", dir, "sh", "-c", secrets+"exec ./backend -listen "+backend+" -api http://"+api)
	platform.wantPrinted(t, `the backend serves`)
	e := newEdge(t, startProcess(t, "edge", dir, "sh", "-c", secrets+signed+"exec "+edgeProgram+" "+flags+
		" -listen "+listen+" -admin '' -gossip "+address(freePorts(t, 1))))

	ana := startProcess(t, "ana", dir, "./rider", "-edge", e.url, "-name", "ana", "-ride", "42")
	ana.wantPrinted(t, `ana@localhost waits for ride 42`)
	platform.wantPrinted(t, `ana@localhost logs in`)
	platform.wantPrinted(t, `room\.joined ana@localhost`)
	r, err := http.Post("http://"+backend+"/rides/42/arrived", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != http.StatusNoContent {
		t.Errorf("the backend answers %s", r.Status)
	}
	ana.wantPrinted(t, `%2fride%2f42@rooms\.localhost: ride 42 has arrived`)
	ana.kill()
	send := exec.CommandContext(t.Context(), filepath.Join(dir, "rider"), "-edge", e.url, "-name", "rui", "-to", "ana@localhost")
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("rui sends: %v: %s", err, out)
	}
	platform.wantPrinted(t, `push to ana@localhost: see you at the stop, from rui@localhost`)

	for why, body := range map[string]string{"no signature": "{}", "another one": `{"events":[]}`} {
		r, err := http.Post("http://"+backend+"/events", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: the backend answers %s", why, r.Status)
		}
	}
}
