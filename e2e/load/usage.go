package load

import (
	"fmt"
	"io"
	"strings"
	"time"

	"limegrove/loadtest/usage"
)

// spending is the processor time that has gone by, by group, the clients' last.
type spending struct{ usage.Reading }

// spending reads the present state of all processes.
func (c *servers) spending() (spending, error) {
	r, err := usage.Read(append(c.Groups(), usage.Group{Name: "clients", Processes: []usage.Process{usage.Self()}}))
	return spending{r}, err
}

// since returns what was used from an earlier reading on, for each of so many messages.
func (u spending) since(before spending, messages int64) string {
	var b strings.Builder
	var sum time.Duration
	for _, g := range u.Since(before.Reading) {
		sum += g.CPU
		fmt.Fprintf(&b, "%s %.1f, ", g.Name, perMessage(g.CPU, messages))
	}
	cores := sum.Seconds() / u.At.Sub(before.At).Seconds()
	fmt.Fprintf(&b, "together %.1f (%.2f processors)", perMessage(sum, messages), cores)
	return b.String()
}

// spentSince returns what was used from an earlier reading on.
func (u spending) spentSince(before spending) string {
	var b strings.Builder
	var sum time.Duration
	for _, g := range u.Since(before.Reading) {
		sum += g.CPU
		fmt.Fprintf(&b, "%s %.1f s, ", g.Name, g.CPU.Seconds())
	}
	long := u.At.Sub(before.At)
	fmt.Fprintf(&b, "together %.1f s in %s (%.2f processors)", sum.Seconds(), round(long), sum.Seconds()/long.Seconds())
	return b.String()
}

func perMessage(d time.Duration, messages int64) float64 {
	return float64(d.Microseconds()) / float64(max(messages, 1))
}

// tell prints for people. A terminal that is gone harms no measurement.
func tell(to io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(to, format, args...) }
