package checker

import (
	"slices"
	"strings"

	"limegrove/e2e/fault/history"
)

// escape is how the sender of a message stands in the instance of the node that a group
// sends it by.
var escape = strings.NewReplacer("%", "%25", "@", "%40", "/", "%2F")

// joined notes that somebody is in a group.
func (c *checker) joined(e history.Event) {
	to := c.address(e.To)
	if strings.Contains(e.From, "/") || slices.Contains(c.groups[to], e.From) {
		c.contradict("%q joins %q, and is no identity or is in it", e.From, to)
		return
	}
	c.groups[to] = append(c.groups[to], c.address(e.From))
}

// carried is from whom and to whom a message comes to a node: to its address, or, when that
// is a group, from the group to the node's identity.
func (c *checker) carried(m *message, at *node) (from, to string) {
	sender := &c.nodes[m.sender]
	if c.groups[m.to] == nil {
		return sender.address, m.to
	}
	return m.to + "/" + escape.Replace(sender.identity), at.identity
}

// isMember tells whether a message for a group has a copy for a node.
func (c *checker) isMember(m *message, at *node) bool {
	return slices.Contains(c.groups[m.to], at.identity) && at.identity != c.nodes[m.sender].identity
}

// count counts what an accepted message has for a group.
func (c *checker) count(m *message) {
	if c.groups[m.to] == nil {
		return
	}
	c.report.Grouped++
	for _, member := range c.groups[m.to] {
		if member != c.nodes[m.sender].identity {
			c.report.Shares++
		}
	}
}

// without calls missing for each address that has to get a message that was accepted, and no
// session of which has it: the message's own, or the members of its group but for the sender.
func (c *checker) without(m *message, missing func(address string)) {
	members := c.groups[m.to]
	if members == nil {
		if len(m.got) == 0 {
			missing(m.to)
		}
		return
	}
	for _, member := range members {
		has := slices.ContainsFunc(m.got, func(session int32) bool {
			return c.nodes[c.sessions[session].node].identity == member
		})
		if !has && member != c.nodes[m.sender].identity {
			missing(member)
		}
	}
}
