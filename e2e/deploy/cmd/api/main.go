// Command api has a real API server of Kubernetes, with etcd behind it, take every overlay of k8s/, as a dry run: all that it checks,
// fills in and warns of happens, and nothing is kept. A warning counts as a refusal. It is called in the module's folder, and prints
// what it has seen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"limegrove/e2e/deploy/apiserver"
	"limegrove/e2e/programs"
	"limegrove/internal/command"
)

func main() {
	os.Exit(command.Main(func(ctx context.Context, _ []string, stdout, stderr io.Writer) int { //nolint:forbidigo // a main outside of cmd
		return command.Status("api", run(ctx, stdout), stderr)
	}))
}

// overlays are what is applied.
var overlays = []string{"k8s/overlays/small", "k8s/overlays/production", "k8s/overlays/production-keda", "k8s/overlays/production-files"}

func run(ctx context.Context, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "limegrove-api-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	made, err := apiserver.Manifests(ctx, overlays...)
	if err != nil {
		return err
	}
	c, err := apiserver.Start(ctx, dir)
	if err != nil {
		return err
	}
	defer c.Stop()

	if err := c.Create(ctx, apiserver.NamespaceObject(), false); err != nil {
		return err
	}
	if err := defineScaledObjects(ctx, c); err != nil {
		return err
	}
	for _, o := range overlays {
		began := time.Now()
		for _, object := range made[o] {
			if apiserver.KindOf(object).Kind == "Namespace" {
				continue // it is there
			}
			if err := c.Create(ctx, object, true); err != nil {
				return fmt.Errorf("%s: %w", o, err)
			}
		}
		if _, err := fmt.Fprintf(stdout, "%s: %d objects taken, without a warning, in %s\n", o, len(made[o]), time.Since(began).Round(time.Millisecond)); err != nil {
			return err
		}
	}
	return nil
}

// defineScaledObjects has the API server know KEDA's kind.
func defineScaledObjects(ctx context.Context, c *apiserver.Cluster) error {
	path, err := programs.ScaledObjects(ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := c.Do(ctx, http.MethodPost, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "application/yaml", text); err != nil {
		return err
	}
	return c.Eventually(ctx, "ScaledObjects are known", func() error {
		return c.Do(ctx, http.MethodGet, "/apis/keda.sh/v1alpha1/scaledobjects", "", nil)
	})
}
