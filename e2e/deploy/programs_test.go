package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"

	"limegrove/e2e/programs"
)

// version is what the image is stamped with here.
const version = "v0.0.0-of-a-test"

// built is a folder that is removed when all tests have ended.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "limegrove-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "deploy:", err)
		os.Exit(1)
	}
	built = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // of what is left the system disposes
	os.Exit(code)
}

// tool is the path of a tool, which is built unless it is there.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := programs.Tool(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// scaledObjects is the path of KEDA's definition.
func scaledObjects(t *testing.T) string {
	t.Helper()
	path, err := programs.ScaledObjects(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// output is what a program prints. What it says to its error output is shown when it fails.
func output(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var said strings.Builder
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, said.String())
	}
	return text
}

// plan is what tools/image tells of the Dockerfile.
type plan struct {
	Stages []struct {
		Name, Base   string
		Instructions []struct {
			Name, Text string
			Args       []string
		}
	}
	Files []string
}

func readPlan(t *testing.T) (p plan) {
	t.Helper()
	if err := json.Unmarshal(output(t, tool(t, "image"), "../.."), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// imageOnce makes the image's programs once for all tests.
var imageOnce sync.Mutex

// image is the folder of what the Dockerfile's first stage makes, in /out there: its commands are run on the files that a builder gets.
func image(t *testing.T) string {
	t.Helper()
	imageOnce.Lock()
	defer imageOnce.Unlock()
	out := filepath.Join(built, "out")
	if _, err := os.Stat(filepath.Join(out, "done")); err == nil {
		return out
	}
	p := readPlan(t)
	source := filepath.Join(built, "src")
	for _, name := range p.Files {
		if err := copyFile(filepath.Join("../..", name), filepath.Join(source, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(out, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, i := range p.Stages[0].Instructions {
		if i.Name != "RUN" {
			continue
		}
		// A shell form: one line for sh.
		line := strings.ReplaceAll(strings.Join(i.Args, " "), "/out/", out+"/")
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
		cmd.Dir = source
		cmd.Env = append(os.Environ(), "TARGETOS="+runtime.GOOS, "TARGETARCH="+runtime.GOARCH, "VERSION="+version)
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, text)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "done"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// copyFile copies a file into a folder that may not be there yet.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// read is a file's text.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// natsVersion is that of the nats-server that tests start.
func natsVersion(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`github.com/nats-io/nats-server/v2 v([0-9.]+)`).FindStringSubmatch(read(t, "../../tools/nats-server/go.mod"))
	if m == nil {
		t.Fatal("no version is pinned")
	}
	return m[1]
}
