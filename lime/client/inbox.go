package client

import (
	"context"
	"slices"
	"sync"

	"limegrove/lime"
)

// item is an envelope that waits to be handed out.
type item struct {
	kind     lime.Kind
	envelope Envelope
	session  *session // in which it came; nil when that was another process's
	number   uint64   // of a message in the session's proofs; 0 for others, and for what is kept
	stored   bool     // a message with an id: a server keeps it until it is acknowledged, or the program does
	kept     uint64   // its number in Config.Arrivals; 0 when it is not there
	again    bool     // a duplicate: to be acknowledged, and not handed out
}

// inbox is what has come and was not handed out, in order. It is bounded, for what servers
// keep and for each kind of the rest by itself: for the one who reads from the server waits for
// room, and of the other no more is let in. So nobody who sends what nobody keeps holds up the
// reader, which has the answers to bring that a handler waits for, nor what is of another kind.
type inbox struct {
	limit int

	mu     sync.Mutex
	all    []item
	stored int               // so many of all
	others map[lime.Kind]int // and so many of those that are not stored
	users  map[lime.Kind]int // who hands out a kind: the handler, iterators
	over   error             // there will be no more
	silent bool              // for a reason that nobody needs to be told
	more   chan struct{}     // closed when something comes; nil while nobody waits for it
	room   chan struct{}     // likewise, when something goes
}

func newInbox(limit int) *inbox {
	return &inbox{limit: limit, users: map[lime.Kind]int{}, others: map[lime.Kind]int{}}
}

// hasRoom tells whether an item that no server keeps would be taken.
func (b *inbox) hasRoom(k lime.Kind) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over != nil || b.others[k] < b.limit
}

// offer queues an item that no server keeps, if there is room.
func (b *inbox) offer(i item) (taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil && b.others[i.kind] >= b.limit {
		return false
	}
	b.addLocked(i)
	return true
}

// waitForRoom waits until a stored item may be added, which the one who reads from the server
// alone does. While there is no room its session is held.
func (b *inbox) waitForRoom(s *session) error {
	for {
		room := b.full(s)
		if room == nil {
			return nil
		}
		s.hold(true)
		select {
		case <-room:
		case <-s.done:
			return s.why()
		}
		s.wire.heard.note()
		s.hold(false)
	}
}

// add queues an item.
func (b *inbox) add(i item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addLocked(i)
}

// full returns a channel when there is no room for what a session brings.
func (b *inbox) full(now *session) (room <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over == nil && b.stored >= b.limit {
		b.forgetLocked(now)
	}
	if b.over == nil && b.stored >= b.limit {
		if b.room == nil {
			b.room = make(chan struct{})
		}
		return b.room
	}
	return nil
}

func (b *inbox) addLocked(i item) {
	if b.over != nil {
		return
	}
	b.all = append(b.all, i)
	b.countLocked(i, 1)
	wake(&b.more)
}

func (b *inbox) countLocked(i item, n int) {
	if i.stored {
		b.stored += n
	} else {
		b.others[i.kind] += n
	}
}

// forgetLocked makes room by the duplicates of sessions that have ended. Nobody hears their
// acknowledgements, and each has come again.
func (b *inbox) forgetLocked(now *session) {
	b.all = slices.DeleteFunc(b.all, func(i item) bool {
		stale := i.again && i.session != now
		if stale {
			b.countLocked(i, -1)
		}
		return stale
	})
}

// take takes out the first item of some kinds, and waits for it. ok is false without an
// error when there will be no more and nobody needs to be told why.
func (b *inbox) take(ctx context.Context, of kinds) (i item, ok bool, err error) {
	for {
		i, ok, more, err := b.tryTake(of)
		if more == nil {
			return i, ok, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return item{}, false, context.Cause(ctx)
		}
	}
}

func (b *inbox) tryTake(of kinds) (i item, ok bool, more <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.all, func(i item) bool { return of.has(i.kind) })
	switch {
	case at >= 0:
		i = b.all[at]
		if at == 0 {
			b.all[0] = item{}
			b.all = b.all[1:]
		} else {
			b.all = slices.Delete(b.all, at, at+1)
		}
		b.countLocked(i, -1)
		if b.stored <= b.limit/2 { // several at a time
			wake(&b.room)
		}
		return i, true, nil, nil
	case b.over != nil && b.silent:
		return item{}, false, nil, nil
	case b.over != nil:
		return item{}, false, nil, b.over
	}
	if b.more == nil {
		b.more = make(chan struct{})
	}
	return item{}, false, b.more, nil
}

// use notes that somebody hands out some kinds, from now on.
func (b *inbox) use(of kinds) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range allKinds(of) {
		b.users[k]++
	}
}

// leave notes that somebody no longer does. It returns what waits and is wanted by nobody
// now: messages go on waiting.
func (b *inbox) leave(of kinds) (unwanted []item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k := range allKinds(of) {
		b.users[k]--
	}
	kept := b.all[:0]
	for _, i := range b.all {
		if i.kind != lime.KindMessage && b.users[i.kind] == 0 {
			b.countLocked(i, -1)
			unwanted = append(unwanted, i)
		} else {
			kept = append(kept, i)
		}
	}
	clear(b.all[len(kept):])
	b.all = kept
	return unwanted
}

// wants tells whether somebody hands out a kind.
func (b *inbox) wants(k lime.Kind) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.users[k] > 0
}

// close lets nothing more in. What waits is still handed out, unless it is to be silent.
func (b *inbox) close(why error, silent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if silent {
		clear(b.all)
		b.all, b.stored, b.silent = nil, 0, true
		clear(b.others)
	}
	if b.over == nil {
		b.over = why
	}
	wake(&b.more)
	wake(&b.room)
}

// wake closes a channel that somebody waits for.
func wake(waiting *chan struct{}) {
	if *waiting != nil {
		close(*waiting)
		*waiting = nil
	}
}

func allKinds(of kinds) map[lime.Kind]bool {
	all := map[lime.Kind]bool{}
	for _, k := range []lime.Kind{lime.KindMessage, lime.KindNotification, lime.KindCommand} {
		if of.has(k) {
			all[k] = true
		}
	}
	return all
}
