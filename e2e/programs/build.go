package programs

import (
	"context"
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
	args := []string{"build", fmt.Sprintf("-race=%t", race), "-o", dir + string(os.PathSeparator)}
	if _, err := output(ctx, "go", append(args, "limegrove/cmd/edge", "limegrove/cmd/router")...); err != nil {
		return p, fmt.Errorf("build the edge and the router: %w", err)
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

// output runs a program and returns what it prints, without the white space around.
func output(ctx context.Context, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // our own programs
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	return strings.TrimSpace(string(text)), err
}
