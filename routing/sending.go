package routing

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// sending is what a session has sent that is not settled, and what it is to be told of it.
// Guarded by the shard of the hub.
type sending struct {
	storing      []*outgoing
	storingBytes int
	held         bool       // the client is not read from
	owed         [][]byte   // what it is to be told, and had no room for
	failed       []failedID // what it was told has failed, though that may yet be stored
}

// sendings are for who begins to send: most have one message under way at a time.
var sendings = sync.Pool{New: func() any { return new(sending) }}

// maxSpareSending is for how many messages one in the pool keeps room.
const maxSpareSending = 16

// sendingLocked returns what m is sending, to be changed. settledSendingLocked drops it.
func (m *Member) sendingLocked() *sending {
	p := m.particularsLocked()
	if p.sending == nil {
		p.sending = sendings.Get().(*sending)
	}
	return p.sending
}

// underWayLocked is what m is sending, or nil.
func (m *Member) underWayLocked() *sending {
	if m.own == nil {
		return nil
	}
	return m.own.sending
}

// settledSendingLocked drops what m is sending when that is nothing any more.
func (m *Member) settledSendingLocked() {
	s := m.underWayLocked()
	if s == nil || len(s.storing) > 0 || s.held || len(s.owed) > 0 || len(s.failed) > 0 {
		return
	}
	m.own.sending = nil
	m.tidyLocked()
	if cap(s.storing) > maxSpareSending {
		s.storing = nil
	}
	*s = sending{storing: s.storing[:0]}
	sendings.Put(s)
}

// owes tells whether m is to be told something that it had no room for.
func (m *Member) owes() bool {
	s := m.underWayLocked()
	return s != nil && len(s.owed) > 0
}

// isStoring tells whether a message of m with that id is on its way into the log. The
// shard of m is locked.
func (m *Member) isStoring(id []byte) bool {
	s := m.underWayLocked()
	return s != nil && slices.ContainsFunc(s.storing, func(o *outgoing) bool { return bytes.Equal(o.id, id) })
}

// holdLocked tells whether reading from the client is to stop, for it has much under
// way, and notes that it has.
func (m *Member) holdLocked() bool {
	s := m.underWayLocked()
	if s.held || len(s.storing) < holdAt && s.storingBytes < m.hubs().budget.share() {
		return false
	}
	s.held = true
	return true
}

// takeStoringLocked takes o out of what is under way. It tells whether reading may go
// on.
func (m *Member) takeStoringLocked(o *outgoing) (found, resume bool) {
	s := m.underWayLocked()
	if s == nil {
		return false, false
	}
	i := slices.Index(s.storing, o)
	if i < 0 {
		return false, false
	}
	s.storing = slices.Delete(s.storing, i, i+1)
	s.storingBytes -= o.size()
	if s.held && len(s.storing) <= holdAt/2 && s.storingBytes <= m.hubs().budget.share()/2 {
		s.held, resume = false, true
	}
	return true, resume
}

// failedID is the id of a message whose sender was told that it failed.
type failedID struct {
	id   string
	till time.Time
}

// A message that was given up may have been stored all the same. Its sender hears
// nothing more of it, L-NOT-04, unless it sends it again.
const (
	maxFailed  = 256
	failedKept = 2 * time.Minute
)

// hasFailed notes that the sender was told so.
func (m *Member) hasFailed(id []byte) {
	s := m.sendingLocked()
	if len(s.failed) >= maxFailed {
		s.failed = append(s.failed[:0], s.failed[1:]...)
	}
	s.failed = append(s.failed, failedID{string(id), time.Now().Add(failedKept)})
}

// tryAgain forgets that a message has failed.
func (m *Member) tryAgain(id []byte) {
	s := m.underWayLocked()
	if s == nil || s.failed == nil {
		return
	}
	now := time.Now()
	s.failed = slices.DeleteFunc(s.failed, func(f failedID) bool { return f.id == string(id) || now.After(f.till) })
	if len(s.failed) == 0 {
		s.failed = nil
	}
}

// toldFailed tells whether the sender was told that a message failed.
func (m *Member) toldFailed(id []byte) bool {
	s := m.underWayLocked()
	return s != nil && slices.ContainsFunc(s.failed, func(f failedID) bool { return f.id == string(id) })
}
