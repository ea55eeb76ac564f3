package client

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// publications are the messages that wait for their answer, in order. They are bounded;
// who publishes more waits. The writer of the session that there is takes from them what it
// has to send: all of them when it begins, and then what is new or was not answered.
type publications struct {
	limit      int
	patience   time.Duration // for an answer in one session; negative: for ever
	maxResends int           // negative: none

	mu       sync.Mutex
	sent     []*Publication       // in the order in which they were sent for the first time
	fresh    ranked[*Publication] // for which there is room
	line     ranked[*Publication] // for which there is none
	byID     map[string]*Publication
	kept     int            // so many of all the store has
	unread   []*Publication // those of fresh whose text is in the store alone
	removals []uint64       // what the store is to keep no longer
	changed  chan struct{}  // closed when one is done; nil while nobody waits for it
	over     error
	cut      bool      // some had no answer when that came
	failures int       // of the server, 51, in a row
	notUntil time.Time // nothing is sent before
}

func newPublications(cfg *Config) *publications {
	return &publications{
		limit: cfg.InFlight, patience: cfg.ResendAfter, maxResends: cfg.MaxResends, byID: map[string]*Publication{},
	}
}

// reserve takes a publication's id.
func (p *publications) reserve(one *Publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over != nil:
		return p.over
	case p.byID[one.id] != nil:
		return ErrID
	}
	p.byID[one.id] = one
	if one.number != 0 {
		p.kept++
	}
	return nil
}

// has notes that the store has a publication.
func (p *publications) has(one *Publication, number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.kept = true
	if p.byID[one.id] != one { // all has ended meanwhile, and who publishes it hears so
		p.removals = append(p.removals, number)
		return
	}
	one.number = number
	p.kept++
}

// enqueue puts a publication behind the others of its priority. One that waits for room is left
// with ready; of those that the store has no more than there is room for are in memory.
func (p *publications) enqueue(one *Publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] != one {
		return one.err
	}
	if p.line.len() == 0 && p.hasRoomLocked() {
		p.fresh.push(one.rank, one)
		return nil
	}
	one.ready = make(chan struct{})
	p.line.push(one.rank, one)
	if one.number != 0 {
		one.text = nil
	}
	return nil
}

// waitForRoom gives a publication up when ctx is done first.
func (p *publications) waitForRoom(ctx context.Context, one *Publication) error {
	select {
	case <-one.ready:
		return nil
	case <-one.done:
		return one.err
	case <-ctx.Done():
		p.finish(one, context.Cause(ctx))
		return context.Cause(ctx)
	}
}

func (p *publications) hasRoomLocked() bool { return len(p.sent)+p.fresh.len() < p.limit }

// admitLocked lets in who waits, as far as there is room.
func (p *publications) admitLocked() {
	for p.over == nil && p.hasRoomLocked() {
		one, ok := p.line.pop()
		if !ok {
			return
		}
		p.fresh.push(one.rank, one)
		close(one.ready)
		if one.text == nil {
			p.unread = append(p.unread, one)
		}
	}
}

func (p *publications) waitLocked() <-chan struct{} {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// waiting tells whether there are any.
func (p *publications) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byID) > 0
}

// left tells how many there are, without those that the store has if these may stay, and has
// changed closed when that changes. cut tells that some ended without an answer.
func (p *publications) left(mayStay bool) (n int, changed <-chan struct{}, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = len(p.byID)
	if mayStay {
		n -= p.kept
	}
	return n, p.waitLocked(), p.cut
}

// until gives a publication up when ctx is done.
func (p *publications) until(ctx context.Context, one *Publication) {
	stop := context.AfterFunc(ctx, func() { p.finish(one, context.Cause(ctx)) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] == one {
		one.stop = stop
		return
	}
	stop() // it was answered already
}

// finish ends a publication, unless it has ended.
func (p *publications) finish(one *Publication, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] == one {
		p.finishLocked(one, err)
	}
}

func (p *publications) finishLocked(one *Publication, err error) {
	delete(p.byID, one.id)
	if one.sent.IsZero() {
		is := func(other *Publication) bool { return other == one }
		_ = p.fresh.remove(one.rank, is) || p.line.remove(one.rank, is)
	} else if i := slices.Index(p.sent, one); i >= 0 {
		p.sent = slices.Delete(p.sent, i, i+1)
	}
	if one.number != 0 {
		p.kept--
		p.removals = append(p.removals, one.number)
		one.number = 0
	}
	p.admitLocked()
	if one.stop != nil {
		one.stop()
	}
	one.err = err
	if one.after != nil {
		one.after(err)
	}
	close(one.done)
	wake(&p.changed)
}

// finishKept ends a publication that the store goes on to have.
func (p *publications) finishKept(one *Publication, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[one.id] == one {
		p.finishKeptLocked(one, err)
	}
}

func (p *publications) finishKeptLocked(one *Publication, err error) {
	if one.number != 0 {
		one.number, err = 0, fmt.Errorf("%w: %w", ErrKept, err)
		p.kept--
	}
	p.finishLocked(one, err)
}

// close ends all of them.
func (p *publications) close(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.cut = why, len(p.byID) > p.kept
	p.sent, p.fresh, p.line = nil, ranked[*Publication]{}, ranked[*Publication]{} // where each need not be looked for
	for _, one := range p.byID {
		p.finishKeptLocked(one, why)
	}
}

// work is what the store is to do: the numbers to remove, and what to read by its number.
func (p *publications) work() (removals []uint64, unread map[uint64]*Publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.unread {
		if one.number != 0 {
			if unread == nil {
				unread = map[uint64]*Publication{}
			}
			unread[one.number] = one
		}
	}
	removals = p.removals
	p.removals, p.unread = nil, nil
	return removals, unread
}

// removeLater takes back what the store could not do.
func (p *publications) removeLater(numbers []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removals = append(p.removals, numbers...)
}

// read has a publication ready to be sent.
func (p *publications) read(one *Publication, text []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.text = text
}
