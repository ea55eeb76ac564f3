package router

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

const (
	// listFresh is how long the list of a domain is shown without being read again.
	listFresh = 5 * time.Second

	// maxLists bounds the domains whose list is remembered or read, and maxListed the bytes
	// of what is remembered. The oldest is forgotten first.
	maxLists  = 256
	maxListed = 64 << 20
)

// lists remembers what the directory of a domain shows. One reads, and whoever asks meanwhile
// waits for it: to read is a router's time and memory, and anybody may ask at any rate.
type lists struct {
	read func(ctx context.Context, domain string) ([]json.RawMessage, error)

	mu       sync.Mutex
	byDomain map[string]*list
}

// list is that of one domain.
type list struct {
	turn chan struct{} // holds one: who has it may read

	// Guarded by the mu of lists.
	wanted int // by so many who are at it
	all    []json.RawMessage
	bytes  int
	at     time.Time // when reading all ended; zero when there is nothing
}

func newLists(read func(context.Context, string) ([]json.RawMessage, error)) *lists {
	return &lists{read: read, byDomain: map[string]*list{}}
}

// get returns the list of a folded domain. The slice is the caller's, what it holds is not to
// be changed. Who waits for another's reading that fails reads for itself.
func (l *lists) get(ctx context.Context, domain string) ([]json.RawMessage, error) {
	one, all, ok := l.want(domain)
	if ok {
		return all, nil
	}
	defer l.leave(domain, one)
	select {
	case one.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-one.turn }()
	if all, ok := l.known(one); ok {
		return all, nil
	}
	all, err := l.read(ctx, domain)
	if err != nil {
		return nil, err
	}
	l.remember(one, all)
	return slices.Clone(all), nil
}

// want returns what is known, or what to take a turn of, and to leave.
func (l *lists) want(domain string) (one *list, all []json.RawMessage, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one = l.byDomain[domain]; one == nil {
		one = &list{turn: make(chan struct{}, 1)}
		l.byDomain[domain] = one
	}
	if all, ok = one.knownLocked(); ok {
		return nil, all, true
	}
	one.wanted++
	return one, nil, false
}

func (l *lists) known(one *list) ([]json.RawMessage, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return one.knownLocked()
}

func (one *list) knownLocked() ([]json.RawMessage, bool) {
	if one.at.IsZero() || time.Since(one.at) >= listFresh {
		return nil, false
	}
	return slices.Clone(one.all), true
}

// remember keeps what was read.
func (l *lists) remember(one *list, all []json.RawMessage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one.all, one.at, one.bytes = all, time.Now(), 0
	for _, a := range all {
		one.bytes += len(a)
	}
}

// leave forgets what is old, and what there is no room for.
func (l *lists) leave(domain string, one *list) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one.wanted--
	if one.wanted == 0 && one.at.IsZero() {
		delete(l.byDomain, domain)
	}
	for {
		bytes, lists, oldest := 0, 0, ""
		for name, o := range l.byDomain {
			switch {
			case o.at.IsZero():
				continue
			case time.Since(o.at) >= listFresh:
				l.forgetLocked(name, o)
				continue
			}
			lists++
			bytes += o.bytes
			if oldest == "" || o.at.Before(l.byDomain[oldest].at) {
				oldest = name
			}
		}
		if bytes <= maxListed && lists <= maxLists {
			return
		}
		l.forgetLocked(oldest, l.byDomain[oldest])
	}
}

// forgetLocked forgets a list, but for who waits for its turn.
func (l *lists) forgetLocked(domain string, one *list) {
	one.all, one.bytes, one.at = nil, 0, time.Time{}
	if one.wanted == 0 {
		delete(l.byDomain, domain)
	}
}
