package checker

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Report is what a checker has found.
type Report struct {
	Run    string        // how the run was started, as its history says
	Length time.Duration // of the history

	Faults  map[string]int // by kind
	Exits   []string       // processes that ended by themselves
	Excused []string       // processes that were asked to end, and failed for reasons not their own

	Sessions   int
	Sent       int // messages, each counted once
	Resent     int // further attempts
	Accepted   int // messages
	Failed     int // messages that failed at least once
	Unanswered int // messages that neither was accepted nor failed
	Delivered  int // messages that somebody got
	Deliveries int // copies of them
	Codes      map[int]int

	Grouped int // messages to groups that were accepted
	Shares  int // copies that their members are to have, each counted once

	Redelivered int // copies that a later session of the same node got
	Relapsed    int // reordered copies that an earlier session of the same node had got
	Unsure      int // messages that failed, were never accepted, and were delivered

	Outage       time.Duration // the longest time without any accepted while some tried
	Back         time.Duration // from the last fault's healing to steady service
	SessionsBack time.Duration // from then until the last client that was cut was back

	Accept  Spread // from the first attempt to accepted
	Deliver Spread // from the first attempt to the first delivery, where a session waited
	Gaps    Spread // from the unwanted end of a session to the client's next one

	Violations map[Class]int
	Examples   []Violation // the first of each class
}

func newReport() *Report {
	return &Report{Faults: map[string]int{}, Codes: map[int]int{}, Violations: map[Class]int{}}
}

// Good tells that no promise was broken.
func (r *Report) Good() bool { return len(r.Violations) == 0 }

func (r *Report) add(examples int, v Violation) {
	if r.Violations[v.Class] < examples {
		r.Examples = append(r.Examples, v)
	}
	r.Violations[v.Class]++
}

// WriteTo writes the report for people.
func (r *Report) WriteTo(to io.Writer) (int64, error) {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-14s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("run", "%s", r.Run)
	row("length", "%s", r.Length.Round(time.Second))
	total := 0
	for _, n := range r.Faults {
		total += n
	}
	row("faults", "%d%s", total, list(r.Faults))
	row("sessions", "%d", r.Sessions)
	row("sent", "%d, and %d resent", r.Sent, r.Resent)
	row("accepted", "%d; %d failed at least once%s, %d unanswered", r.Accepted, r.Failed, list(r.Codes), r.Unanswered)
	row("delivered", "%d, as %d copies", r.Delivered, r.Deliveries)
	row("to groups", "%d, for %d members", r.Grouped, r.Shares)
	row("lost", "%d", r.Violations[Lost])
	row("duplicated", "%d to one session; %d copies redelivered to a later one", r.Violations[Duplicated], r.Redelivered)
	row("reordered", "%d, of which an earlier session had %d", r.Violations[Reordered], r.Relapsed)
	row("unsure", "%d failed, not accepted, yet delivered", r.Unsure)
	row("longest outage", "%s", ms(r.Outage))
	row("service back", "%s after the last fault; the last client %s", ms(r.Back), ms(r.SessionsBack))
	row("accepted in", "%s", &r.Accept)
	row("delivered in", "%s", &r.Deliver)
	row("reconnected in", "%s", &r.Gaps)
	for _, exit := range r.Exits {
		row("ended by itself", "%s", exit)
	}
	for _, exit := range r.Excused {
		row("ended when asked", "%s; excused by a fault, or by its start", exit)
	}
	for _, class := range Classes() {
		if n := r.Violations[class]; n > 0 {
			row("VIOLATED", "%s: %d", class, n)
		}
	}
	for _, v := range r.Examples {
		row("  example", "%s", v)
	}
	row("verdict", "%s", map[bool]string{true: "good", false: "BAD"}[r.Good()])
	n, err := io.WriteString(to, b.String())
	return int64(n), err
}

// list writes counts in parentheses, the keys in order.
func list[K int | string](counts map[K]int) string {
	if len(counts) == 0 {
		return ""
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%v %d", k, counts[k]))
	}
	return " (" + strings.Join(all, ", ") + ")"
}

func ms(d time.Duration) string { return d.Round(time.Millisecond).String() }
