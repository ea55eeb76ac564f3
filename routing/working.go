package routing

import (
	"bytes"
	"slices"
	"time"

	"limegrove/routing/subject"
)

// A session that shares what is for its identity may be long at work on it. As long as it
// acknowledges some of it now and then, the others leave it the rest: it tells them what it has
// in its window, and whether there is more that it has had no room for. One that acknowledges
// nothing tells nothing, and after workingFor the others take what it has; so they do with
// what it does not say to have.

const (
	// workingEvery is how often a session tells it at most, and workingFor how long it holds.
	workingEvery = 20 * time.Second
	workingFor   = reviewPatience * reviewEvery
)

// working is what a session of another edge has told last.
type working struct {
	at        time.Time
	positions []uint64 // in order
	more      bool     // it reads on
}

// encodeWorking makes a message of a session's token, a line break, "+" if it reads on, another one, and positions
// as appendPositions does.
func encodeWorking(token string, more bool, positions []uint64) []byte {
	dst := append([]byte(token), '\n')
	if more {
		dst = append(dst, '+')
	}
	return appendPositions(append(dst, '\n'), positions)
}

// parseWorking reads what encodeWorking has made.
func parseWorking(b []byte) (token string, w working, ok bool) {
	name, b, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return "", w, false
	}
	more, b, ok := bytes.Cut(b, []byte("\n"))
	if !ok {
		return "", w, false
	}
	w.more = len(more) > 0
	w.positions, ok = parsePositions(b, maxWindow)
	return string(name), w, ok
}

// tellWorkingLocked has other edges told what m has, floorsEvery later, now that it has
// acknowledged something.
func (m *Member) tellWorkingLocked() {
	now := time.Now()
	if m.shared().toldWorking.Add(workingEvery).After(now) || m.state != active || len(m.hub.remote()) == 0 {
		return
	}
	positions := m.window.Positions(true)
	if len(positions) == 0 && !m.readsOn() {
		return
	}
	m.sharingLocked().toldWorking = now
	m.hubs().floors.working(m, encodeWorking(m.token(), m.readsOn(), positions))
}

// readsOn tells whether there is more for m by its identity than it has had room for.
func (m *Member) readsOn() bool {
	f := &m.follows[byIdentity]
	return f.Behind() || f.Reviewing()
}

// othersWork takes what another edge tells, with the shard locked.
func (h *hub) othersWork(data []byte, now time.Time) (ok bool) {
	token, w, ok := parseWorking(data)
	if !ok || !h.isElsewhere(token) {
		return ok
	}
	w.at = now
	all := h.widened()
	if all.working == nil {
		all.working = map[string]working{}
	}
	all.working[token] = w
	for t := range all.working {
		if !h.isElsewhere(t) {
			delete(all.working, t)
		}
	}
	return true
}

// isElsewhere tells whether another edge has a session of the identity at an instance.
func (h *hub) isElsewhere(token string) bool {
	for i := range h.remote() {
		if subject.Token(h.remote()[i].Node.Instance) == token {
			return true
		}
	}
	return false
}

// keeping tells whether one of some sessions keeps a message.
func (h *hub) keeping(some []*route, position uint64) bool {
	now := time.Now()
	return slices.ContainsFunc(some, func(r *route) bool { return h.keeps(r, position, now) })
}

// keeps tells whether a session is to be left a message to the identity that it has not
// acknowledged for long. The shard is locked.
func (h *hub) keeps(r *route, position uint64, now time.Time) bool {
	if m := r.member; m != nil {
		return now.Sub(m.shared().progressed) < workingFor && (m.readsOn() || m.window.Has(true, position))
	}
	if h.wide == nil {
		return false
	}
	w, ok := h.wide.working[r.token]
	if !ok || now.Sub(w.at) >= workingFor {
		return false
	}
	_, has := slices.BinarySearch(w.positions, position)
	return has || w.more
}
