package routing

import "sync/atomic"

// budget bounds the bytes of all that is on its way into the log on an edge: from when
// it is taken from a session, while its recipient is asked about and while it is in the
// outbox, until its sender is told.
//
// Sessions share it by being held: the less is left, the less each may have under way
// before its client is no longer read from. So hundreds that send much leave room for
// one that does not, however long the log takes nothing. When it is full all the same,
// what comes is refused.
type budget struct {
	used          atomic.Int64
	notifications atomic.Int64 // the part of it that no session can be held for
}

const (
	// budgetBytes is a second's worth of what a dozen of the fastest senders may send.
	budgetBytes = 64 << 20

	// notificationBytes is the part of it that notifications may have.
	notificationBytes = budgetBytes / 4

	// outgoingCost is what an envelope costs beside its own bytes, about.
	outgoingCost = 512

	// holdPart is how small a part of what is left one session has under way when it is
	// held: of all of it a mebibyte.
	holdPart = 64
)

// take takes room for o. When there is none it returns why.
func (b *budget) take(o *outgoing) (full dropReason, ok bool) {
	n := int64(o.size())
	if o.member == nil {
		if b.notifications.Add(n) > notificationBytes {
			b.notifications.Add(-n)
			return dropNotifications, false
		}
	}
	if b.used.Add(n) > budgetBytes {
		b.give(o)
		return dropOutboxFull, false
	}
	return "", true
}

// give gives the room for o back.
func (b *budget) give(o *outgoing) {
	n := int64(o.size())
	b.used.Add(-n)
	if o.member == nil {
		b.notifications.Add(-n)
	}
}

// share is how many bytes a session may have under way.
func (b *budget) share() int {
	return int(max(0, budgetBytes-b.used.Load()) / holdPart)
}
