package checker

import (
	"slices"

	"limegrove/e2e/fault/history"
)

func (c *checker) delivered(e history.Event) {
	i, s := c.find(e)
	if s == nil {
		return
	}
	c.report.Deliveries++
	n, known := c.byID[e.ID]
	if !known {
		c.violated(Unknown, e, "%s got %q from %s, which nobody has sent", s.name, e.ID, e.From)
		return
	}
	m := &c.messages[n]
	sender := c.nodes[m.sender].address
	if from, to := c.carried(m, &c.nodes[s.node]); e.From != from || e.Sender != sender || e.To != to || e.Seq != m.seq {
		c.violated(Altered, e, "%s got %q from %s to %s, by its content number %d of %s; it is number %d of %s to %s",
			s.name, m.id, e.From, e.To, e.Seq, e.Sender, m.seq, sender, m.to)
	}
	if !c.rightly(e, s, m) {
		return // it is not among those who were meant to get it
	}
	if slices.Contains(m.got, int32(i)) {
		c.violated(Duplicated, e, "%s got %q of %s once more", s.name, m.id, e.From)
		return
	}
	again := slices.ContainsFunc(m.got, func(other int32) bool { return c.sessions[other].node == s.node })
	if again {
		c.report.Redelivered++
	}
	if len(m.got) == 0 && s.began < m.sent {
		c.report.Deliver.add(e.At - m.sent)
	}
	m.got = append(m.got, int32(i))
	c.order(e, i, n, again)
}

// rightly tells whether a session may get a message.
func (c *checker) rightly(e history.Event, s *session, m *message) bool {
	at := &c.nodes[s.node]
	switch {
	case m.to != at.address && m.to != at.identity && !c.isMember(m, at):
		c.violated(Misdelivered, e, "%s of %s got %q, which is for %s", s.name, at.address, m.id, m.to)
	case m.to != at.address && !s.asked:
		c.violated(Misdelivered, e, "%s got %q, for its identity, before it was available", s.name, m.id)
	case s.forbidden:
		c.violated(Misdelivered, e, "%s got %q while it was unavailable", s.name, m.id)
	default:
		return true
	}
	return false
}
