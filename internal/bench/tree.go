package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tree is a checkout with the test binaries that were built of it.
type tree struct {
	root     string
	binaries map[string]string // by package; those that the tree has
}

// build compiles the tests of suite's packages in the checkout at root into the folder
// dir, which it makes. A package that is not there, as one may not have been yet in an older checkout,
// is left out.
func build(ctx context.Context, root, dir string, suite []Package) (*tree, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	t := &tree{root: root, binaries: make(map[string]string)}
	for _, p := range suite {
		if _, err := os.Stat(filepath.Join(root, p.Path)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		binary := filepath.Join(dir, strings.ReplaceAll(p.Path, "/", "-")+".test")
		// Without flags that change code: what other tests compile is not compiled again, nor is
		// what two checkouts import from elsewhere.
		cmd := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", binary, "./"+p.Path) //nolint:gosec // a package of the suite
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build the tests of %s in %s: %w\n%s", p.Path, root, err, out)
		}
		t.binaries[p.Path] = binary
	}
	return t, nil
}

// run is one run of the named benchmarks of a package, and returns what it printed.
// args are flags of the test binary. A package that the tree does not have prints nothing.
func (t *tree) run(ctx context.Context, path string, names []string, env []string, args ...string) ([]byte, error) {
	binary := t.binaries[path]
	if binary == "" || len(names) == 0 {
		return nil, nil
	}
	args = append([]string{"-test.run=^$", "-test.benchmem", "-test.bench=" + pattern(names)}, args...)
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // what build has made
	cmd.Dir = filepath.Join(t.root, path)            // where its testdata is
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = append(out, exit.Stderr...)
		}
		return nil, fmt.Errorf("benchmarks of %s in %s: %w\n%s", path, t.root, err, out)
	}
	return out, nil
}
