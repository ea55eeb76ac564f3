package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestChatPage has people chat in two windows of a real browser, each on the page of another edge: see browser/chat.js
// for what they do. Pictures of it are in bin/screenshots.
func TestChatPage(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("no browser: tools/deps browser installs it: %v", err)
	}
	c := startCluster(t, 2, "-pages")
	var at []string
	for _, e := range c.edges {
		at = append(at, strings.Replace(e.url, "ws://", "http://", 1))
	}
	folder, err := filepath.Abs("../bin/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	people := startProcess(t, "the browser", "browser", "node", "chat.js", chromium, at[0], at[1], folder)
	if status := people.wantExit(t, 3*time.Minute); status.ExitStatus() != 0 {
		t.Errorf("it ended with %d", status.ExitStatus())
	}
	people.wantPrinted(t, `done: \d+ steps`)
}

// TestThePagesModulesAgree checks the types of the pages' modules, which their comments tell.
func TestThePagesModulesAgree(t *testing.T) {
	t.Parallel()
	check := exec.CommandContext(t.Context(), "node_modules/.bin/tsc", "-p", "../../web/jsconfig.json")
	check.Dir = "browser"
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("tsc: %v\n%s", err, out)
	}
}
