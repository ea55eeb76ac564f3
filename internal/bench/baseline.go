package bench

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Baseline is the baseline's file, in the module.
const Baseline = "internal/bench/baseline.txt"

const head = `# What the benchmarks of the suite allocate, and the commit that their times are compared
# with. "make baseline" writes this file, "make bench" and "make allocs" read it.
`

// readBaseline returns what the baseline holds, with its head by keys.
func readBaseline(root string) (costs, map[string]string, error) {
	f, err := os.Open(filepath.Join(root, Baseline))
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return readCosts(f)
}

// writeBaseline writes c as results of commit.
func writeBaseline(ctx context.Context, root, commit string, c costs) error {
	date, err := git(ctx, root, "show", "-s", "--format=%cs", commit)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%scommit: %s\ndate: %s\nmachine: %s\ngo: %s\ngoos: %s\ngoarch: %s\n",
		head, commit, date, machine(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	last := ""
	for _, name := range slices.Sorted(maps.Keys(c)) {
		// A package's path has no dot, and it is the first one of the name.
		pkg, benchmark, _ := strings.Cut(name, ".")
		if pkg != last {
			fmt.Fprintf(&b, "\npkg: %s\n", pkg)
			last = pkg
		}
		fmt.Fprintf(&b, "Benchmark%s %s %v B/op %v allocs/op\n", benchmark, operations, c[name].bytes, c[name].objects)
	}
	return os.WriteFile(filepath.Join(root, Baseline), []byte(b.String()), 0o600) // it is there, and keeps its mode
}

// machine says on what the results were had.
func machine() string {
	model := runtime.GOARCH
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, is, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(is)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d processors", model, runtime.NumCPU())
}

// noteCompiler tells when the baseline was made by another compiler, which may
// allocate otherwise.
func noteCompiler(log io.Writer, head map[string]string) {
	if was := head["go"]; was != runtime.Version() {
		_, _ = fmt.Fprintf(log, "The baseline was made with %s, this is %s, which may allocate otherwise.\n", was, runtime.Version())
	}
}
