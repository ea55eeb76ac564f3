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
	all      []*Publication
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

// add puts a publication behind the others, and waits for room.
func (p *publications) add(ctx context.Context, one *Publication) error {
	for {
		room, err := p.tryAdd(one)
		if room == nil {
			return err
		}
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *publications) tryAdd(one *Publication) (room <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over != nil:
		return nil, p.over
	case p.byID[one.id] != nil:
		return nil, ErrID
	case len(p.all) >= p.limit:
		return p.waitLocked(), nil
	}
	p.all = append(p.all, one)
	p.byID[one.id] = one
	return nil, nil
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
	return len(p.all) > 0
}

// settle waits until none is left. It returns ErrLost when some of them end without an answer,
// since there will be no other session.
func (p *publications) settle(ctx context.Context) error {
	for waited := false; ; waited = true {
		p.mu.Lock()
		if len(p.all) == 0 {
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
	i := slices.Index(p.all, one)
	p.all = slices.Delete(p.all, i, i+1)
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
	p.over, p.cut = why, len(p.all) > 0
	for len(p.all) > 0 {
		p.finishLocked(p.all[0], why)
	}
}
