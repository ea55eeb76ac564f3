package checker

import (
	"fmt"
	"iter"

	"limegrove/e2e/fault/history"
)

// checker is the state of one pass over a history.
type checker struct {
	cfg    Config
	report *Report
	err    error // the history contradicts itself

	sessions  []session
	byName    map[string]int // sessions, by name
	nodes     []node
	byAddress map[string]int // nodes, by address
	messages  []message
	byID      map[string]int32 // messages, by id
	numbers   map[way]int      // the last number
	addresses map[string]string
	groups    map[string][]string // their members, by address

	streams  map[stream]*progress
	suspects []suspect

	service  service
	troubles []trouble
	planned  int // faults
	ended    bool
}

// Check judges a history. An error says that the history cannot be read or
// contradicts itself; a bad verdict is no error.
func Check(events iter.Seq2[history.Event, error], cfg Config) (*Report, error) {
	c := &checker{
		cfg: cfg.withDefaults(), report: newReport(),
		byName: map[string]int{}, byAddress: map[string]int{}, byID: map[string]int32{},
		numbers: map[way]int{}, addresses: map[string]string{}, groups: map[string][]string{}, streams: map[stream]*progress{},
	}
	n := 0
	for e, err := range events {
		if err != nil {
			return nil, err
		}
		n++
		if c.ended {
			return nil, fmt.Errorf("event %d (%s) stands behind the end", n, e.Kind)
		}
		if c.event(e); c.err != nil {
			return nil, fmt.Errorf("event %d (%s): %w", n, e.Kind, c.err)
		}
		c.report.Length = e.At
	}
	c.finish()
	return c.report, nil
}

func (c *checker) event(e history.Event) {
	switch e.Kind {
	case history.Begin:
		c.report.Run, c.planned = e.Text, e.Fault
		c.service.begin(e.At)
	case history.Quiet:
		c.service.quiet(c.cfg, e.At)
	case history.End:
		c.ended = true
	case history.Joined:
		c.joined(e)
	case history.Established:
		c.established(e)
	case history.Asked, history.Present:
		c.presence(e)
	case history.Ended:
		c.sessionEnded(e)
	case history.Sent:
		c.sent(e)
	case history.Accepted, history.Dispatched, history.Received, history.Consumed, history.Failed:
		c.notified(e)
	case history.Delivered:
		c.delivered(e)
	case history.FaultBegin:
		c.harmed(e)
	case history.FaultEnd:
		c.healed(e)
	case history.Exit:
		c.exited(e)
	default:
		c.contradict("there is no such kind of event")
	}
}

// contradict ends the check: the history is not what its documentation promises.
func (c *checker) contradict(format string, args ...any) { c.err = fmt.Errorf(format, args...) }

// violated counts a violation.
func (c *checker) violated(class Class, e history.Event, format string, args ...any) {
	c.report.add(c.cfg.Examples, Violation{Class: class, At: e.At, Text: fmt.Sprintf(format, args...)})
}

// finish judges what only the whole history can tell.
func (c *checker) finish() {
	end := history.Event{At: c.report.Length}
	for _, s := range c.suspects {
		c.convict(s)
	}
	for i := range c.messages {
		c.outcome(&c.messages[i], end)
	}
	r := c.report
	r.Sent = len(c.messages)
	c.service.conclude(c, end)
	if !c.ended {
		c.violated(Vacuous, end, "the history has no end")
	}
	if r.Accepted == 0 {
		c.violated(Vacuous, end, "nothing was accepted")
	}
	if c.planned > 0 && len(r.Faults) == 0 {
		c.violated(Vacuous, end, "there was none of the %d faults that were to come", c.planned)
	}
}
