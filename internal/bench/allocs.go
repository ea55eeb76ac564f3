package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrRise is for a benchmark that allocates more than the baseline says.
var ErrRise = errors.New("more is allocated than the baseline has; if that has to be, renew it: make baseline")

// Each run has this many operations, and the least of some runs counts. The first
// operations fill pools and grow buffers: that counts too, and is the same
// each time, unless the collector empties a pool meanwhile.
const (
	operations = "1000"
	times      = "5"
)

var withoutCollector = []string{"GOGC=off"}

// allocations measures what the exact benchmarks of suite allocate in t.
func allocations(ctx context.Context, t *tree, suite []Package) (costs, error) {
	var results bytes.Buffer
	for _, p := range suite {
		out, err := t.run(ctx, p.Path, p.Exact, withoutCollector, "-test.benchtime="+operations+"x", "-test.count="+times)
		if err != nil {
			return nil, err
		}
		results.Write(out)
	}
	c, _, err := readCosts(&results)
	if err != nil {
		return nil, err
	}
	return c, missing(suite, c)
}

// missing is an error when a benchmark of suite has no result.
func missing(suite []Package, c costs) error {
	var errs []error
	for _, p := range suite {
		for _, name := range p.Exact {
			found := false
			for full := range c {
				pkg, benchmark, _ := strings.Cut(full, ".")
				base, _, _ := strings.Cut(benchmark, "/")
				found = found || base == name && (pkg == p.Path || strings.HasSuffix(pkg, "/"+p.Path))
			}
			if !found {
				errs = append(errs, fmt.Errorf("%s has no benchmark %s that tells its allocations", p.Path, name))
			}
		}
	}
	return errors.Join(errs...)
}

// checkAllocations compares what suite allocates in t with the baseline, and tells
// out what is not as it was. A rise is ErrRise.
func checkAllocations(ctx context.Context, out io.Writer, t *tree, suite []Package, base costs) error {
	now, err := allocations(ctx, t, suite)
	if err != nil {
		return err
	}
	rises, notes := base.compare(now)
	notes = append(notes, fmt.Sprintf("allocations of %d benchmarks, %d of them risen", len(now), len(rises)))
	if _, err := fmt.Fprintln(out, strings.Join(notes, "\n")); err != nil {
		return err
	}
	if len(rises) > 0 {
		return fmt.Errorf("%w\n%s", ErrRise, strings.Join(rises, "\n"))
	}
	return nil
}
