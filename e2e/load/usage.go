package load

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// usage is the processor time that has gone by, by group, the clients' last.
type usage struct {
	at    time.Time
	names []string
	spent []time.Duration
}

// usage reads the present state of all processes.
func (c *cluster) usage() (usage, error) {
	u := usage{at: time.Now()}
	for _, g := range c.all() {
		var sum time.Duration
		for _, p := range g.processes {
			t, err := p.cpu()
			if err != nil {
				return u, err
			}
			sum += t
		}
		u.names, u.spent = append(u.names, g.name), append(u.spent, sum)
	}
	u.names, u.spent = append(u.names, "clients"), append(u.spent, ownCPU())
	return u, nil
}

// since returns what was used from an earlier reading on, for each of so many messages.
func (u usage) since(before usage, messages int64) string {
	var b strings.Builder
	var sum time.Duration
	for i, name := range u.names {
		d := u.spent[i] - before.spent[i]
		sum += d
		fmt.Fprintf(&b, "%s %.1f, ", name, perMessage(d, messages))
	}
	cores := sum.Seconds() / u.at.Sub(before.at).Seconds()
	fmt.Fprintf(&b, "together %.1f (%.2f processors)", perMessage(sum, messages), cores)
	return b.String()
}

// spentSince returns what was used from an earlier reading on.
func (u usage) spentSince(before usage) string {
	var b strings.Builder
	var sum time.Duration
	for i, name := range u.names {
		d := u.spent[i] - before.spent[i]
		sum += d
		fmt.Fprintf(&b, "%s %.1f s, ", name, d.Seconds())
	}
	long := u.at.Sub(before.at)
	fmt.Fprintf(&b, "together %.1f s in %s (%.2f processors)", sum.Seconds(), round(long), sum.Seconds()/long.Seconds())
	return b.String()
}

func perMessage(d time.Duration, messages int64) float64 {
	return float64(d.Microseconds()) / float64(max(messages, 1))
}

// tell prints for people. A terminal that is gone harms no measurement.
func tell(to io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(to, format, args...) }

// loadAverage is how busy the machine was in the last minute, by anybody: proc_loadavg(5).
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
