package checker

import (
	"strings"
	"time"

	"limegrove/e2e/fault/history"
)

const available = "available"

// node is an address that has had a session.
type node struct {
	address, identity string

	live  int           // sessions that have not ended
	open  int           // those among them that are available
	since time.Duration // when the last one ended
	away  bool          // the client did not want that
}

// session is one of the history's.
type session struct {
	name string
	node int // in nodes

	began     time.Duration
	over      bool
	asked     bool // it has asked to be available at least once
	there     bool // it was confirmed to be available, and still is
	forbidden bool // it was confirmed not to be available, and has asked for nothing since
}

func (c *checker) established(e history.Event) {
	if _, known := c.byName[e.Session]; known || e.Session == "" {
		c.contradict("the session %q is established twice", e.Session)
		return
	}
	n, known := c.byAddress[e.Node]
	if !known {
		identity, _, complete := strings.Cut(e.Node, "/")
		if !complete {
			c.contradict("%q is no complete node", e.Node)
			return
		}
		n = len(c.nodes)
		c.nodes = append(c.nodes, node{address: e.Node, identity: identity})
		c.byAddress[e.Node] = n
	}
	at := &c.nodes[n]
	if at.away {
		c.report.Gaps.add(e.At - at.since)
		c.service.returned = e.At
		at.away = false
	}
	at.live++
	c.byName[e.Session] = len(c.sessions)
	c.sessions = append(c.sessions, session{name: e.Session, node: n, began: e.At})
	c.report.Sessions++
}

// find returns the session of an event, which is there.
func (c *checker) find(e history.Event) (int, *session) {
	i, known := c.byName[e.Session]
	if !known {
		c.contradict("the session %q was never established", e.Session)
		return 0, nil
	}
	s := &c.sessions[i]
	if s.over {
		c.contradict("the session %q has ended", e.Session)
		return 0, nil
	}
	return i, s
}

func (c *checker) presence(e history.Event) {
	_, s := c.find(e)
	if s == nil {
		return
	}
	at := &c.nodes[s.node]
	switch is := e.Text == available; {
	case e.Kind == history.Asked:
		s.asked = s.asked || is
		s.forbidden = false
	case is && !s.there:
		s.there = true
		at.open++
	case !is:
		s.forbidden = true
		if s.there {
			s.there = false
			at.open--
		}
	}
}

func (c *checker) sessionEnded(e history.Event) {
	_, s := c.find(e)
	if s == nil {
		return
	}
	s.over = true
	at := &c.nodes[s.node]
	if s.there {
		at.open--
	}
	at.live--
	switch e.Text {
	case history.Left, history.Replaced, history.Abandoned: // by the client's will
	default:
		at.away, at.since = at.live == 0, e.At
	}
}

// isThere tells whether a session of an address is there now that gets what a node sends
// to it: what one sends to one's own identity goes to the others of it (L-MSG-14).
func (c *checker) isThere(address string, sender int) bool {
	if n, ok := c.byAddress[address]; ok {
		return c.nodes[n].open > 0
	}
	for i := range c.nodes {
		if i != sender && c.nodes[i].identity == address && c.nodes[i].open > 0 {
			return true
		}
	}
	return false
}
