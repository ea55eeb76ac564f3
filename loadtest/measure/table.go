package measure

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"limegrove/loadtest/tally"
)

// Table prints a report for people.
func (r *Report) Table(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	r.tableOfSessions(w)
	if r.Seconds > 0 {
		r.tableOfMessages(w)
	}
	if r.Result.Measured > 0 {
		r.tableOfCosts(w)
	} else {
		r.tableOfIdleCosts(w)
	}
	return w.Flush()
}

// tableOfCosts is what messages have cost.
func (r *Report) tableOfCosts(w io.Writer) {
	tell(w, "\n\tprocesses\tcores\tCPU-s per million\tmessages per CPU-s\tresident\tper session\t\n")
	for i, c := range r.Running {
		each := "-"
		if c.PerMillion > 0 {
			each = fmt.Sprintf("%.0f", 1e6/c.PerMillion)
		}
		tell(w, "%s\t%d\t%.0f %%\t%.2f\t%s\t%s\t%s\t\n", c.Group, c.Processes, 100*c.Cores, c.PerMillion, each, Bytes(c.Resident), r.perSession(r.Settled, i))
	}
}

// tableOfIdleCosts is what sessions have cost that do nothing.
func (r *Report) tableOfIdleCosts(w io.Writer) {
	sessions := float64(max(r.Opened.Ready, 1))
	tell(w, "\n\tprocesses\topening: cores\tµs of CPU a session\tresident\tper session\tcollected\tidle: µs of CPU/s a session\t\n")
	for i, c := range r.Opening {
		idle := "-"
		if i < len(r.Running) {
			idle = fmt.Sprintf("%.2f", 1e6*r.Running[i].Cores/sessions)
		}
		tell(w, "%s\t%d\t%.0f %%\t%.0f\t%s\t%s\t%s\t%s\t\n", c.Group, c.Processes, 100*c.Cores,
			float64(c.CPU.Microseconds())/sessions, Bytes(r.Settled[i].Resident), r.perSession(r.Settled, i), r.perSession(r.Collected, i), idle)
	}
}

func (r *Report) tableOfSessions(w io.Writer) {
	o := &r.Opened
	tell(w, "sessions\t%d of %d in %s, %.0f/s, %d tried again\n", o.Ready, r.Clients, tally.Round(o.Until-o.From), r.SessionsPerSec, o.Retries)
	tell(w, "established\t%s\n", &o.Delays)
	if o.First != "" {
		tell(w, "first failure\t%s\n", o.First)
	}
}

func (r *Report) tableOfMessages(w io.Writer) {
	m := &r.Result
	if m.Sent+m.Unsent == 0 {
		tell(w, "messages\tnone in %.0f s\n", r.Seconds)
		return
	}
	loop := "closed loop"
	if r.Load.Rate > 0 {
		loop = fmt.Sprintf("%.0f/s due, held: %t", r.Load.Rate, r.Held)
	}
	tell(w, "messages\t%.0f/s delivered in %.0f s (%s)\n", r.Rate, r.Seconds, loop)
	tell(w, "counted\tsent %d, delivered %d; lost %d, twice %d, out of order %d, refused %d, not sent %d\n",
		m.Sent, m.Delivered, m.Lost, m.Twice, m.Reordered, m.Refused, m.Unsent)
	if st := m.Storm; st != nil {
		tell(w, "storm\t%d cut off at once, %d are back, the last one after %s\n", st.Cut, st.Back, tally.Round(st.All))
		tell(w, "back\t%s\n", &st.Delay)
	}
	if a := m.Attack; a != nil {
		tell(w, "attack\t%d attackers, %d connections, %d of them cut; sent %d, answered %d, refused %d\n",
			a.Attackers, a.Connected, a.Cut, a.Sent, a.Answered, a.Refused)
	}
	if l := m.Logins; l != nil {
		tell(w, "logged in\t%s\n  disturbed\t%s\n", &l.Before, &l.Disturbed)
	}
	if m.Accepted+m.Received > 0 {
		tell(w, "\taccepted %d, dispatched %d, received %d\n", m.Accepted, m.Dispatched, m.Received)
	}
	if m.Cut+m.Faults > 0 || m.Fault != "" {
		tell(w, "wrong\t%d sessions ended, %d faults: %s\n", m.Cut, m.Faults, m.Fault)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Dropped)) {
		tell(w, "counted\t%.0f as %s\n", r.Dropped[name], name)
	}
	if p := r.Pauses; p != nil {
		tell(w, "garbage\t%d pauses of the edges; at most p50 %s, p99 %s, longest %s\n", p.Count, tally.Round(p.P50), tally.Round(p.P99), tally.Round(p.Longest))
	}
	for _, d := range []struct {
		name   string
		delays *tally.Delays
	}{{"delivered", &m.Delivery}, {"  disturbed", &m.Disturbed}, {"accepted", &m.Acceptance}, {"receipt", &m.Receipt}, {"sent too late", &m.Late}} {
		if d.delays.Count() > 0 {
			tell(w, "%s\t%s\n", d.name, d.delays)
		}
		if d.delays == &m.Disturbed && r.Grown != nil {
			r.tableOfGrowth(w)
		}
	}
}

// tableOfGrowth compares the phases.
func (r *Report) tableOfGrowth(w io.Writer) {
	g := r.Grown
	tell(w, "  medians of %d phases\t%s\n", len(r.Phases), g)
	if g.Seconds != nil {
		tell(w, "  medians of their seconds\t%s\n", g.Seconds)
	}
	for i := range r.Result.Phases {
		tell(w, "  phase %d\t%s\n", i+1, &r.Result.Phases[i])
	}
	for _, c := range r.Running {
		quiet, disturbed := r.Cores(c.Group)
		tell(w, "  cores of %s\t%.2f, %.2f\n", c.Group, quiet, disturbed)
	}
}

// perSession is what a group has taken for each session since there was none.
func (r *Report) perSession(held []Cost, i int) string {
	if i >= len(held) || held[i].Before == 0 || r.Opened.Ready == 0 {
		return "-"
	}
	return Bytes((held[i].Resident - held[i].Before) / int64(r.Opened.Ready))
}

// Bytes writes a number of bytes for people.
func Bytes(n int64) string {
	switch f := float64(n); {
	case n >= 10<<30:
		return fmt.Sprintf("%.1f GiB", f/(1<<30))
	case n >= 10<<20:
		return fmt.Sprintf("%.0f MiB", f/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%.0f KiB", f/(1<<10))
	case n >= 1<<10:
		return fmt.Sprintf("%.2f KiB", f/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// Headline says in one line what was measured.
func (r *Report) Headline() string {
	return fmt.Sprintf("%s by %s: %d clients of %d workers, %d servers, %d pairs, %d bytes, %s, for %s",
		r.Scenario, r.Protocol, r.Clients, r.Workers, r.Servers, r.Load.Pairs, r.Load.Size, r.Load.Mode, time.Duration(r.Seconds*float64(time.Second)))
}
