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

// TestChatPageSendsFiles has people send each other files on the page: see browser/files.js for what they do. The edge that
// one of them is at is killed in the middle.
func TestChatPageSendsFiles(t *testing.T) {
	t.Parallel()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("no browser: tools/deps browser installs it: %v", err)
	}
	pages, files := startBalancer(t), startBalancer(t)
	c := &cluster{nats: startNATS(t)}
	c.broker = c.nats.url
	c.settings = []string{"-files-url", "http://" + files.Addr().String(), "-file-size", "41943040"}
	c.start(t, 0)
	var ports, listens []string
	for range 2 {
		ports = append(ports, address(freePorts(t, 1)))
		e := c.addEdge(t, "-pages", "-tcp", address(0), "-files", ports[len(ports)-1])
		listens = append(listens, strings.TrimSuffix(strings.TrimPrefix(e.url, "ws://"), "/"))
	}
	half := newHold(6_000_000 + 6<<20) // a file, and half of the one after it
	files.hold.Store(half)
	files.to.Store(&ports[0])
	pages.to.Store(&listens[0])
	folder, err := filepath.Abs("../bin/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	people := startProcess(t, "the browser", "browser", "node", "files.js", chromium,
		"http://"+pages.Addr().String()+"/", "http://"+listens[1]+"/", "http://"+files.Addr().String(), c.edges[1].tcp, folder)
	select {
	case <-half.begun:
		c.edges[0].kill()
		files.hold.Store(nil)
		people.wantPrinted(t, `it waits for the server`) // a browser asks another one by itself where that answers at once
		files.to.Store(&ports[1])
		pages.to.Store(&listens[1])
	case <-people.exited:
		t.Error("it ended before the edge did")
	}
	if status := people.wantExit(t, 3*time.Minute); status.ExitStatus() != 0 {
		t.Errorf("it ended with %d", status.ExitStatus())
	}
	people.wantPrinted(t, `done: \d+ steps`)
}
