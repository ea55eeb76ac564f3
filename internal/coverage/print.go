package coverage

import (
	"fmt"
	"io"
	"strings"
)

// Print writes the rows, with the number of tests that prove each, and counts for each
// protocol.
func (c *Coverage) Print(w io.Writer) error {
	var b strings.Builder
	for i := range c.Rows {
		r := &c.Rows[i]
		fmt.Fprintf(&b, "%s  %-6s  %2d %s  %s\n", r.Number, r.Verdict(), len(r.Tests), plural(len(r.Tests), "test "), r.Statement)
		if r.Verdict() != "yes" {
			fmt.Fprintf(&b, "%*s%s\n", len(r.Number)+14, "", r.Served)
		}
	}
	for _, p := range Protocols() {
		rows := c.Rows.Of(p)
		if len(rows) == 0 {
			continue
		}
		untested := rows.Untested()
		fmt.Fprintf(&b, "%s has %d %s: %d served, %d partly, %d not; %d without a test",
			p.Name, len(rows), plural(len(rows), "statement"), rows.Count("yes"), rows.Count("partly"), rows.Count("no"), len(untested))
		if len(untested) > 0 {
			fmt.Fprintf(&b, ": %s", strings.Join(untested, ", "))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func plural(n int, one string) string {
	if n == 1 {
		return one
	}
	return strings.TrimSpace(one) + "s"
}
