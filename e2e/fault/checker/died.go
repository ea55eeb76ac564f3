package checker

import (
	"fmt"
	"time"

	"limegrove/e2e/fault/history"
)

// statusFailed is what an edge or a router ends with that could not do what it was asked
// to, for which the servers that it needs may be the reason.
const statusFailed = 1

// trouble is a fault for as long as it lasts.
type trouble struct {
	number int
	target string
	healed bool
	until  time.Duration // if it is healed
}

// exited judges the end of a process, if it is one of ours.
func (c *checker) exited(e history.Event) {
	switch e.Signal {
	case "", history.Terminated, history.Killed:
	default:
		c.contradict("a process was sent %q", e.Signal)
		return
	}
	itself := e.Signal == "" || e.Signal == history.Killed && e.Status >= 0 // it was faster than the kill
	if itself {
		c.report.Exits = append(c.report.Exits, fmt.Sprintf("%.3fs: %s: %s", e.At.Seconds(), e.Target, e.Text))
	}
	switch e.Name {
	case history.Edge, history.Router:
	case history.Broker, history.Redis, history.Proxy:
		return // they are others' programs, and their ends are no promise of ours
	default:
		c.contradict("there is no such sort of process as %q", e.Name)
		return
	}
	switch {
	case itself && !e.Ready && e.Status == statusFailed:
		// It has not begun, because a server that it needs was away. It is in the list.
	case itself:
		c.violated(Died, e, "%s has ended by itself: %s", e.Target, e.Text)
	case e.Signal == history.Killed, e.Status == 0:
	case e.Status == statusFailed && (!e.Ready || c.troubled(e)):
		c.report.Excused = append(c.report.Excused, fmt.Sprintf("%.3fs: %s: %s", e.At.Seconds(), e.Target, e.Text))
	default:
		c.violated(Died, e, "%s was asked to end, and %s later: %s", e.Target, e.Took.Round(time.Millisecond), e.Text)
	}
}

// harmed notes a fault.
func (c *checker) harmed(e history.Event) {
	c.report.Faults[e.Name]++
	c.troubles = append(c.troubles, trouble{number: e.Fault, target: e.Target})
}

// healed notes its end.
func (c *checker) healed(e history.Event) {
	c.service.healed(e.At)
	for i := range c.troubles {
		if t := &c.troubles[i]; t.number == e.Fault {
			t.healed, t.until = true, e.At
		}
	}
}

// troubled tells whether there was a fault while a process was ending, or so shortly
// before that what it needs may have been away still. That it is asked to end is none.
func (c *checker) troubled(exit history.Event) bool {
	asked := exit.At - exit.Took
	for _, t := range c.troubles {
		if t.target != exit.Target && (!t.healed || t.until+c.cfg.Back > asked) {
			return true
		}
	}
	return false
}
