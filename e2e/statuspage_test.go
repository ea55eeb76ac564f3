package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestStatusPage has an operator look at two edges in a real browser, and drain one of them: see browser/status.js for what is
// done. Pictures of it are in bin/screenshots.
func TestStatusPage(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("no browser: tools/deps browser installs it: %v", err)
	}
	const token = "a-token-of-the-tests"
	c := startCluster(t, 0)
	one := c.addEdge(t, "-admin-token", token, "-tcp", address(0), "-zone", "north")
	other := c.addEdge(t, "-admin-token", token, "-tcp", address(0), "-zone", "south", "-drain-timeout", "5s")
	folder, err := filepath.Abs("../bin/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	operator := startProcess(t, "the browser", "browser", "node", "status.js", chromium, folder, token,
		"http://"+one.admin, "http://"+other.admin, one.tcp, other.tcp)
	if status := operator.wantExit(t, 3*time.Minute); status.ExitStatus() != 0 {
		t.Fatalf("it ended with %d", status.ExitStatus())
	}
	operator.wantPrinted(t, `done: \d+ steps`)
	if status := other.wantExit(t, patience); status.ExitStatus() != 0 {
		t.Errorf("the edge that was drained ended with %d", status.ExitStatus())
	}
	other.wantPrinted(t, `this member is asked on the status page.*operation=drain`)
	other.wantPrinted(t, `draining.*cause="asked to on the status page"`)
}
