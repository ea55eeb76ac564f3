package routing

import (
	"sync"

	"limegrove/lime"
	"limegrove/routing/subject"
	"limegrove/tracing"
)

// How many publications may wait to hear of their fate. The broker and the other
// edges answer within a few milliseconds; at 100,000 envelopes a second this is a
// sixth of a second's worth. What is older is overwritten, its sender is not told,
// and the reply, if there is one, is counted as late.
const (
	replyPages = 64
	replyPage  = 256
)

// pending is an envelope whose sender wants to know when it reaches nobody.
type pending struct {
	sequence uint64
	member   *Member
	id       []byte // its own copy
	kind     lime.Kind
	method   lime.Method // of a command request
	foreign  bool        // it goes by way of a gateway
	envelope []byte      // its own copy, of what is stored when it reaches nobody
	traced   *tracing.Context
}

// replies remembers whom to tell when an envelope that was published has reached
// nobody. It is a ring: bounded, without timers, and an entry is answered once.
type replies struct {
	mu    sync.Mutex
	next  uint64 // never subject.NoReply
	pages [replyPages]*[replyPage]pending
}

// add notes an envelope of m and returns its sequence, or NoReply for what nobody is
// told about: whatever has no id, responses, and notifications but for those that are
// kept. It borrows h and keep.
func (r *replies) add(m *Member, h *lime.Header, keep []byte) uint64 {
	if keep == nil && !wantsAnswer(h) {
		return subject.NoReply
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next++
	p := r.slot(r.next)
	p.sequence, p.member, p.kind, p.method, p.foreign = r.next, m, h.Kind, h.Method, false
	p.traced = nil
	p.id = append(p.id[:0], h.ID...)
	p.envelope = append(p.envelope[:0], keep...)
	return r.next
}

// viaGateway notes that an envelope which was just added goes by way of a gateway.
func (r *replies) viaGateway(sequence uint64) {
	if sequence == subject.NoReply {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.slot(sequence); p.sequence == sequence {
		p.foreign = true
	}
}

// trace notes by which span an envelope which was just added was forwarded.
func (r *replies) trace(sequence uint64, by tracing.Context) {
	if sequence == subject.NoReply {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.slot(sequence); p.sequence == sequence {
		p.traced = &by
	}
}

// take returns the entry of a sequence once. Its id is the caller's.
func (r *replies) take(sequence uint64) (p pending, ok bool) {
	if sequence == subject.NoReply {
		return pending{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if sequence > r.next {
		return pending{}, false
	}
	s := r.slot(sequence)
	if s.sequence != sequence || s.kind == lime.KindUnknown {
		return pending{}, false
	}
	p = *s
	*s = pending{}
	return p, true
}

func (r *replies) slot(sequence uint64) *pending {
	page := &r.pages[sequence/replyPage%replyPages]
	if *page == nil {
		*page = new([replyPage]pending)
	}
	return &(*page)[sequence%replyPage]
}

// wantsAnswer tells whether LIME has an answer for the sender of h: a notification
// for a message, a response for a command's request, both only when there is an
// id. Nothing answers a notification, a response or an observe.
func wantsAnswer(h *lime.Header) bool {
	if len(h.ID) == 0 {
		return false
	}
	switch h.Kind {
	case lime.KindMessage:
		return true
	case lime.KindCommand:
		return h.Status == 0 && h.Method != lime.MethodObserve
	}
	return false
}
