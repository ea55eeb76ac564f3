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
	changed  chan struct{} // closed when one is done; nil while nobody waits for it
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

// add puts a publication behind the others of its priority, and waits for room.
func (p *publications) add(ctx context.Context, one *Publication) error {
	if err := p.tryAdd(one); err != nil || one.ready == nil {
		return err
	}
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

// tryAdd leaves a publication that waits for room with ready.
func (p *publications) tryAdd(one *Publication) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over != nil:
		return p.over
	case p.byID[one.id] != nil:
		return ErrID
	}
	p.byID[one.id] = one
	if p.line.len() == 0 && p.hasRoomLocked() {
		p.fresh.push(one.rank, one)
		return nil
	}
	one.ready = make(chan struct{})
	p.line.push(one.rank, one)
	return nil
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

// settle waits until none is left. It returns ErrLost when some of them end without an answer,
// since there will be no other session.
func (p *publications) settle(ctx context.Context) error {
	for waited := false; ; waited = true {
		p.mu.Lock()
		if len(p.byID) == 0 {
			cut := waited && p.cut
			p.mu.Unlock()
			if cut {
				return fmt.Errorf("%w: publications have no answer", ErrLost)
			}
			return nil
		}
		changed := p.waitLocked()
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
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
	} else {
		i := slices.Index(p.sent, one)
		p.sent = slices.Delete(p.sent, i, i+1)
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

// close ends all of them.
func (p *publications) close(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.cut = why, len(p.byID) > 0
	for _, one := range p.byID {
		p.finishLocked(one, why)
	}
}
