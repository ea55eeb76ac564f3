package routing

import (
	"iter"
	"slices"

	"limegrove/presence"
)

// roll is a list of members of one identity, in the order in which they have come to it. A member is in
// one roll at a time. Guarded by the shard of their hub, as next of a Member is.
type roll struct{ first *Member }

// add puts m at the end. It is in no roll.
func (l *roll) add(m *Member) {
	at := &l.first
	for *at != nil {
		at = &(*at).next
	}
	*at = m
}

// remove takes m out, if it is there.
func (l *roll) remove(m *Member) {
	for at := &l.first; *at != nil; at = &(*at).next {
		if *at == m {
			*at, m.next = m.next, nil
			return
		}
	}
}

// all goes through those who are there. Nobody comes or goes meanwhile.
func (l roll) all() iter.Seq[*Member] {
	return func(yield func(*Member) bool) {
		for m := l.first; m != nil; m = m.next {
			if !yield(m) {
				return
			}
		}
	}
}

// find returns the first at an instance, or nil.
func (l roll) find(token string) *Member {
	for m := l.first; m != nil; m = m.next {
		if m.token() == token {
			return m
		}
	}
	return nil
}

// wide is what a hub knows of sessions on other edges, of rules by which sessions compete, and of what was told of
// the identity.
type wide struct {
	learnt      *learnt // nil for nothing
	remote      []presence.Registration
	working     map[string]working // what sessions of other edges are at work on, by token
	arrangement []route            // see routes
	lost        bool               // a session has lost its node to one of another edge
}

// remote are the registrations of other edges, to be read.
func (h *hub) remote() []presence.Registration {
	if h.wide == nil {
		return nil
	}
	return h.wide.remote
}

// widened returns what the hub knows beyond its own members, to be changed. narrow drops it.
func (h *hub) widened() *wide {
	if h.wide == nil {
		h.wide = new(wide)
	}
	return h.wide
}

// narrow drops what there is not any more.
func (h *hub) narrow() {
	w := h.wide
	if w == nil {
		return
	}
	if len(w.remote) == 0 {
		w.remote, w.working = nil, nil
	}
	if w.remote == nil && w.arrangement == nil && w.learnt == nil && !w.lost {
		h.wide = nil
	}
}

// all returns the members, those included that arrive.
func (h *hub) all() []*Member {
	return slices.AppendSeq(slices.Collect(h.members.all()), h.arriving.all())
}
