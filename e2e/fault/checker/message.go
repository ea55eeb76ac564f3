package checker

import (
	"time"

	"limegrove/e2e/fault/history"
)

const never = -1

// message is what is known of one message.
type message struct {
	id     string
	to     string // shared with the other messages to it
	sender int    // in nodes
	seq    int

	sent     time.Duration // first
	first    int32         // the session of the first attempt
	attempts int32
	failedIn int32 // the session of a failed that no attempt has followed; or never
	clean    bool  // accepted in the session of the first attempt, which had not failed

	accepted   bool
	acceptedAt time.Duration
	failed     bool          // ever
	retracted  bool          // failed after accepted
	toldAt     time.Duration // of the last notification

	got []int32 // the sessions that have it, in order
}

// way is where messages of one order go.
type way struct {
	sender int // in nodes
	to     string
}

// address returns the one copy of an address that is kept.
func (c *checker) address(a string) string {
	if kept, known := c.addresses[a]; known {
		return kept
	}
	c.addresses[a] = a
	return a
}

func (c *checker) sent(e history.Event) {
	i, s := c.find(e)
	if s == nil {
		return
	}
	if n, known := c.byID[e.ID]; known {
		m := &c.messages[n]
		if m.sender != s.node || m.to != e.To || m.seq != e.Seq {
			c.contradict("the id %q is another message's", e.ID)
			return
		}
		m.attempts++
		m.failedIn = never
		c.report.Resent++
		return
	}
	to := c.address(e.To)
	way := way{sender: s.node, to: to}
	if e.Seq <= c.numbers[way] {
		c.contradict("number %d of %s to %s is sent after number %d", e.Seq, c.nodes[s.node].address, to, c.numbers[way])
		return
	}
	c.numbers[way] = e.Seq
	c.byID[e.ID] = int32(len(c.messages))
	c.messages = append(c.messages, message{
		id: e.ID, to: to, sender: s.node, seq: e.Seq, sent: e.At, first: int32(i), attempts: 1, failedIn: never,
	})
}

// told returns the message that a notification for the session is about.
func (c *checker) told(e history.Event, s *session) *message {
	n, known := c.byID[e.ID]
	if !known || c.messages[n].sender != s.node {
		c.violated(Unknown, e, "%s is told %s of %q, which its node has not sent", s.name, e.Kind, e.ID)
		return nil
	}
	return &c.messages[n]
}

func (c *checker) notified(e history.Event) {
	i, s := c.find(e)
	if s == nil {
		return
	}
	m := c.told(e, s)
	if m == nil {
		return
	}
	m.toldAt = e.At
	if m.failedIn == int32(i) && m.first == int32(i) {
		c.violated(AfterFailed, e, "%s is told %s of %q after failed", s.name, e.Kind, m.id)
	}
	switch e.Kind {
	case history.Accepted:
		c.accepted(e, i, m)
	case history.Failed:
		m.failedIn = int32(i)
		m.retracted = m.retracted || m.accepted
		if !m.failed {
			m.failed = true
			c.report.Failed++
		}
		c.report.Codes[e.Code]++
	default:
		if !m.accepted && m.attempts == 1 && m.first == int32(i) && !m.failed {
			c.violated(Early, e, "%s is told %s of %q, and not yet that it was accepted", s.name, e.Kind, m.id)
		}
	}
}

func (c *checker) accepted(e history.Event, session int, m *message) {
	c.service.accepted(c.cfg, e.At)
	if m.accepted {
		return
	}
	m.accepted, m.acceptedAt = true, e.At
	m.clean = m.first == int32(session) && !m.failed
	c.report.Accepted++
	c.report.Accept.add(e.At - m.sent)
}

// outcome judges a message by the whole history.
func (c *checker) outcome(m *message, end history.Event) {
	r := c.report
	last := history.Event{At: m.toldAt}
	if len(m.got) > 0 {
		r.Delivered++
	}
	switch sender := c.nodes[m.sender].address; {
	case m.retracted && len(m.got) > 0:
		c.violated(Belied, last, "%q of %s to %s was accepted, failed, and was delivered", m.id, sender, m.to)
	case m.retracted:
		c.violated(Retracted, last, "%q of %s to %s was accepted, and failed", m.id, sender, m.to)
	case m.accepted:
		c.count(m)
		c.without(m, func(address string) {
			if !c.isThere(address, m.sender) {
				c.violated(Unjudged, end, "%q of %s was accepted, and nobody of %s came back", m.id, sender, address)
				return
			}
			c.violated(Lost, last, "%q of %s to %s, first sent at %.3fs, was accepted and never delivered to %s",
				m.id, sender, m.to, m.sent.Seconds(), address)
		})
	case m.failed && len(m.got) > 0:
		r.Unsure++
	case !m.failed:
		r.Unanswered++
	}
}
