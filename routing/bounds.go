package routing

import "sync/atomic"

// Bounds are what of Config may be changed while Hubs run. They are for sessions that begin.
type Bounds struct {
	KeepOlder      bool
	MaxPerIdentity int
}

type bounds struct {
	keepOlder      atomic.Bool
	maxPerIdentity atomic.Int64
}

// SetBounds puts others in force. It may be called from anywhere.
func (h *Hubs) SetBounds(b Bounds) {
	h.bounds.keepOlder.Store(b.KeepOlder)
	h.bounds.maxPerIdentity.Store(int64(b.MaxPerIdentity))
}
