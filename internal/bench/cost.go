package bench

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/perf/benchfmt"
)

// cost is what one operation allocates.
type cost struct {
	objects, bytes float64
}

// costs are the least costs that each benchmark had in several runs, by package
// and name: "lime.Scan/size=128".
type costs map[string]cost

// readCosts reads results in Go's benchmark format, and its head: the lines before the
// first result, by their keys.
func readCosts(r io.Reader) (c costs, head map[string]string, err error) {
	c, head = make(costs), make(map[string]string)
	results := benchfmt.NewReader(r, "")
	for results.Scan() {
		switch result := results.Result().(type) {
		case *benchfmt.Result:
			if len(c) == 0 {
				for _, line := range result.Config {
					head[line.Key] = string(line.Value)
				}
			}
			objects, ok := result.Value("allocs/op")
			if !ok {
				continue
			}
			bytes, _ := result.Value("B/op")
			name := nameOf(result)
			least, again := c[name]
			if !again {
				least = cost{objects, bytes}
			}
			c[name] = cost{min(least.objects, objects), min(least.bytes, bytes)}
		case *benchfmt.SyntaxError:
			return nil, nil, result
		}
	}
	return c, head, results.Err()
}

// nameOf is a benchmark's name with its package, and without the number of
// processors that it ran on.
func nameOf(result *benchfmt.Result) string {
	base, parts := result.Name.Parts()
	if n := len(parts); n > 0 && parts[n-1][0] == '-' {
		parts = parts[:n-1]
	}
	return result.GetConfig("pkg") + "." + string(base) + string(bytes.Join(parts, nil))
}

// smallest is the size of the smallest object. What an operation has more of than
// before, and less than that, is what the runtime has done meanwhile.
const smallest = 8

// compare tells how now differs from base, a line for each benchmark: what has risen,
// and what else there is to be told.
func (base costs) compare(now costs) (rises, notes []string) {
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, known := base[name]
		is := now[name]
		change := fmt.Sprintf("%s: %v objects of %v bytes an operation, in the baseline %v of %v", name, is.objects, is.bytes, was.objects, was.bytes)
		switch {
		case !known:
			notes = append(notes, name+": not in the baseline")
		case is.objects > was.objects || is.bytes >= was.bytes+smallest:
			rises = append(rises, change)
		case is.objects < was.objects || is.bytes+smallest <= was.bytes:
			notes = append(notes, change)
		}
	}
	return rises, notes
}
