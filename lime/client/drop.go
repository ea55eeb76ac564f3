package client

import (
	"sync/atomic"

	"limegrove/lime"
)

// DropReason says why something that has come, or what answers it, was handed to nobody.
type DropReason string

// The reasons.
const (
	DropDuplicate DropReason = "duplicate" // it has come before
	DropUnwanted  DropReason = "unwanted"  // nobody handles or iterates over its kind; a request is answered so
	DropUnasked   DropReason = "unasked"   // a response that nobody waits for any more, or by somebody who was not asked
	DropMalformed DropReason = "malformed" // an envelope with an address that is none, or of no kind
	DropFull      DropReason = "full"      // Config.Queue of its kind wait; a request is answered so
	DropReceipt   DropReason = "receipt"   // a receipt, for which there was no session any more
	DropAnswer    DropReason = "answer"    // an answer of a RequestHandler's that was not stored
	DropRemoval   DropReason = "removal"   // the word that a message of Config.Arrivals was handled, which the store did not take
	DropKept      DropReason = "kept"      // what Config.Store had of an earlier process and the server did not store
)

// drops counts what was dropped.
type drops struct{ duplicate, unwanted, unasked, malformed, full, receipt, answer, kept, removal atomic.Uint64 }

func (d *drops) of(why DropReason) *atomic.Uint64 {
	switch why {
	case DropDuplicate:
		return &d.duplicate
	case DropUnwanted:
		return &d.unwanted
	case DropUnasked:
		return &d.unasked
	case DropMalformed:
		return &d.malformed
	case DropFull:
		return &d.full
	case DropReceipt:
		return &d.receipt
	case DropAnswer:
		return &d.answer
	case DropKept:
		return &d.kept
	case DropRemoval:
		return &d.removal
	}
	return nil
}

// Dropped returns how many envelopes were dropped for a reason.
func (c *Client) Dropped(why DropReason) uint64 {
	if n := c.drops.of(why); n != nil {
		return n.Load()
	}
	return 0
}

func (c *Client) drop(why DropReason) { c.drops.of(why).Add(1) }

// kinds is a set of kinds.
type kinds uint8

func kindsOf(all ...lime.Kind) (s kinds) {
	for _, k := range all {
		s |= 1 << k
	}
	return s
}

func (s kinds) has(k lime.Kind) bool { return s>>k&1 != 0 }
