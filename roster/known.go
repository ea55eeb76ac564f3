package roster

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"limegrove/document"
	"limegrove/lime"
)

const (
	// maxKnown bounds what is remembered, in bytes, as far as it can be counted. What was not
	// asked for for the longest is forgotten first.
	maxKnown = 32 << 20

	// knownFor is how long what is remembered counts without being asked for. A removal is the
	// last change of a bucket for an hour alone; then it would seem as if it had never been.
	knownFor = 30 * time.Minute
)

// known is the contacts of one owner. Nobody changes it.
type known struct {
	sharing, others []lime.Identity
	revision        uint64
}

// Known returns the contacts of an owner, those with whom it shares its presence and the
// others, as of the last change that anybody was told of, or later. It reads them when they
// have changed since it has done so; that they have not costs a round trip, however many they
// are. The slices are not to be changed.
func (s *Store) Known(ctx context.Context, owner lime.Identity) (sharing, others []lime.Identity, err error) {
	who, err := s.whoIsKnown(ctx, owner)
	if err != nil {
		return nil, nil, fmt.Errorf("contacts of %s: %w", owner, err)
	}
	return who.sharing, who.others, nil
}

func (s *Store) whoIsKnown(ctx context.Context, owner lime.Identity) (known, error) {
	k, err := document.Of(owner)
	if err != nil {
		return known{}, err
	}
	least, err := s.contacts.Last(ctx, k) // even if nothing is remembered: what is read may be of a replica that is behind
	if err != nil {
		return known{}, err
	}
	if who, ok := s.known.get(k); ok && least == who.revision {
		s.known.put(k, who) // as of now
		return who, nil
	}
	documents, revision, err := s.contacts.Whole(ctx, k, least)
	if err != nil {
		return known{}, err
	}
	who := known{revision: revision}
	for _, d := range documents {
		c, err := decodeContact(d)
		switch {
		case err != nil:
			return known{}, err
		case c.SharesPresence():
			who.sharing = append(who.sharing, c.Identity)
		default:
			who.others = append(who.others, c.Identity)
		}
	}
	who.sharing, who.others = slices.Clip(who.sharing), slices.Clip(who.others)
	s.known.put(k, who)
	return who, nil
}

// memory is the contacts of those who were asked for last.
type memory struct {
	most int // bytes

	mu    sync.Mutex
	byKey map[document.Key]*list.Element
	order *list.List // of *remembered, those asked for last in front
	bytes int
}

type remembered struct {
	key   document.Key
	who   known
	bytes int
	at    time.Time
}

func newMemory(most int) *memory {
	return &memory{most: most, byKey: map[document.Key]*list.Element{}, order: list.New()}
}

func (m *memory) get(k document.Key) (known, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byKey[k]
	if e == nil || time.Since(e.Value.(*remembered).at) >= knownFor {
		return known{}, false
	}
	return e.Value.(*remembered).who, true
}

func (m *memory) put(k document.Key, who known) {
	one := &remembered{key: k, who: who, bytes: who.size() + 2*len(k), at: time.Now()}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetLocked(m.byKey[k])
	m.byKey[k] = m.order.PushFront(one)
	m.bytes += one.bytes
	for m.bytes > m.most {
		m.forgetLocked(m.order.Back())
	}
	for e := m.order.Back(); e != nil && time.Since(e.Value.(*remembered).at) >= knownFor; e = m.order.Back() {
		m.forgetLocked(e)
	}
}

func (m *memory) forgetLocked(e *list.Element) {
	if e == nil {
		return
	}
	one := m.order.Remove(e).(*remembered)
	delete(m.byKey, one.key)
	m.bytes -= one.bytes
}

// size is about what it takes in memory.
func (k *known) size() int {
	const fixed, each = 300, 40 // an entry, and the two strings of an identity
	n := fixed
	for _, some := range [][]lime.Identity{k.sharing, k.others} {
		for _, i := range some {
			n += each + len(i.Name) + len(i.Domain)
		}
	}
	return n
}
