package checker

import (
	"time"

	"limegrove/e2e/fault/history"
)

// stream is what one session gets of one sender to one address.
type stream struct {
	session, sender int
	to              string
}

// progress is how far a stream has come.
type progress struct {
	last int32           // the delivered message with the highest number
	in   map[int32]int32 // the session of a first attempt: the same among those first sent in it
}

// suspect is a pair that is out of order if a, which came later, turns out to have been
// accepted in the session in which both were first sent: rule 2.
type suspect struct {
	a, b    int32 // messages
	session int
	again   bool // an earlier session of the node had a
	at      time.Duration
}

// order judges the delivery of message n to a session, which had not got it before;
// again tells that an earlier session of its node had.
func (c *checker) order(e history.Event, to int, n int32, again bool) {
	a := &c.messages[n]
	s := stream{session: to, sender: a.sender, to: a.to}
	p := c.streams[s]
	if p == nil {
		c.streams[s] = &progress{last: n, in: map[int32]int32{a.first: n}}
		return
	}
	within, some := p.in[a.first]
	switch b := &c.messages[p.last]; {
	case b.seq > a.seq && a.accepted && a.acceptedAt < b.sent: // rule 1
		c.reordered(e, suspect{a: n, b: p.last, session: to, again: again})
	case some && c.messages[within].seq > a.seq:
		c.suspects = append(c.suspects, suspect{a: n, b: within, session: to, again: again, at: e.At})
	}
	if c.messages[p.last].seq < a.seq {
		p.last = n
	}
	if !some || c.messages[within].seq < a.seq {
		p.in[a.first] = n
	}
}

// convict judges a suspect when the history is over.
func (c *checker) convict(s suspect) {
	if c.messages[s.a].clean {
		c.reordered(history.Event{At: s.at}, s)
	}
}

func (c *checker) reordered(e history.Event, s suspect) {
	a, b, note := &c.messages[s.a], &c.messages[s.b], ""
	if s.again {
		c.report.Relapsed++
		note = ", which an earlier session had"
	}
	c.violated(Reordered, e, "%s got number %d of %s to %s before number %d%s",
		c.sessions[s.session].name, b.seq, c.nodes[a.sender].address, a.to, a.seq, note)
}
