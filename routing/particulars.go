package routing

import (
	"sync"
	"time"

	"limegrove/lime"
	"limegrove/presence"
)

// particulars are what few sessions have. They are guarded by the shard of the hub.
type particulars struct {
	letInBy    string                 // a credential that may be revoked alone; "" for none
	capability *lime.Capability       // nil until it is set; never changed, but replaced
	taken      *lime.Taken            // capability, as others know it
	told       *told                  // nil until it is told to have begun, and where nobody is told
	takesOver  *presence.Registration // the session of another edge that it has replaced
	settling   *settling              // nil until the edge wants the session to go
	sharing    *sharing               // nil where it shares nothing with others of its identity
	announced  *lime.Presence         // what routers were told of, where that is not the presence; nil for nothing
	sending    *sending               // messages by the session that are not settled; nil for none
	receipts   lime.Events            // which events it wants to hear of
}

// particulars of those who send come and go with each message.
var particularsPool = sync.Pool{New: func() any { return new(particulars) }}

// settling is how far a session is that is to go: nothing is handed out any more.
type settling struct {
	done   func() // to be called when nothing is unacknowledged
	called bool
}

// sharing is what a session remembers of its part in what is for its identity.
type sharing struct {
	since       uint64    // from which position on it competes for stored messages; 0: not yet
	progressed  time.Time // when it has acknowledged a message that it shares last
	toldWorking time.Time // when others were told what it has
	reviewed    time.Time // when what it has passed was looked through last
	reviewEnded time.Time // when that was done last, for whatever reason
	reviewAgain bool      // once more after that, and after a pause
}

// particularsLocked returns them to be changed.
func (m *Member) particularsLocked() *particulars {
	if m.own == nil {
		m.own = particularsPool.Get().(*particulars)
	}
	return m.own
}

// tidyLocked drops them when there are none any more.
func (m *Member) tidyLocked() {
	if p := m.own; p != nil && *p == (particulars{}) {
		m.own = nil
		particularsPool.Put(p)
	}
}

// sharingLocked returns what m remembers of sharing, to be changed.
func (m *Member) sharingLocked() *sharing {
	p := m.particularsLocked()
	if p.sharing == nil {
		p.sharing = new(sharing)
	}
	return p.sharing
}

// shared is that, or nothing, to be read.
func (m *Member) shared() (s sharing) {
	if m.own != nil && m.own.sharing != nil {
		s = *m.own.sharing
	}
	return s
}

func (m *Member) receiptsLocked() lime.Events {
	if m.own == nil {
		return 0
	}
	return m.own.receipts
}

func (m *Member) takenLocked() *lime.Taken {
	if m.own == nil {
		return nil
	}
	return m.own.taken
}

func (m *Member) toldLocked() *told {
	if m.own == nil {
		return nil
	}
	return m.own.told
}

// takesOverLocked is the session of another edge that m has replaced and waits for, or nil.
func (m *Member) takesOverLocked() *presence.Registration {
	if m.own == nil {
		return nil
	}
	return m.own.takesOver
}

// settles tells whether nothing is to be handed out any more.
func (m *Member) settles() bool { return m.own != nil && m.own.settling != nil }
