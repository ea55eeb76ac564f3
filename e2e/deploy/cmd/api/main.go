// Command api has a real API server of Kubernetes, with etcd behind it, take every overlay of k8s/, as a dry run: all that it checks,
// fills in and warns of happens, and nothing is kept. A warning counts as a refusal. It is called in the module's folder, and prints
// what it has seen.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
	"time"

	"limegrove/e2e/programs"
	"limegrove/internal/command"
)

func main() {
	os.Exit(command.Main(func(ctx context.Context, _ []string, stdout, stderr io.Writer) int { //nolint:forbidigo // a main outside of cmd
		return command.Status("api", run(ctx, stdout), stderr)
	}))
}

// overlays are what is applied: of those that need no other API than Kubernetes' own.
var overlays = []string{"k8s/overlays/small", "k8s/overlays/production"}

func run(ctx context.Context, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "limegrove-api-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	made, err := manifests(ctx)
	if err != nil {
		return err
	}
	c, err := startCluster(ctx, dir)
	if err != nil {
		return err
	}
	defer c.stop()

	if err := c.create(ctx, []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"limegrove"}}`), false); err != nil {
		return err
	}
	for _, o := range overlays {
		began := time.Now()
		for _, object := range made[o] {
			if kindOf(object).Kind == "Namespace" {
				continue // it is there
			}
			if err := c.create(ctx, object, true); err != nil {
				return fmt.Errorf("%s: %w", o, err)
			}
		}
		if _, err := fmt.Fprintf(stdout, "%s: %d objects taken, without a warning, in %s\n", o, len(made[o]), time.Since(began).Round(time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// manifests builds the overlays.
func manifests(ctx context.Context) (made map[string][]json.RawMessage, err error) {
	tool, err := programs.Tool(ctx, "manifests")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, tool, overlays...) //nolint:gosec // our own program
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(text, &made)
	return made, err
}

// kind is what an object says that it is.
type kind struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
}

func kindOf(object []byte) (k kind) {
	_ = json.Unmarshal(object, &k) // what it is not the server tells
	return k
}

// place is where objects of a kind are made.
func (k kind) place() string {
	root := "/api/" + k.APIVersion
	if strings.Contains(k.APIVersion, "/") {
		root = "/apis/" + k.APIVersion
	}
	plural := strings.ToLower(k.Kind) + "s"
	if strings.HasSuffix(k.Kind, "y") {
		plural = strings.ToLower(strings.TrimSuffix(k.Kind, "y")) + "ies"
	}
	if k.Kind == "Namespace" {
		return path.Join(root, plural)
	}
	return path.Join(root, "namespaces/limegrove", plural)
}
