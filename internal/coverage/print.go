package coverage

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the rows, with the number of tests that prove each, and counts.
func (c *Coverage) Print(w io.Writer) error {
	var b strings.Builder
	for i := range c.Rows {
		r := &c.Rows[i]
		fmt.Fprintf(&b, "%s  %-6s  %2d %s  %s\n", r.Number, r.Verdict(), len(r.Tests), plural(len(r.Tests), "test "), r.Statement)
		if r.Verdict() != "yes" {
			fmt.Fprintf(&b, "%22s%s\n", "", r.Served)
		}
	}
	fmt.Fprintf(&b, "%d statements: %d served, %d partly, %d not; %d without a test\n",
		len(c.Rows), c.Count("yes"), c.Count("partly"), c.Count("no"), c.Untested())
	_, err := io.WriteString(w, b.String())
	return err
}

func plural(n int, one string) string {
	if n == 1 {
		return one
	}
	return strings.TrimSpace(one) + "s"
}
