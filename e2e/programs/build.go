package programs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Paths are where the programs of a cluster are.
type Paths struct{ Edge, Router, NATS, Redis string }

// Build builds the edge and the router into a folder, and finds the servers. It is
// called somewhere in the module.
func Build(ctx context.Context, dir string, race bool) (p Paths, err error) {
	if err := Go(ctx, dir, race, "limegrove/cmd/edge", "limegrove/cmd/router"); err != nil {
		return p, fmt.Errorf("build the edge and the router: %w", err)
	}
	return Find(ctx, dir)
}

// Find finds the edge and the router, which Build has built into a folder, and the servers.
func Find(ctx context.Context, dir string) (p Paths, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return p, err
	}
	p.Edge, p.Router = filepath.Join(dir, "edge"), filepath.Join(dir, "router")
	if p.NATS, err = Tool(ctx, "nats-server"); err != nil {
		return p, err
	}
	if p.Redis, err = exec.LookPath("redis-server"); err != nil {
		return p, fmt.Errorf("redis-server is not installed, which `make deps` does: %w", err)
	}
	return p, nil
}

// Go builds programs of the module into a folder. The race detector does not look into the
// one function that makes hashes of passwords: it works in one goroutine, on memory of its
// own, and would take ten times as long for it, and with it every login.
func Go(ctx context.Context, dir string, race bool, packages ...string) error {
	args := []string{"build", "-ldflags=-s -w", "-o", dir + string(os.PathSeparator)} // to link what debuggers want takes long
	if race {
		args = append(args, "-race", "-gcflags=golang.org/x/crypto/argon2=-race=false")
	}
	_, err := output(ctx, "go", append(args, packages...)...)
	return err
}

// RaceStops has a program that was built with the race detector end at the first race, with a
// status of its own, and not go on to print to where nobody reads. It is for its environment.
const RaceStops = "GORACE=halt_on_error=1"

// Tool builds a tool that is pinned in tools/, unless it is there, and tells where it is.
// It is called somewhere in the module.
func Tool(ctx context.Context, name string) (string, error) {
	root, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	path, err := output(ctx, filepath.Join(root, "tools", "build"), name)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", name, err)
	}
	return path, nil
}

// ScaledObjects is the path of KEDA's definition of its ScaledObjects, in the module that tools/crds pins. It is downloaded unless
// it is there. It is called somewhere in our module.
func ScaledObjects(ctx context.Context) (string, error) {
	const keda = "github.com/kedacore/keda/v2"
	root, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	text, failed := output(ctx, "go", "-C", filepath.Join(root, "tools", "crds"), "mod", "download", "-json", keda)
	var got struct{ Dir, Error string }
	if err := json.Unmarshal([]byte(text), &got); err == nil && got.Error != "" {
		failed = errors.New(got.Error)
	}
	if failed != nil {
		return "", fmt.Errorf("no definition of ScaledObjects; run `make deps` where modules can be downloaded: %s: %w", keda, failed)
	}
	return filepath.Join(got.Dir, "config", "crd", "bases", "keda.sh_scaledobjects.yaml"), nil
}

// output runs a program and returns what it prints, without the white space around.
func output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // our own programs
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	return strings.TrimSpace(string(text)), err
}
