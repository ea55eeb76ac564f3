package routing

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"limegrove/presence"
	"limegrove/routing/subject"
)

// floorsEvery is how late Redis may hear of a floor.
const floorsEvery = 100 * time.Millisecond

// floors brings to Redis up to where addresses have acknowledged, for the sweep and for
// sessions that begin. It keeps one floor for each address until Redis has it, without
// the name of its log, which is set when it is brought: a log's positions are above those
// of the one before it, so a floor that is older says nothing of it.
type floors struct {
	hubs *Hubs
	wake chan struct{} // holds one: not to wait for the next time
	soon chan struct{} // holds one: something was noted, and nothing before it that is still here

	// By one at a time, so that all that had risen has been brought when bring returns.
	bringing sync.Mutex

	mu     sync.Mutex
	noted  bool // since it was last brought
	dirty  map[floorKey]presence.Floor
	flying map[floorKey]presence.Floor // on their way, or empty
	// What was brought lately, of sessions that may have ended since: Redis may lose it
	// before the sweep has come by. Two generations.
	young, old map[floorKey]presence.Floor
	turned     time.Time // when the old was the young

	held map[*Member]struct{} // whose floors wait for those of others

	// To be told to other edges, by one at a time, so that all that was noted has been told
	// when tellAcked returns.
	telling sync.Mutex
	acked   map[subject.Key]*ackedNews
	busy    map[floorKey][]byte // what a session has

	after []func() // to be called when all that there is now has been brought
}

type floorKey struct {
	key   subject.Key
	token string
}

func newFloors(h *Hubs) *floors {
	return &floors{hubs: h, wake: make(chan struct{}, 1), soon: make(chan struct{}, 1), dirty: map[floorKey]presence.Floor{}, flying: map[floorKey]presence.Floor{}, held: map[*Member]struct{}{}, acked: map[subject.Key]*ackedNews{}, busy: map[floorKey][]byte{}}
}

// raise notes the floor of one of m's addresses.
func (f *floors) raise(m *Member, which int, floor uint64) {
	at := presence.Floor{Identity: m.who.Identity(), Position: floor}
	if which == byNode {
		at.Instance = m.who.Instance()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raiseLocked(floorKey{m.hub.key, m.tokenOf(which)}, at)
}

func (f *floors) raiseLocked(key floorKey, at presence.Floor) {
	if before, ok := f.dirty[key]; !ok || before.Position < at.Position {
		f.dirty[key] = at
		f.noteLocked()
	}
}

// noteLocked has all that was noted brought in a while: an edge without stored messages has no
// reason to look.
func (f *floors) noteLocked() {
	if f.noted {
		return
	}
	f.noted = true
	select {
	case f.soon <- struct{}{}:
	default:
	}
}

// pending returns the floor of an address that Redis may not have yet, or 0.
func (f *floors) pending(key subject.Key, token string) (floor uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, some := range []map[floorKey]presence.Floor{f.dirty, f.flying, f.young, f.old} {
		if at, ok := some[floorKey{key, token}]; ok {
			floor = max(floor, at.Position)
		}
	}
	return floor
}

// settle calls done when Redis has been told of all floors that there are now, or
// could not be.
func (f *floors) settle(done func()) {
	f.mu.Lock()
	f.after = append(f.after, done)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run brings floors until ctx is done, and those that are left then.
func (f *floors) run(ctx context.Context) {
	due := time.NewTimer(0)
	defer due.Stop()
	hear := time.NewTicker(heldEvery)
	defer hear.Stop()
	for {
		select {
		case <-ctx.Done():
			f.bring(context.WithoutCancel(ctx))
			return
		case <-hear.C:
			f.hear(ctx)
			continue
		case <-f.soon:
			due.Reset(floorsEvery)
			continue
		case <-due.C:
		case <-f.wake:
		}
		f.bring(ctx)
	}
}

// bring tells Redis of all floors that have risen. What it does not take waits for the
// next time.
func (f *floors) bring(ctx context.Context) {
	f.mu.Lock()
	f.noted = false // what is noted from here on may be too late for this time
	f.mu.Unlock()
	f.tellAcked()
	f.mu.Lock()
	after := f.after
	f.after = nil
	f.mu.Unlock()
	f.bringRisen(ctx)
	for _, done := range after {
		done()
	}
}

func (f *floors) bringRisen(ctx context.Context) {
	f.bringing.Lock()
	defer f.bringing.Unlock()
	f.mu.Lock()
	f.flying, f.dirty = f.dirty, f.flying
	keys := slices.AppendSeq(make([]floorKey, 0, len(f.flying)), maps.Keys(f.flying))
	f.mu.Unlock()
	if len(keys) == 0 {
		return
	}
	brought := f.bringLots(ctx, keys)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys[brought:] { // for the next time
		f.raiseLocked(key, f.flying[key])
	}
	f.rememberLocked(keys[:brought], time.Now())
	f.flying = renewed(f.flying)
}

const (
	// floorsKept is how long a generation of floors is remembered: longer than the sweep
	// walks behind the log's end.
	floorsKept = 30 * time.Second
	// maxRemembered bounds a generation. What does not fit is forgotten with Redis.
	maxRemembered = 1 << 16
)

// rememberLocked keeps what was brought.
func (f *floors) rememberLocked(keys []floorKey, now time.Time) {
	if now.Sub(f.turned) > floorsKept {
		f.old, f.young, f.turned = f.young, nil, now
	}
	if f.young == nil {
		f.young = map[floorKey]presence.Floor{}
	}
	for _, key := range keys {
		if _, known := f.young[key]; known || len(f.young) < maxRemembered {
			f.young[key] = f.flying[key]
		}
	}
}

// floorLot is how many floors are brought together. Each lot has the time of a request.
const floorLot = 2000

// bringLots tells Redis of floors and returns of how many, up to the first that it does
// not take.
func (f *floors) bringLots(ctx context.Context, keys []floorKey) (brought int) {
	streams := f.hubs.cfg.Streams
	for lot := range slices.Chunk(keys, floorLot) {
		all := make([]presence.Floor, len(lot))
		for i, key := range lot {
			all[i] = f.flying[key] // nobody changes it meanwhile
			all[i].Log = streams.LogName(key.key.Partition(streams.Partitions()))
		}
		ctx, cancel := context.WithTimeout(ctx, f.hubs.cfg.Timeout)
		err := f.hubs.cfg.Registry.RaiseFloors(ctx, all)
		cancel()
		if err != nil {
			f.hubs.complaints.Warn("Redis cannot be told of floors; trying on", err)
			return brought
		}
		brought += len(lot)
	}
	return brought
}

// heldEvery is how often the floors are looked at that others may have raised. It is
// several times shorter than the sweep waits for them.
const heldEvery = 2 * time.Second

// hold has m hear up to where other sessions of its identity have acknowledged, until
// its own floor is held down no more. The shard of m is locked.
func (f *floors) hold(m *Member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[m] = struct{}{}
}

// hear looks up to where others of the same identities have acknowledged, here or, as
// Redis tells, on other edges.
func (f *floors) hear(ctx context.Context) {
	f.mu.Lock()
	held := slices.Collect(maps.Keys(f.held))
	f.mu.Unlock()
	for lot := range slices.Chunk(held, floorLot) {
		for i, all := range f.hubs.reader.floors(ctx, lot) {
			f.heard(lot[i], all)
		}
	}
}

func (f *floors) heard(m *Member, all []presence.Floor) {
	m.hub.shard.mu.Lock()
	defer m.hub.shard.mu.Unlock()
	follow := &m.follows[byIdentity]
	if m.state == active {
		follow.Safe(f.hubs.reader.floorOf(m, byIdentity, all))
		m.raiseLocked(byIdentity)
		m.readOnLocked()
		if follow.Held() || follow.Passed() > 0 {
			m.reviewOld(time.Now())
			return
		}
	}
	m.floorHeld = false
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.held, m)
}

// maxSpare is for how many floors an empty map keeps its room.
const maxSpare = 1 << 14

// renewed empties a map, to be used again unless it was very large once.
func renewed(m map[floorKey]presence.Floor) map[floorKey]presence.Floor {
	if len(m) > maxSpare {
		return map[floorKey]presence.Floor{}
	}
	clear(m)
	return m
}

// again tells Redis of the floors of all members in some partitions, and of those that
// have left lately, because it has lost them, or has them under the name of a log that is
// no more.
func (f *floors) again(in func(partition int) bool) {
	partitions := f.hubs.cfg.Streams.Partitions()
	f.mu.Lock()
	for _, some := range []map[floorKey]presence.Floor{f.old, f.young, f.flying} {
		for key, at := range some {
			if in(key.key.Partition(partitions)) {
				f.raiseLocked(key, at)
			}
		}
	}
	f.mu.Unlock()
	for _, s := range f.hubs.shards {
		s.mu.Lock()
		for b := range s.hubs.all() {
			for m := range b.members.all() {
				if !in(m.partition()) {
					continue
				}
				for which := range m.follows {
					if floor := m.follows[which].Floor(); floor > 0 {
						f.raise(m, which, floor)
					}
				}
			}
		}
		s.mu.Unlock()
	}
}
