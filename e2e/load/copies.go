package load

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// copies is what has become of the copies of a tally's messages, each of which is for a
// group. Message k is for group k mod n, of whose senders the next one sends it; a copy of it
// is for each member. The tally's own delivered says when the last member has a message.
type copies struct {
	tally   *tally
	members int // of each group
	senders int // among them
	groups  []*order

	count []uint8        // of message k for member i, at k·members+i; written by who reads for that
	late  []int32        // likewise, after it was due, in µs
	left  []atomic.Int32 // members who have no copy of message k yet
	rank  []int32        // of message k in its group's order, from 1 on; guarded by the group's lock

	total, twice, disordered atomic.Int64
}

// order is that in which a group's messages come: the one in which members get them, since
// all must get them in the same.
type order struct {
	mu     sync.Mutex
	last   int32
	newest []int // message of each sender that has a rank
}

// newCopies expects copies for so many groups, the first so many members of which send.
func newCopies(t *tally, groups, members, senders int) *copies {
	c := &copies{
		tally: t, members: members, senders: senders,
		count: make([]uint8, t.len()*members), late: make([]int32, t.len()*members),
		left: make([]atomic.Int32, t.len()), rank: make([]int32, t.len()),
	}
	for range groups {
		c.groups = append(c.groups, &order{newest: slices.Repeat([]int{-1}, senders)})
	}
	for k := range c.left {
		c.left[k].Store(int32(members))
	}
	return c
}

// sender is the group that message k is for, and which of its members sends it.
func (c *copies) sender(k int) (group, member int) {
	return k % len(c.groups), k / len(c.groups) % c.senders
}

// note notes that a member of a group has got message k. last is the rank of the newest that
// the member has; the new one is returned.
func (c *copies) note(group, member, k int, last int32, now time.Time) int32 {
	if k < 0 || k >= c.tally.len() || k%len(c.groups) != group {
		c.tally.fail("a message that was never sent to the group: %d", k)
		return last
	}
	at := k*c.members + member
	if c.count[at] > 0 {
		c.twice.Add(1)
		return last
	}
	c.count[at]++
	c.late[at] = int32(min(now.Sub(c.tally.due(k)).Microseconds(), 1<<31-1))
	c.total.Add(1)
	if c.left[k].Add(-1) == 0 {
		c.tally.delivered.note(c.tally, k, now)
	}
	rank := c.rankOf(k)
	if rank < last {
		c.disordered.Add(1)
	}
	return max(last, rank)
}

// rankOf returns the rank of message k. The first member that has it gives it the next one:
// whoever gets another first that is behind it in the group's order has this one before. A
// sender's own have to be in the order in which it has sent them.
func (c *copies) rankOf(k int) int32 {
	group, member := c.sender(k)
	o := c.groups[group]
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.rank[k] == 0 {
		o.last++
		c.rank[k] = o.last
		if k < o.newest[member] {
			c.disordered.Add(1)
		}
		o.newest[member] = max(o.newest[member], k)
	}
	return c.rank[k]
}

// between returns the delays of the copies of messages from one number up to another.
func (c *copies) between(from, to int) (d delays) {
	for at := from * c.members; at < to*c.members; at++ {
		if c.count[at] > 0 {
			d = append(d, c.late[at])
		}
	}
	return d.sorted()
}

// verdict is the tally's, of copies instead of messages.
func (c *copies) verdict() Verdict {
	v := c.tally.verdict()
	v.Twice += c.twice.Load()
	v.Disordered += c.disordered.Load()
	v.Lost = v.Sent*int64(c.members) - c.total.Load()
	return v
}
