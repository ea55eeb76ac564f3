package routing

import (
	"encoding/binary"
	"slices"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// Sessions that share what is for their identity tell each other what they have
// acknowledged: otherwise the floor of each would wait for that of the others, which
// waits for it, and the sweep would bring to the inbox what is acknowledged already. On
// one edge they hear it at once, on others floorsEvery later. It is a hint: one that is
// lost costs that work, until the message is seen to be gone.

// maxAcked bounds what is kept for one identity until the others are told. The oldest are
// left out.
const maxAcked = 1 << 13

// ackedNews is what is to be told of one identity.
type ackedNews struct{ positions []uint64 }

// tellAcked tells the other sessions of m's identity that m has acknowledged a message.
// The shard is locked.
func (m *Member) tellAcked(position uint64) {
	for o := range m.hub.members.all() {
		if o != m {
			o.othersAcked([]uint64{position})
		}
	}
	if len(m.hub.remote()) > 0 {
		m.hubs().floors.acknowledged(m.hub.key, position)
	}
}

// othersAcked notes what other sessions of m's identity have acknowledged. It sorts
// positions. The shard is locked.
func (m *Member) othersAcked(positions []uint64) {
	f := &m.follows[byIdentity]
	if f.Passed() == 0 {
		return
	}
	f.Release(positions)
	m.raiseLocked(byIdentity)
	m.readOnLocked()
}

// acknowledged notes a position for the other edges.
func (f *floors) acknowledged(key subject.Key, position uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteLocked()
	n := f.acked[key]
	if n == nil {
		n = &ackedNews{}
		f.acked[key] = n
	}
	if len(n.positions) == maxAcked {
		n.positions = slices.Delete(n.positions, 0, maxAcked/2)
	}
	n.positions = append(n.positions, position)
}

// working notes for the other edges what a session has, which it keeps.
func (f *floors) working(m *Member, news []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.noteLocked()
	f.busy[floorKey{m.hub.key, m.token()}] = news
}

// tellAcked tells other edges what was noted: not under the lock of a shard, for a broker that
// does not read blocks.
func (f *floors) tellAcked() {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.mu.Lock()
	if len(f.acked) == 0 && len(f.busy) == 0 {
		f.mu.Unlock()
		return
	}
	news, busy := f.acked, f.busy
	f.acked, f.busy = map[subject.Key]*ackedNews{}, map[floorKey][]byte{}
	f.mu.Unlock()
	for at, data := range busy {
		if err := f.hubs.cfg.NATS.Publish(at.key.Working(), data); err != nil {
			f.hubs.metrics.drop(dropBroker)
		}
	}
	for key, n := range news {
		if err := f.hubs.cfg.NATS.Publish(key.Acked(), appendAcked(nil, f.hubs.cfg.Edge, n.positions)); err != nil {
			f.hubs.metrics.drop(dropBroker)
		}
	}
}

// appendAcked appends the edge, a line break, and positions as appendPositions does.
func appendAcked(dst []byte, edge presence.EdgeID, positions []uint64) []byte {
	return appendPositions(append(append(dst, edge...), '\n'), positions)
}

// appendPositions sorts positions, and appends each as what it is above the one before.
func appendPositions(dst []byte, positions []uint64) []byte {
	slices.Sort(positions)
	before := uint64(0)
	for _, p := range positions {
		dst = binary.AppendUvarint(dst, p-before)
		before = p
	}
	return dst
}

// parseAcked reads what appendAcked has made.
func parseAcked(b []byte) (edge presence.EdgeID, positions []uint64, ok bool) {
	i := slices.Index(b, '\n')
	if i < 0 {
		return "", nil, false
	}
	positions, ok = parsePositions(b[i+1:], maxAcked)
	return presence.EdgeID(b[:i]), positions, ok
}

// parsePositions reads what appendPositions has made, and is not ok when there are more.
func parsePositions(b []byte, most int) (positions []uint64, ok bool) {
	at := uint64(0)
	for len(b) > 0 {
		d, n := binary.Uvarint(b)
		if n <= 0 || len(positions) == most {
			return nil, false
		}
		at += d
		positions, b = append(positions, at), b[n:]
	}
	return positions, true
}

// othersAcked takes what another edge tells, with the shard locked.
func (h *Hubs) othersAcked(b *hub, data []byte) {
	edge, positions, ok := parseAcked(data)
	switch {
	case !ok:
		h.metrics.drop(dropMalformed)
	case edge != h.cfg.Edge:
		for m := range b.members.all() {
			m.othersAcked(positions)
		}
	}
}
