package routing

import (
	"hash/maphash"
	"iter"
	"math/bits"

	"limegrove/routing/subject"
)

// hubTable finds the hubs of a shard by their keys, which are in the hubs. It takes some 12 bytes for each, where a map,
// which has the keys as well, takes 40. Guarded by the shard.
//
// It is a table with linear probing: a hub is in the first place that was free from the one that its hash tells on. Of each place there is a
// tag of the hub in it, so that others are hardly ever looked at.
type hubTable struct {
	seed  maphash.Seed
	tags  []uint8 // 0 where there is none
	hubs  []*hub
	count int
}

// The least size of a table that is not empty; it is at most seven eighths full, and grows by a half.
const leastHubTable = 16

func newHubTable() hubTable { return hubTable{seed: maphash.MakeSeed()} }

// of returns where the search for a key begins, and its tag.
func (t *hubTable) of(key subject.Key) (at int, tag uint8) {
	hash := maphash.String(t.seed, string(key))
	high, low := bits.Mul64(hash, uint64(len(t.tags)))
	return int(high), uint8(low>>56) | 1
}

// find returns the hub of a key, or nil.
func (t *hubTable) find(key subject.Key) *hub {
	if t.count == 0 {
		return nil
	}
	at, tag := t.of(key)
	for t.tags[at] != 0 {
		if t.tags[at] == tag && t.hubs[at].key == key {
			return t.hubs[at]
		}
		if at++; at == len(t.tags) {
			at = 0
		}
	}
	return nil
}

// add adds a hub, of whose key there is none.
func (t *hubTable) add(b *hub) {
	if t.count+1 > len(t.tags)/8*7 {
		t.resize(max(leastHubTable, len(t.tags)/2*3))
	}
	t.put(b)
	t.count++
}

func (t *hubTable) put(b *hub) {
	at, tag := t.of(b.key)
	for t.tags[at] != 0 {
		if at++; at == len(t.tags) {
			at = 0
		}
	}
	t.tags[at], t.hubs[at] = tag, b
}

// remove removes a hub, if it is there. Those behind it move up.
func (t *hubTable) remove(b *hub) {
	if t.find(b.key) != b {
		return
	}
	at, _ := t.of(b.key)
	for t.hubs[at] != b {
		if at++; at == len(t.tags) {
			at = 0
		}
	}
	t.count--
	for next := at; ; {
		t.tags[at], t.hubs[at] = 0, nil
		for {
			if next++; next == len(t.tags) {
				next = 0
			}
			if t.tags[next] == 0 {
				if n := len(t.tags); n > leastHubTable && t.count < n/4 {
					t.resize(max(leastHubTable, n/16*8))
				}
				return
			}
			// It may move unless its search begins behind the gap.
			if wants, _ := t.of(t.hubs[next].key); !between(at, wants, next) {
				break
			}
		}
		t.tags[at], t.hubs[at] = t.tags[next], t.hubs[next]
		at = next
	}
}

// between tells whether b is behind a and not behind c, in a ring.
func between(a, b, c int) bool {
	if a <= c {
		return a < b && b <= c
	}
	return a < b || b <= c
}

func (t *hubTable) resize(n int) {
	before := t.hubs
	t.tags, t.hubs = make([]uint8, n), make([]*hub, n)
	for _, b := range before {
		if b != nil {
			t.put(b)
		}
	}
}

// all are all hubs. None is added or removed meanwhile.
func (t *hubTable) all() iter.Seq[*hub] {
	return func(yield func(*hub) bool) {
		for _, b := range t.hubs {
			if b != nil && !yield(b) {
				return
			}
		}
	}
}
