package routing

import "limegrove/lime"

// Proved is told that the client has what was delivered before a probe.
func (m *Member) Proved(uint32) {}

// Drained is told that the client's queue is empty again.
func (m *Member) Drained() {}

// Receipt takes a client's notification that is addressed to nobody else.
func (m *Member) Receipt(*lime.Header, []byte) bool { return false }

// SetReceipts narrows the events that the session gets as a sender.
func (m *Member) SetReceipts(lime.Events) {}

// Receipts are the events that the session gets as a sender.
func (m *Member) Receipts() lime.Events { return 0 }

// Settle calls done when all that was handed out is acknowledged.
func (m *Member) Settle(done func()) { done() }
