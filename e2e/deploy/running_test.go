package deploy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"limegrove/e2e/programs"
	"limegrove/internal/childtest"
)

const patience = time.Minute // for whatever a busy machine may be slow at

// run runs an edge with embedded stores and a router beside it, the image's, and returns what they say of themselves.
func run(t *testing.T) facts {
	t.Helper()
	dir := image(t)
	edge := start(t, filepath.Join(dir, "edge"), "-data", t.TempDir(), "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-gossip", "127.0.0.1:0")
	nats := edge.printed(t, `embedded, (nats://[0-9.:]+)`)
	redis := edge.printed(t, `embedded, (redis://[0-9.:]+)`)
	pages := map[string]string{"edge": edge.printed(t, `status +http://([0-9.:]+)/`)}
	pages["router"] = net.JoinHostPort(childtest.Host, strconv.Itoa(childtest.FreePort(t)))
	router := start(t, filepath.Join(dir, "router"), "-nats", nats, "-redis", redis, "-admin", pages["router"], "-gossip", "127.0.0.1:0")
	router.printed(t, `version=(`+regexp.QuoteMeta(version)+`)`)

	known := facts{paths: map[string]map[string]bool{}, metrics: map[string]map[string]bool{}}
	for program, at := range pages {
		known.paths[program], known.metrics[program] = map[string]bool{}, map[string]bool{}
		for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status.json"} {
			text := get(t, "http://"+at+path)
			known.paths[program][path] = text != ""
			if path == "/metrics" {
				for _, name := range regexp.MustCompile(`(?m)^limegrove_[a-z_]+`).FindAllString(text, -1) {
					known.metrics[program][name] = true
				}
			}
		}
	}
	return known
}

// get is a page that has to be there.
func get(t *testing.T, address string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v\n%s", address, response.Status, err, text)
	}
	return string(text)
}

// process is a program that runs.
type process struct {
	cmd    *exec.Cmd
	output childtest.Output
	exited chan struct{}
}

// start starts a program, which ends with the test.
func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = programs.Attributes()
	p.cmd.Dir = t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // it ends by our signal
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.exited
	})
	return p
}

// printed waits until the program has printed what a pattern matches, and returns its group.
func (p *process) printed(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.Now().Add(patience)
	for {
		if m := re.FindStringSubmatch(p.output.String()); m != nil {
			return m[1]
		}
		select {
		case <-p.exited:
			t.Fatalf("%s has ended: %s", filepath.Base(p.cmd.Path), p.output.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has not printed %q: %s", filepath.Base(p.cmd.Path), pattern, p.output.String())
		}
	}
}

// together is all that is wrong, as one error.
func together(wrong []error) string {
	if err := errors.Join(wrong...); err != nil {
		return err.Error()
	}
	return ""
}
